package org.luthier.installer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.luthier.api.LuthierException;

/**
 * The files of a folder on a server: what the JSON listing of a public storage bucket says, as Google Cloud Storage writes it; where
 * there is no such listing, the published files by their known names.
 */
final class Listing {
    /** No file of a model is larger. */
    static final long MOST_BYTES = 16L << 30;

    private static final long MOST_LISTING = 16 << 20;
    private static final int MOST_PAGES = 100;
    /** Beside the files, among which any name may occur. */
    private static final String PAGE = "../listing.json";

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final URI folder;
    private final Map<String, String> published;
    private final Downloads downloads;
    private final Staging staging;

    private final List<Item> items = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private final ObjectNames names;

    /**
     * @param folder ends with a slash
     * @param published sha256 of the files that make up the weights, by path; empty if they are not known
     */
    Listing(URI folder, Map<String, String> published, Downloads downloads, Staging staging) {
        this.folder = folder;
        this.published = published;
        this.downloads = downloads;
        this.staging = staging;
        this.names = new ObjectNames("the list of " + folder);
    }

    /** What was noticed, each one line. */
    List<String> remarks() {
        return remarks;
    }

    /**
     * The files to fetch.
     *
     * @throws LuthierException if the folder cannot be listed, or the list is not to be trusted
     */
    List<Item> read() {
        try {
            pages();
        } catch (HttpStatusException e) {
            if (published.isEmpty()) {
                throw e;
            }
            byName();
        }
        if (items.isEmpty()) {
            throw new LuthierException(folder
                    + ": the list of its files is empty; use --from URL or PATH to get the weights from elsewhere");
        }
        Set<String> missing = new TreeSet<>(published.keySet());
        items.forEach(item -> missing.remove(item.path()));
        if (!missing.isEmpty()) {
            throw new LuthierException(folder + ": " + missing.size() + " of the " + published.size()
                    + " published files are missing in the list, the first is '"
                    + missing.iterator().next() + "'");
        }
        return List.copyOf(items);
    }

    private void byName() {
        published.forEach((path, sha256) -> {
            names.add(path);
            items.add(new Item(path, child(path), -1, MOST_BYTES, null, sha256));
        });
    }

    private URI child(String path) {
        return folder.resolve(folder.getRawPath() + encoded(path));
    }

    private void pages() {
        String path = folder.getPath();
        int slash = path.indexOf('/', 1);
        if (slash < 0) {
            throw new LuthierException(
                    folder + ": expected a bucket and a folder in it, as in https://HOST/BUCKET/FOLDER/");
        }
        String bucket = path.substring(1, slash);
        String prefix = path.substring(slash + 1);
        String query = "/storage/v1/b/" + encoded(bucket) + "/o?prefix=" + encoded(prefix) + "&maxResults=1000";
        Set<String> tokens = new HashSet<>();
        String token = null;
        int others = 0;
        do {
            URI uri = folder.resolve(token == null ? query : query + "&pageToken=" + encoded(token));
            JsonNode page = page(uri);
            for (JsonNode object : page.path("items")) {
                others += add(uri, object, prefix) ? 0 : 1;
            }
            token = page.path("nextPageToken").isTextual()
                    ? page.get("nextPageToken").textValue()
                    : null;
            if (token != null && (!tokens.add(token) || tokens.size() > MOST_PAGES)) {
                throw new LuthierException(uri + ": the list does not end");
            }
        } while (token != null);
        if (others > 0) {
            remarks.add(folder + " has " + others
                    + " more files that are not among the published ones; they were left there");
        }
    }

    private JsonNode page(URI uri) {
        Path file = staging.complete(PAGE);
        try {
            Files.deleteIfExists(file);
            downloads.fetch(List.of(new Item(PAGE, uri, -1, MOST_LISTING, null, null)), -1);
            JsonNode page = JSON.readTree(Files.readAllBytes(file));
            if (!page.isObject() || page.has("items") && !page.get("items").isArray()) {
                throw noListing(uri, null);
            }
            return page;
        } catch (JsonProcessingException e) {
            throw noListing(uri, e);
        } catch (IOException e) {
            throw Staging.cannotWrite(file, e);
        } finally {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw Staging.cannotWrite(file, e);
            }
        }
    }

    private static LuthierException noListing(URI uri, Exception cause) {
        return new LuthierException(
                uri + ": expected the JSON listing of a storage bucket, got something else (a page to log in?)"
                        + "; use --from URL or PATH to get the weights from elsewhere",
                cause);
    }

    /** @return false if it is a file that is not published */
    private boolean add(URI list, JsonNode object, String prefix) {
        String name = object.path("name").asText("");
        long size = size(list, name, object.path("size"));
        if (!name.startsWith(prefix)) {
            throw new LuthierException(list + ": lists '" + ObjectNames.shown(name) + "', which is not in the folder");
        }
        String path = name.substring(prefix.length());
        if (size == 0 && (path.isEmpty() || path.endsWith("/"))) {
            // A marker that makes a folder visible in a browser.
            return true;
        }
        names.add(path);
        if (!published.isEmpty() && !published.containsKey(path)) {
            return false;
        }
        items.add(
                new Item(path, child(path), size, size, md5(list, name, object.path("md5Hash")), published.get(path)));
        return true;
    }

    private static long size(URI list, String name, JsonNode value) {
        String text = value.asText("");
        if (!text.matches("\\d{1,12}") || Long.parseLong(text) > MOST_BYTES) {
            throw new LuthierException(list + ": '" + ObjectNames.shown(name) + "': expected a size in bytes, at most "
                    + MOST_BYTES + ", got '" + ObjectNames.shown(text) + "'");
        }
        return Long.parseLong(text);
    }

    private static String md5(URI list, String name, JsonNode value) {
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(value.asText());
            if (bytes.length == 16) {
                return HexFormat.of().formatHex(bytes);
            }
        } catch (IllegalArgumentException e) {
            // Told below.
        }
        throw new LuthierException(list + ": '" + ObjectNames.shown(name) + "': expected an MD5 in base64, got '"
                + ObjectNames.shown(value.asText()) + "'");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("%2F", "/");
    }
}
