package org.luthier.installer;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A storage bucket on this machine that lists and serves files, with ranges; any path can be made to misbehave. */
final class StorageServer implements AutoCloseable {
    static final String FOLDER = "/weights/checkpoints/toy/";
    static final String LISTING = "/storage/v1/b/weights/o";
    private static final String PREFIX = "checkpoints/toy/";

    final Map<String, byte[]> files = new TreeMap<>();
    /** What answers in place of the server, by path. */
    final Map<String, HttpHandler> tricks = new ConcurrentHashMap<>();
    /** Changes what the listing says of a file. */
    Function<String, String> lie = Function.identity();
    /** Every request: path, and where its range begins. */
    final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    /** Holds back handlers that wait, until the server closes. */
    final CountDownLatch closing = new CountDownLatch(1);

    int pageSize = 1000;

    private final HttpServer server;
    private final ExecutorService pool = Executors.newCachedThreadPool();

    StorageServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(pool);
        server.createContext("/", this::handle);
        server.start();
    }

    /** Its address, without a slash at the end. */
    String root() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    String folder() {
        return root() + FOLDER;
    }

    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(path + " " + from(exchange));
        try (exchange) {
            HttpHandler trick = tricks.get(path);
            if (trick != null) {
                trick.handle(exchange);
            } else if (path.equals(LISTING)) {
                send(exchange, 200, listing(exchange.getRequestURI().getQuery()).getBytes(StandardCharsets.UTF_8));
            } else if (path.startsWith(FOLDER) && files.containsKey(path.substring(FOLDER.length()))) {
                serve(exchange, files.get(path.substring(FOLDER.length())));
            } else {
                send(exchange, 404, new byte[0]);
            }
        }
    }

    static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
    }

    /** What was asked for, as an honest server sends it. */
    static void serve(HttpExchange exchange, byte[] bytes) throws IOException {
        int from = from(exchange);
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
        }
        exchange.getResponseHeaders().set("ETag", tag(bytes));
        send(exchange, from > 0 ? 206 : 200, Arrays.copyOfRange(bytes, from, bytes.length));
    }

    static String tag(byte[] bytes) {
        return "\"" + Arrays.hashCode(bytes) + "\"";
    }

    static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    /** Sends some of what was asked for and drops the connection. */
    static HttpHandler drops(byte[] bytes, int piece) {
        return exchange -> {
            int from = from(exchange);
            if (from > 0) {
                exchange.getResponseHeaders()
                        .set("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
            }
            exchange.getResponseHeaders().set("ETag", tag(bytes));
            exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
            OutputStream out = exchange.getResponseBody();
            out.write(bytes, from, Math.min(piece, bytes.length - from));
            out.flush();
        };
    }

    private String listing(String query) {
        int from = query.contains("pageToken=") ? Integer.parseInt(query.replaceAll(".*pageToken=(\\d+).*", "$1")) : 0;
        List<String> items = new ArrayList<>();
        items.add("{\"name\": \"" + PREFIX + "\", \"size\": \"0\", \"md5Hash\": \"" + md5(new byte[0]) + "\"}");
        files.forEach((name, bytes) -> items.add(lie.apply("{\"name\": \"" + PREFIX + name + "\", \"size\": \""
                + bytes.length + "\", \"md5Hash\": \"" + md5(bytes) + "\"}")));
        int to = Math.min(items.size(), from + pageSize);
        String next = to < items.size() ? ", \"nextPageToken\": \"" + to + "\"" : "";
        return "{\"kind\": \"storage#objects\", \"items\": [" + String.join(", ", items.subList(from, to)) + "]" + next
                + "}";
    }

    static String md5(byte[] bytes) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("MD5").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        pool.shutdownNow();
    }
}
