package org.luthier.installer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.api.LuthierException;
import org.luthier.files.Sha256;

/**
 * Fetches one file: goes on where an earlier attempt ended, tries again as long as that helps, checks size and checksum, and moves the
 * file to its place.
 */
final class Transfer {
    /** An attempt that brings less is none: a server that hands out single bytes would be asked for ever. */
    private static final int LEAST_GAIN = 4096;

    private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18})");
    private static final Pattern UNSATISFIED = Pattern.compile("bytes \\*/(\\d{1,18})");
    private static final Pattern BYTES = Pattern.compile("\\d{1,18}");
    private static final Pattern SECONDS = Pattern.compile("\\d{1,6}");

    private final Item item;
    private final Path partial;
    private final Path complete;
    private final Staging staging;
    private final Http http;
    private final Patience patience;
    private final LongConsumer moved;

    /** The body that is being read, while one is. */
    private volatile InputStream body;

    private volatile long heard;
    private volatile boolean stalled;
    /** Bytes of the partial file. */
    private long have;

    /** @param moved told how many bytes came, negative if they were thrown away */
    Transfer(
            Item item, Path partial, Path complete, Staging staging, Http http, Patience patience, LongConsumer moved) {
        this.item = item;
        this.partial = partial;
        this.complete = complete;
        this.staging = staging;
        this.http = http;
        this.patience = patience;
        this.moved = moved;
    }

    /**
     * Fetches the file, unless it is there already.
     *
     * @throws LuthierException if it cannot be had
     * @throws InterruptedException if the thread was interrupted; what came is kept
     */
    void run() throws InterruptedException {
        try {
            if (Files.exists(complete) && isRight(complete)) {
                moved.accept(Files.size(complete));
                return;
            }
            have = Files.exists(partial) ? Files.size(partial) : 0;
            moved.accept(have);
            if (have > 0
                    && (!item.hasChecksum() && Staging.tag(partial) == null
                            || item.size() >= 0 && have > item.size())) {
                restart();
            }
            fetch();
            if (!isRight(partial)) {
                restart();
                fetch();
                if (!isRight(partial)) {
                    String difference = difference(partial);
                    restart();
                    throw new LuthierException(item.uri() + ": " + difference
                            + ", twice: it was damaged or changed; use --from URL or PATH to get it from elsewhere");
                }
            }
        } catch (ClosedByInterruptException e) {
            throw new InterruptedException();
        } catch (IOException e) {
            throw Staging.cannotWrite(partial, e);
        }
        staging.finish(partial, complete);
    }

    /** Ends the transfer if nothing came for too long; asked regularly from another thread. */
    void watch(long now) {
        InputStream open = body;
        if (open != null && now - heard > patience.silence().toNanos()) {
            stalled = true;
            close(open);
        }
    }

    /** Ends what is being read; from another thread. */
    void stop() {
        InputStream open = body;
        if (open != null) {
            close(open);
        }
    }

    private static void close(InputStream open) {
        try {
            open.close();
        } catch (IOException e) {
            // Its reader is told too.
        }
    }

    private void fetch() throws IOException, InterruptedException {
        int failures = 0;
        while (item.size() < 0 || have < item.size()) {
            long before = have;
            String why;
            long wait = 0;
            try {
                attempt();
                return;
            } catch (WriteException e) {
                throw e.getCause();
            } catch (IOException e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (Http.isDistrusted(e)) {
                    throw new LuthierException(item.uri() + ": " + http.why(e), e);
                }
                why = stalled
                        ? "waited " + Http.seconds(patience.silence().toMillis()) + " for more of it"
                        : http.why(e);
                wait = e instanceof Http.Interrupted interrupted ? interrupted.retryAfter() : 0;
            }
            failures = have - before >= LEAST_GAIN ? 1 : failures + 1;
            if (failures >= patience.attempts()) {
                throw new LuthierException(item.uri() + ": " + why + ", " + failures + " times in a row"
                        + (have == 0
                                ? "; run the command again later, or use --from URL or PATH to get the weights from elsewhere"
                                : ", after " + have + (item.size() < 0 ? "" : " of " + item.size())
                                        + " bytes; what was fetched is kept, run the command again to go on"));
            }
            long pause = patience.pauseAfter(failures).toMillis();
            Thread.sleep(Math.max(
                    pause, Math.min(wait * 1000, patience.longestPause().toMillis())));
        }
    }

    private void attempt() throws IOException, InterruptedException {
        stalled = false;
        Map<String, String> headers = new HashMap<>();
        headers.put("Accept-Encoding", "identity");
        String tag = Staging.tag(partial);
        if (have > 0) {
            headers.put("Range", "bytes=" + have + "-");
            if (tag != null) {
                headers.put("If-Range", tag);
            }
        }
        HttpResponse<InputStream> response = http.get(item.uri(), headers);
        try (InputStream in = response.body()) {
            heard = System.nanoTime();
            body = in;
            long end = begin(response);
            if (end >= 0 && have == end) {
                return;
            }
            copy(in, end);
        } finally {
            body = null;
        }
    }

    /**
     * Judges the head of an answer and makes the partial file ready for its body.
     *
     * @return how many bytes the file has in the end, or -1 if nobody says
     */
    private long begin(HttpResponse<?> response) throws IOException {
        int status = response.statusCode();
        String encoding = response.headers().firstValue("Content-Encoding").orElse("identity");
        if ((status == 200 || status == 206) && !encoding.equals("identity")) {
            throw new LuthierException(item.uri() + ": the server sends it packed (" + encoding
                    + "), which was not asked for; use --from URL or PATH to get it from elsewhere");
        }
        switch (status) {
            case 200 -> {
                restart();
                Staging.tag(partial, versionOf(response));
                String length = response.headers().firstValue("Content-Length").orElse("");
                return agreed(BYTES.matcher(length).matches() ? Long.parseLong(length) : -1);
            }
            case 206 -> {
                Matcher range = RANGE.matcher(
                        response.headers().firstValue("Content-Range").orElse(""));
                String tag = Staging.tag(partial);
                String version = versionOf(response);
                boolean goesOn = range.matches()
                        && Long.parseLong(range.group(1)) == have
                        && (tag == null || version == null || tag.equals(version));
                if (!goesOn) {
                    restart();
                    throw new Http.Interrupted("the server sent another part of the file than was asked for");
                }
                return agreed(Long.parseLong(range.group(2)));
            }
            case 416 -> {
                Matcher whole = UNSATISFIED.matcher(
                        response.headers().firstValue("Content-Range").orElse(""));
                if (item.size() < 0 && whole.matches() && Long.parseLong(whole.group(1)) == have) {
                    return have;
                }
                restart();
                throw new Http.Interrupted("the server has less of the file than came before");
            }
            default -> {
                if (status == 408 || status == 429 || status >= 500) {
                    String wait = response.headers().firstValue("Retry-After").orElse("");
                    throw new Http.Interrupted(
                            "the server answered " + status,
                            SECONDS.matcher(wait).matches() ? Long.parseLong(wait) : 0);
                }
                throw new HttpStatusException(item.uri(), status);
            }
        }
    }

    /** A name of a version that promises equal bytes, or null. */
    private static String versionOf(HttpResponse<?> response) {
        return response.headers()
                .firstValue("ETag")
                .filter(tag -> tag.startsWith("\"") && tag.length() < 1000)
                .orElse(null);
    }

    private long agreed(long offered) {
        if (item.size() >= 0 && offered >= 0 && offered != item.size()) {
            throw new LuthierException(item.uri() + ": expected " + item.size() + " bytes, the server offers " + offered
                    + ": it is another file; use --from URL or PATH to get the weights from elsewhere");
        }
        long size = item.size() >= 0 ? item.size() : offered;
        if (size > limit()) {
            throw tooLarge();
        }
        return size;
    }

    private long limit() {
        return item.size() >= 0 ? item.size() : item.most();
    }

    private LuthierException tooLarge() {
        return new LuthierException(item.uri() + ": the server sends more than "
                + (item.size() >= 0 ? "the " + item.size() + " bytes that it should have" : limit() + " bytes")
                + "; nothing of it was kept");
    }

    private void copy(InputStream in, long end) throws IOException {
        byte[] block = new byte[1 << 16];
        boolean tooMuch = false;
        try (OutputStream out = open()) {
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                heard = System.nanoTime();
                tooMuch = have + count > limit();
                if (tooMuch) {
                    break;
                }
                write(out, block, count);
                have += count;
                moved.accept(count);
            }
        }
        if (tooMuch) {
            restart();
            throw tooLarge();
        }
        if (stalled) {
            throw new IOException("stalled");
        }
        if (end >= 0 && have < end) {
            throw new Http.Interrupted("the connection ended after " + have + " of " + end + " bytes");
        }
    }

    private OutputStream open() throws WriteException {
        try {
            return Files.newOutputStream(partial, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new WriteException(e);
        }
    }

    private static void write(OutputStream out, byte[] block, int count) throws WriteException {
        try {
            out.write(block, 0, count);
        } catch (IOException e) {
            throw new WriteException(e);
        }
    }

    private void restart() throws WriteException {
        try {
            Files.deleteIfExists(partial);
            Staging.tag(partial, null);
        } catch (IOException e) {
            throw new WriteException(e);
        }
        moved.accept(-have);
        have = 0;
    }

    private boolean isRight(Path file) throws IOException {
        return difference(file) == null;
    }

    /** What is wrong with a file, or null. */
    private String difference(Path file) throws IOException {
        if (!Files.exists(file)) {
            // An empty file takes no request.
            Files.createFile(file);
        }
        long size = Files.size(file);
        if (item.size() >= 0 && size != item.size()) {
            return "expected " + item.size() + " bytes, got " + size;
        }
        if (item.sha256() != null) {
            String sha256 = Sha256.hex(file);
            return sha256.equals(item.sha256()) ? null : "expected the sha256 " + item.sha256() + ", got " + sha256;
        }
        if (item.md5() != null) {
            String md5 = md5(file);
            return md5.equals(item.md5()) ? null : "expected the MD5 " + item.md5() + ", got " + md5;
        }
        return null;
    }

    private static String md5(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has MD5", e);
        }
        byte[] block = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                digest.update(block, 0, count);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The disk failed, not the network: trying again does not help. */
    private static final class WriteException extends IOException {
        private static final long serialVersionUID = 1L;

        WriteException(IOException cause) {
            super(cause);
        }

        @Override
        public synchronized IOException getCause() {
            return (IOException) super.getCause();
        }
    }
}
