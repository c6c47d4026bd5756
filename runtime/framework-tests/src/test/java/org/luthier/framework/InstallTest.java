package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code model:install} as a user has it: a process, a server, and a kill in the midst of it. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(180)
class InstallTest {
    private static final Path CACHE = Path.of("target/process-cache").toAbsolutePath();
    private static final Path REAL = Path.of(System.getProperty("luthier.root")).resolve("../shared/checkpoints/mt3");
    private static final String PREFIX = "/mt3/checkpoints/mt3/";

    @TempDir
    Path folder;

    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final CountDownLatch closing = new CountDownLatch(1);
    /** Where the range of each request began. */
    private final List<Integer> starts = Collections.synchronizedList(new ArrayList<>());

    private HttpServer server;
    private Path models;

    @BeforeEach
    void open() throws IOException {
        models = folder.resolve("home/models");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(pool);
        server.start();
    }

    @AfterEach
    void close() {
        closing.countDown();
        server.stop(0);
        pool.shutdownNow();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    private Process start(Path output, Object... words) throws IOException {
        List<String> command = new ArrayList<>(Interruptible.prefix());
        command.add(Luthier.LAYOUT.resolve("luthier").toString());
        Stream.of(words).map(String::valueOf).forEach(command::add);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("LUTHIER_HOME", folder.resolve("home").toString());
        builder.environment().put("LUTHIER_CACHE", CACHE.toString());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        return builder.start();
    }

    private String run(int code, Object... words) throws Exception {
        Path output = folder.resolve("output");
        Process process = start(output, words);
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "does not end");
        String text = Files.readString(output);
        assertEquals(code, process.exitValue(), text);
        return text;
    }

    /** Sends a file from where it is asked, the first so many bytes of it, and then nothing more. */
    private void send(HttpExchange exchange, byte[] bytes, int most) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
        starts.add(from);
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
        }
        exchange.getResponseHeaders().set("ETag", "\"one\"");
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length == 0 ? -1 : bytes.length - from);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes, from, Math.min(most, bytes.length - from));
            exchange.getResponseBody().flush();
        }
        if (bytes.length - from > most) {
            try {
                closing.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        exchange.close();
    }

    private static long bytesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    @Test
    void whatAKilledProcessFetchedIsGoneOnWithAndNothingHasTheName() throws Exception {
        TinyMt3.write(models);
        Path target = models.resolve(TinyMt3.ID).resolve("tiny.safetensors");
        byte[] weights = Files.readAllBytes(target);
        Files.delete(target);
        AtomicBoolean slow = new AtomicBoolean(true);
        server.createContext("/", exchange -> send(exchange, weights, slow.get() ? 100_000 : weights.length));

        String from = url("/tiny.safetensors");
        Path partial = models.resolve(TinyMt3.ID).resolve(".tiny.safetensors.part/partial");
        Process killed = start(folder.resolve("killed"), "model:install", TinyMt3.ID, "--from", from);
        while (!Files.isDirectory(partial) || bytesIn(partial) < 100_000) {
            assertTrue(killed.isAlive(), () -> "ended: " + folder.resolve("killed"));
            Thread.sleep(5);
        }
        // Somebody else has to wait meanwhile.
        assertTrue(run(1, "model:install", TinyMt3.ID, "--from", from).contains("another installation is running"));
        killed.destroyForcibly().waitFor();
        assertFalse(Files.exists(target));
        assertTrue(run(0, "model:list").contains("no weights"));

        slow.set(false);
        starts.clear();
        String told = run(0, "model:install", TinyMt3.ID, "--from", from, "--quiet");
        assertEquals(List.of(100_000), starts);
        assertTrue(told.startsWith(TinyMt3.ID + " is installed at " + target + ": 28 arrays, "), told);
        assertEquals(1, told.lines().count(), told);
        assertTrue(Arrays.equals(weights, Files.readAllBytes(target)));
        assertFalse(Files.exists(partial.getParent()));
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        run(0, "transcribe", audio, "--model", TinyMt3.ID, "-o", "short.mid");
    }

    @Test
    void anInterruptedInstallationEndsWith130() throws Exception {
        TinyMt3.write(models);
        Path target = models.resolve(TinyMt3.ID).resolve("tiny.safetensors");
        byte[] weights = Files.readAllBytes(target);
        Files.delete(target);
        CountDownLatch asked = new CountDownLatch(1);
        server.createContext("/", exchange -> {
            asked.countDown();
            send(exchange, weights, 1000);
        });
        Path output = folder.resolve("output");
        Process process = start(output, "model:install", TinyMt3.ID, "--from", url("/tiny.safetensors"));
        assertTrue(asked.await(60, TimeUnit.SECONDS));
        new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                .start()
                .waitFor();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue(), Files.readString(output));
        assertFalse(Files.readString(output).contains("Exception"), Files.readString(output));
        assertFalse(Files.exists(target));
    }

    @Test
    void basicPitchNeedsNoInstalling() throws Exception {
        assertTrue(run(0, "model:install", "basic-pitch")
                .startsWith("basic-pitch needs no installing, its weights come with it"));
        assertFalse(Files.exists(models));
    }

    /** The real weights from a bucket on this machine, as the public one is laid out. */
    @Tag("full")
    @Test
    void mt3IsInstalledFromABucketAndRuns() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(REAL), "no checkpoint of MT3 at " + REAL);
        List<Path> files;
        try (Stream<Path> found = Files.walk(REAL)) {
            files = found.filter(Files::isRegularFile).toList();
        }
        var sizes = new ConcurrentHashMap<String, Path>();
        files.forEach(file -> sizes.put(REAL.relativize(file).toString(), file));
        String items = sizes.entrySet().stream()
                .map(file -> "{\"name\": \"checkpoints/mt3/" + file.getKey() + "\", \"size\": \""
                        + file.getValue().toFile().length() + "\", \"md5Hash\": \""
                        + Base64.getEncoder().encodeToString(new byte[16]) + "\"}")
                .collect(Collectors.joining(", "));
        byte[] listing = ("{\"items\": [" + items + "]}").getBytes(StandardCharsets.UTF_8);
        server.createContext("/storage/v1/b/mt3/o", exchange -> send(exchange, listing, listing.length));
        server.createContext(PREFIX, exchange -> {
            byte[] bytes = Files.readAllBytes(
                    sizes.get(exchange.getRequestURI().getPath().substring(PREFIX.length())));
            send(exchange, bytes, bytes.length);
        });
        String told = run(0, "model:install", "mt3", "--from", url(PREFIX));
        assertTrue(told.contains("arrays, 171,589,452 bytes, sha256 67d4a2c9"), told);
        assertTrue(told.strip().endsWith(", as published"), told);
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        run(0, "transcribe", audio, "--model", "mt3", "-o", "short.mid");
        assertTrue(run(0, "model:install", "mt3").startsWith("mt3 was installed before"));
    }
}
