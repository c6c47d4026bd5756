package org.luthier.installer;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertificateException;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.luthier.api.LuthierException;

/** Asks servers for files, follows them to other addresses, and says in words what went wrong. Used by several threads. */
final class Http {
    private static final int MOST_REDIRECTS = 5;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    private final HttpClient client;
    private final Patience patience;

    Http(Patience patience) {
        this.patience = patience;
        client = HttpClient.newBuilder()
                // Each file has a connection of its own: one that breaks takes no other along.
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(patience.connect())
                .build();
    }

    /** Whether a text is meant to be a URL, and no path of a file. */
    static boolean isUrl(String text) {
        return text.matches("[A-Za-z][A-Za-z0-9+.-]+:.*") && !text.matches("[A-Za-z]:[\\\\/].*");
    }

    /**
     * A URL that can be fetched from.
     *
     * @param plain whether http will do, as it does where a user wrote it; otherwise only https
     * @throws LuthierException if it cannot
     */
    static URI uri(String text, boolean plain) {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw new LuthierException("no URL: '" + ObjectNames.shown(text) + "': " + e.getReason(), e);
        }
        String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
        if (!scheme.equals("https") && !(plain && scheme.equals("http"))) {
            throw new LuthierException("cannot fetch " + text + ": expected " + (plain ? "http or " : "")
                    + "https, got " + scheme + "; get the weights yourself, then use --from PATH");
        }
        if (uri.getHost() == null) {
            throw new LuthierException("cannot fetch " + text + ": it names no host");
        }
        return uri;
    }

    /**
     * Asks for a file; the answer has any status but a redirection, and its body is open.
     *
     * @throws LuthierException if it is not to be had there
     * @throws IOException if asking again may help
     */
    HttpResponse<InputStream> get(URI uri, Map<String, String> headers) throws IOException, InterruptedException {
        URI at = uri;
        for (int hops = 0; hops <= MOST_REDIRECTS; hops++) {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(at).timeout(patience.answer()).header("User-Agent", "luthier");
            headers.forEach(request::header);
            HttpResponse<InputStream> response = send(request.build());
            if (!REDIRECTS.contains(response.statusCode())) {
                return response;
            }
            response.body().close();
            at = target(at, response.headers().firstValue("Location").orElse(""));
        }
        throw new LuthierException(uri + ": led on more than " + MOST_REDIRECTS + " times, at last to " + at);
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        try {
            return client.send(request, BodyHandlers.ofInputStream());
        } catch (IllegalArgumentException e) {
            // So Java's client tells of a length that is no number.
            throw new Interrupted("the server's answer breaks the rules of HTTP: " + ObjectNames.shown(e.getMessage()));
        }
    }

    /**
     * Where a redirection leads.
     *
     * @throws LuthierException if that is no server, or less secure than what was asked
     */
    static URI target(URI from, String location) {
        URI to;
        try {
            to = from.resolve(new URI(location));
        } catch (URISyntaxException e) {
            throw new LuthierException(
                    from + ": leads on to '" + ObjectNames.shown(location) + "', which is no URL", e);
        }
        String scheme = String.valueOf(to.getScheme()).toLowerCase(Locale.ROOT);
        boolean secure = scheme.equals("https");
        boolean plain = scheme.equals("http") && from.getScheme().equalsIgnoreCase("http");
        if (location.isEmpty() || to.getHost() == null || !secure && !plain) {
            String followed = from.getScheme().equalsIgnoreCase("https") ? "https" : "http and https";
            throw new LuthierException(from + ": leads on to '" + ObjectNames.shown(location) + "', refused: from "
                    + from.getScheme() + " only " + followed + " is followed");
        }
        return to;
    }

    /** Whether a server is not the one that it should be, or the connection to it not secret; no attempt changes that. */
    static boolean isDistrusted(IOException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }

    /** Why a file did not come, in words. */
    String why(IOException e) {
        if (e instanceof HttpConnectTimeoutException) {
            return "waited " + seconds(patience.connect().toMillis()) + " for a connection";
        }
        if (e instanceof HttpTimeoutException) {
            return "waited " + seconds(patience.answer().toMillis()) + " for an answer";
        }
        if (e instanceof SSLException) {
            return "no secure connection: " + e.getMessage();
        }
        if (e instanceof ConnectException) {
            return e.getCause() instanceof ConnectException
                                    && e.getCause().getCause() instanceof UnresolvedAddressException
                            || e.getCause() instanceof UnresolvedAddressException
                    ? "the host's address cannot be found"
                    : "no connection: " + (e.getMessage() == null ? "refused" : e.getMessage());
        }
        if (e instanceof Interrupted) {
            return e.getMessage();
        }
        return "the connection was dropped ("
                + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()) + ")";
    }

    static String seconds(long millis) {
        return millis % 1000 == 0 ? millis / 1000 + " s" : millis / 1000.0 + " s";
    }

    /** A transfer that ended too early, for a reason that is known. */
    static final class Interrupted extends IOException {
        private static final long serialVersionUID = 1L;

        /** Seconds that the server asks to wait, or 0. */
        private final long retryAfter;

        Interrupted(String message) {
            this(message, 0);
        }

        Interrupted(String message, long retryAfter) {
            super(message);
            this.retryAfter = retryAfter;
        }

        long retryAfter() {
            return retryAfter;
        }
    }
}
