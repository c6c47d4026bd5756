package org.luthier.installer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.FileChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsFormat;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.Sha256;

/** Weights of a toy model from servers that behave well, and from those that do not. */
@Timeout(60)
class InstallerTest {
    private static final Patience SHORT = new Patience(
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            3,
            Duration.ofMillis(1),
            Duration.ofMillis(5));
    private static final String LARGE = "array.large/0.0";

    @TempDir
    Path folder;

    private StorageServer server;
    private Path models;
    private Path definitions;

    @BeforeEach
    void open() throws IOException {
        server = new StorageServer();
        server.files.put("checkpoint", bytes(300, 1));
        server.files.put("array.large/.zarray", bytes(50, 2));
        server.files.put(LARGE, bytes(200_000, 3));
        server.files.put("array.empty/0", new byte[0]);
        server.files.put("array.small+odd name%20/0", bytes(7, 4));
        models = folder.resolve("home/models");
        definitions = Files.createDirectories(folder.resolve("program/models/toy"));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static byte[] bytes(int count, int seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private ModelDefinition model(String weights, String url, long bytes, String sha256) {
        return new ModelDefinition(
                "toy",
                "A toy",
                "toy",
                null,
                null,
                "toy",
                null,
                Map.of(),
                weights,
                List.of(new ModelDefinition.Source(url, bytes, sha256)),
                "CC0-1.0",
                null,
                definitions);
    }

    private ModelDefinition model() {
        return model("t5x", "https://storage.invalid/weights/checkpoints/toy/", 0, null);
    }

    /** Publishes checksums of what the server has. */
    private void publish() throws IOException {
        Files.writeString(
                definitions.resolve("SHA256SUMS"),
                server.files.entrySet().stream()
                        .map(file -> Sha256.hex(file.getValue()) + "  " + file.getKey() + "\n")
                        .collect(Collectors.joining()));
    }

    private Installation install(String from) {
        return install(model(), from, SHORT, Progress.NONE, Cancellation.NONE);
    }

    private Installation install(
            ModelDefinition model, String from, Patience patience, Progress progress, Cancellation cancellation) {
        return new Installer(
                        models,
                        new Checkpoints(List.of(new FolderFormat(), new SafetensorsFormat())),
                        (definition, checkpoint) -> !checkpoint.tensors().containsKey("of another model"),
                        patience)
                .install(model, from, folder, false, progress, cancellation);
    }

    private String refused(String from) {
        String message =
                assertThrows(LuthierException.class, () -> install(from)).getMessage();
        assertFalse(message.contains("\n"), message);
        assertNothingInstalled();
        return message;
    }

    private void assertNothingInstalled() {
        assertFalse(Files.exists(models.resolve("toy/t5x")));
    }

    private void assertInstalled(Installation installation) throws IOException {
        Path target = models.resolve("toy/t5x");
        assertEquals(target, installation.weights());
        Map<String, byte[]> found = new TreeMap<>();
        try (Stream<Path> files = Files.walk(target)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                found.put(target.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
            }
        }
        assertEquals(server.files.keySet(), found.keySet());
        server.files.forEach((name, bytes) -> assertArrayEquals(bytes, found.get(name), name));
        assertEquals(server.files.size() - 1, installation.arrays());
        assertEquals(
                server.files.values().stream().mapToLong(bytes -> bytes.length).sum(), installation.bytes());
        try (Stream<Path> left = Files.list(models.resolve("toy"))) {
            assertEquals(List.of(target), left.toList(), "nothing else is left");
        }
    }

    private long requestsOf(String path) {
        return server.requests.stream()
                .filter(request -> request.startsWith(StorageServer.FOLDER + path + " "))
                .count();
    }

    /** Answers once in place of the server, or a number of times. */
    private HttpHandler times(int count, String path, HttpHandler handler) {
        AtomicInteger left = new AtomicInteger(count);
        return exchange -> {
            if (left.getAndDecrement() > 0) {
                handler.handle(exchange);
            } else {
                StorageServer.serve(exchange, server.files.get(path));
            }
        };
    }

    private void trick(String path, HttpHandler handler) {
        server.tricks.put(StorageServer.FOLDER + path, handler);
    }

    // What works.

    @Test
    void aListedFolderIsFetchedWhole() throws IOException {
        Installation installation = install(server.folder());
        assertInstalled(installation);
        assertEquals(Installation.State.INSTALLED, installation.state());
        assertFalse(installation.published());
        assertTrue(
                installation
                        .remarks()
                        .get(0)
                        .contains("no sha256 is published for toy: checked were the sizes and MD5 sums"),
                installation.remarks().toString());
    }

    @Test
    void aListOfManyPagesIsReadToItsEnd() throws IOException {
        server.pageSize = 2;
        assertInstalled(install(server.folder()));
    }

    @Test
    void publishedChecksumsAreComparedAndOtherFilesLeft() throws IOException {
        publish();
        server.files.put("readme.html", bytes(10, 9));
        Installation installation = install(server.folder());
        server.files.remove("readme.html");
        assertInstalled(installation);
        assertTrue(installation.published());
        assertTrue(
                installation.remarks().get(0).contains("1 more files"),
                installation.remarks().toString());
    }

    /** A plain web server has no listing. */
    @Test
    void knownNamesNeedNoListing() throws IOException {
        publish();
        server.tricks.put(StorageServer.LISTING, exchange -> StorageServer.send(exchange, 404, new byte[0]));
        assertInstalled(install(server.folder()));
        assertTrue(Files.exists(models.resolve("toy/t5x/array.small+odd name%20/0")));
    }

    @Test
    void whatIsThereIsOnlyLookedAt() throws IOException {
        publish();
        install(server.folder());
        server.close();
        Installation again = install(server.folder());
        assertEquals(Installation.State.PRESENT, again.state());
        assertTrue(again.published());
        Files.write(models.resolve("toy/t5x").resolve(LARGE), new byte[3]);
        String message = assertThrows(LuthierException.class, () -> install(server.folder()))
                .getMessage();
        assertTrue(message.contains("not the published weights of toy: 'array.large/0.0' has the sha256"), message);
    }

    @Test
    void replacesWhenAsked() throws IOException {
        install(server.folder());
        server.files.put(LARGE, bytes(10, 10));
        Installation replaced = new Installer(
                        models, new Checkpoints(List.of(new FolderFormat())), (model, checkpoint) -> true, SHORT)
                .install(model(), server.folder(), folder, true, Progress.NONE, Cancellation.NONE);
        assertInstalled(replaced);
    }

    @Test
    void builtInWeightsNeedNothing() throws IOException {
        server.files.forEach((name, bytes) -> write(definitions.resolve("t5x").resolve(name), bytes));
        Installation installation = install(null);
        assertEquals(Installation.State.BUILT_IN, installation.state());
        assertEquals(definitions.resolve("t5x"), installation.weights());
        assertFalse(Files.exists(models));
        assertTrue(refused(server.folder()).contains("use --checkpoint"));
    }

    private static void write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aLocalFolderIsCopied() throws IOException {
        publish();
        server.files.forEach((name, bytes) -> write(folder.resolve("copy").resolve(name), bytes));
        assertInstalled(install("copy"));
    }

    @Test
    void aDamagedLocalFolderIsRefused() throws IOException {
        publish();
        server.files.forEach((name, bytes) -> write(folder.resolve("copy").resolve(name), bytes));
        Files.write(folder.resolve("copy").resolve(LARGE), bytes(200_000, 8));
        assertTrue(refused("copy").contains("not the published weights of toy: 'array.large/0.0'"));
        assertTrue(refused("nowhere").contains("there is no such file or folder"));
        assertFalse(Files.exists(models.resolve("toy/.t5x.part")));
    }

    private byte[] safetensors() throws IOException {
        Path file = folder.resolve("weights.safetensors");
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(
                    out, Map.of(), List.of(SafetensorsWriter.Tensor.of("gain", new float[] {1, 2, 3}, 3)));
        }
        return Files.readAllBytes(file);
    }

    @Test
    void aSingleFileComesByUrlOrPathUnderItsOwnName() throws IOException {
        byte[] weights = safetensors();
        server.files.put("last.ckpt", weights);
        ModelDefinition model = model("toy.safetensors", server.folder() + "x", weights.length, Sha256.hex(weights));
        for (String from : List.of(server.folder() + "last.ckpt", "weights.safetensors")) {
            Installation installation = install(model, from, SHORT, Progress.NONE, Cancellation.NONE);
            assertEquals(models.resolve("toy/toy.safetensors"), installation.weights());
            assertArrayEquals(weights, Files.readAllBytes(installation.weights()));
            assertEquals(1, installation.arrays());
            assertTrue(installation.published());
            Files.delete(installation.weights());
        }
    }

    @Test
    void redirectionsInsideASchemeAreFollowed() throws IOException {
        byte[] weights = safetensors();
        server.files.put("store/abc", weights);
        trick("resolve/last.ckpt", exchange -> {
            exchange.getResponseHeaders().set("Location", StorageServer.FOLDER + "store/abc?signed=1");
            exchange.sendResponseHeaders(302, -1);
        });
        assertEquals(1, install(server.folder() + "resolve/last.ckpt").arrays());
    }

    // What breaks and heals.

    @Test
    void droppedConnectionsAreGoneOnWith() throws IOException {
        trick(LARGE, StorageServer.drops(server.files.get(LARGE), 30_000));
        assertInstalled(install(server.folder()));
        List<Integer> starts = server.requests.stream()
                .filter(request -> request.startsWith(StorageServer.FOLDER + LARGE))
                .map(request -> Integer.parseInt(request.substring(request.lastIndexOf(' ') + 1)))
                .toList();
        assertEquals(0, starts.get(0));
        assertTrue(starts.size() >= 7 && starts.get(6) >= 6 * 16_384, () -> "each goes on: " + starts);
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void passingTroubleIsAskedAgain(int status) throws IOException {
        trick(LARGE, times(2, LARGE, exchange -> {
            exchange.getResponseHeaders().set("Retry-After", "100000");
            exchange.sendResponseHeaders(status, -1);
        }));
        server.tricks.put(StorageServer.LISTING, new HttpHandler() {
            private final AtomicInteger left = new AtomicInteger(2);

            @Override
            public void handle(com.sun.net.httpserver.HttpExchange exchange) throws IOException {
                if (left.decrementAndGet() == 0) {
                    server.tricks.remove(StorageServer.LISTING);
                }
                exchange.sendResponseHeaders(status, -1);
            }
        });
        assertInstalled(install(server.folder()));
    }

    @Test
    void damageOnTheWayIsFetchedAgain() throws IOException {
        byte[] damaged = server.files.get(LARGE).clone();
        damaged[100_000] ^= 1;
        trick(LARGE, times(1, LARGE, exchange -> StorageServer.serve(exchange, damaged)));
        assertInstalled(install(server.folder()));
    }

    @Test
    void aFileThatChangesMeanwhileBeginsAnew() throws IOException {
        byte[] old = safetensors();
        byte[] fresh = old.clone();
        fresh[fresh.length - 1] ^= 2;
        List<String> versions = new ArrayList<>();
        trick("last.ckpt", exchange -> {
            String version = exchange.getRequestHeaders().getFirst("If-Range");
            versions.add(String.valueOf(version));
            if (version == null) {
                StorageServer.drops(old, 20).handle(exchange);
            } else {
                // The version asked for is gone, so the whole file comes.
                StorageServer.send(exchange, 200, fresh);
            }
        });
        Installation installation = install(server.folder() + "last.ckpt");
        assertArrayEquals(fresh, Files.readAllBytes(installation.weights()));
        assertEquals(List.of("null", StorageServer.tag(old)), versions);
    }

    @Test
    void aSilentServerIsLeftAndNamed() {
        trick(LARGE, exchange -> {
            exchange.sendResponseHeaders(200, 200_000);
            exchange.getResponseBody().write(new byte[10]);
            exchange.getResponseBody().flush();
            await(server.closing);
        });
        Patience hasty = new Patience(
                SHORT.connect(), SHORT.answer(), Duration.ofMillis(150), 2, SHORT.pause(), SHORT.longestPause());
        String message = assertThrows(
                        LuthierException.class,
                        () -> install(model(), server.folder(), hasty, Progress.NONE, Cancellation.NONE))
                .getMessage();
        assertTrue(message.contains("array.large/0.0: waited 0.15 s for more of it"), message);
        assertTrue(message.contains("run the command again to go on"), message);
        assertNothingInstalled();
    }

    @Test
    void aServerThatDoesNotAnswerIsLeftAndNamed() {
        trick(LARGE, exchange -> await(server.closing));
        Patience hasty = new Patience(
                SHORT.connect(), Duration.ofMillis(150), SHORT.silence(), 2, SHORT.pause(), SHORT.longestPause());
        String message = assertThrows(
                        LuthierException.class,
                        () -> install(model(), server.folder() + LARGE, hasty, Progress.NONE, Cancellation.NONE))
                .getMessage();
        assertTrue(message.contains("waited 0.15 s for an answer, 2 times in a row"), message);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aSecondRunGoesOn() throws IOException {
        HttpHandler drops = StorageServer.drops(server.files.get(LARGE), 100_000);
        trick(LARGE, exchange -> {
            if (StorageServer.from(exchange) == 0) {
                drops.handle(exchange);
            } else {
                exchange.sendResponseHeaders(403, -1);
            }
        });
        assertTrue(
                refused(server.folder()).contains("array.large/0.0: the server answered 403 (access is not allowed)"));
        server.tricks.clear();
        server.requests.clear();
        assertInstalled(install(server.folder()));
        assertEquals(1, requestsOf(LARGE));
        assertTrue(
                server.requests.stream().anyMatch(request -> request.matches(".*/array.large/0.0 [1-9]\\d{4,}")),
                server.requests.toString());
        // Whatever of the rest came in the first run was not asked for again.
        assertTrue(requestsOf("checkpoint") <= 1);
    }

    @Test
    void whatTheListNoLongerHasIsNotKept() throws IOException {
        server.files.put("aa/old", bytes(5, 5));
        CountDownLatch others = new CountDownLatch(4);
        server.files.keySet().stream()
                .filter(name -> !name.equals(LARGE))
                .forEach(name -> trick(name, exchange -> {
                    StorageServer.serve(exchange, server.files.get(name));
                    exchange.close();
                    others.countDown();
                }));
        trick(LARGE, exchange -> {
            await(others);
            exchange.sendResponseHeaders(403, -1);
        });
        refused(server.folder());
        server.tricks.clear();
        server.files.remove("aa/old");
        // An empty folder may stay.
        Installation installation = install(server.folder());
        assertEquals(server.files.size() - 1, installation.arrays());
    }

    @Test
    void otherFilesThanThePublishedAreRemarkedOn() throws IOException {
        publish();
        write(folder.resolve("mine.safetensors"), safetensors());
        Installation installation = install("mine.safetensors");
        assertFalse(installation.published());
        assertEquals(
                List.of("the published weights of toy are other files; these were not compared with them"),
                installation.remarks());
    }

    @Test
    void whatComesFromElsewhereBeginsAnew() throws IOException {
        trick(LARGE, exchange -> exchange.sendResponseHeaders(403, -1));
        refused(server.folder());
        server.tricks.clear();
        try (StorageServer other = new StorageServer()) {
            server.files.forEach((name, bytes) -> other.files.put(name, bytes.clone()));
            other.files.put("checkpoint", bytes(300, 99));
            server.files.put("checkpoint", bytes(300, 99));
            assertInstalled(install(other.folder()));
            assertEquals(
                    1,
                    other.requests.stream()
                            .filter(request -> request.contains("/checkpoint "))
                            .count());
        }
    }

    @Test
    void cancellingKeepsWhatCame() throws IOException {
        AtomicBoolean cancelled = new AtomicBoolean();
        byte[] large = server.files.get(LARGE);
        trick(LARGE, exchange -> {
            exchange.sendResponseHeaders(200, large.length);
            exchange.getResponseBody().write(large, 0, 120_000);
            exchange.getResponseBody().flush();
            cancelled.set(true);
            await(server.closing);
        });
        assertThrows(
                CancelledException.class,
                () -> install(model(), server.folder(), SHORT, Progress.NONE, cancelled::get));
        assertNothingInstalled();
        server.tricks.clear();
        assertInstalled(install(server.folder()));
    }

    @Test
    void anInterruptCancels() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        trick(LARGE, exchange -> {
            reading.countDown();
            await(server.closing);
        });
        AtomicBoolean cancelled = new AtomicBoolean();
        Thread thread = new Thread(() -> {
            try {
                install(server.folder());
            } catch (CancelledException e) {
                cancelled.set(true);
            }
        });
        thread.start();
        reading.await();
        thread.interrupt();
        thread.join();
        assertTrue(cancelled.get());
        assertNothingInstalled();
    }

    @Test
    void oneProcessInstallsAtATime() throws IOException {
        Files.createDirectories(models);
        Path lock = models.resolve(".install.lock");
        try (FileChannel held = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            assertTrue(held.lock().isValid());
            assertTrue(refused(server.folder()).contains("another installation is running (it holds " + lock));
        }
        assertInstalled(install(server.folder()));
    }

    @Test
    void progressTellsBytes() {
        Map<String, Long> told = new TreeMap<>();
        install(model(), server.folder(), SHORT, (phase, done, total) -> told.put(phase, total), Cancellation.NONE);
        assertEquals(200_357L, told.get("0.2 of 0.2 MB"), told.toString());
    }

    // What is refused.

    @ParameterizedTest
    @CsvSource({
        "400, answered 400",
        "401, access is not allowed",
        "403, access is not allowed",
        "404, there is no such file",
        "410, there is no such file",
        "418, answered 418",
        "204, answered 204",
    })
    void refusalsAreTold(int status, String part) {
        trick(LARGE, exchange -> exchange.sendResponseHeaders(status, -1));
        String message = refused(server.folder());
        assertTrue(message.contains(part) && message.contains("array.large/0.0"), message);
        assertEquals(1, requestsOf(LARGE));
        server.tricks.put(StorageServer.LISTING, exchange -> exchange.sendResponseHeaders(status, -1));
        assertTrue(refused(server.folder()).contains(part));
    }

    @Test
    void troubleThatStaysIsToldInTheEnd() {
        trick(LARGE, exchange -> exchange.sendResponseHeaders(500, -1));
        String message = refused(server.folder());
        assertTrue(message.contains("the server answered 500, 3 times in a row; run the command again later"), message);
        assertEquals(3, requestsOf(LARGE));
        server.close();
        message = refused(server.folder());
        assertTrue(message.contains("no connection"), message);
    }

    /** H stands for half a head, B for some body. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "H",
                "garbage\r\n\r\n",
                "HTTP/9.9 200 OK\r\n\r\n",
                "HTTP/1.1 abc OK\r\n\r\n",
                "HTTP/1.1 200\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nB",
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nB",
                "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nB",
                "HTTP/1.1 200 OK\r\nContent-Length: lots\r\n\r\nB",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nB",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nB",
                "HTTP/1.1 206 Part\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nB",
                "HTTP/1.1 206 Part\r\nContent-Length: 5\r\n\r\nB",
                "HTTP/1.1 302 Found\r\n\r\n",
                "HTTP/1.1 416 No\r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 100 Go on\r\n\r\n",
                "HTTP/1.1 101 Other\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            })
    void answersThatNoServerMayGiveAreTold(String answer) throws Exception {
        byte[] bytes = answer.replaceFirst("^H$", "HTTP/1.1 200 OK\r\nContent-Le")
                .replaceFirst("B$", "some body")
                .getBytes(StandardCharsets.US_ASCII);
        Thread thread;
        try (ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            thread = new Thread(() -> {
                while (!socket.isClosed()) {
                    try (Socket connection = socket.accept()) {
                        if (connection.getInputStream().read(new byte[4096]) > 0) {
                            connection.getOutputStream().write(bytes);
                        }
                    } catch (IOException e) {
                        // The client left, or the test ended.
                    }
                }
            });
            thread.start();
            String message = refused("http://127.0.0.1:" + socket.getLocalPort() + "/bucket/file");
            assertTrue(message.startsWith("http://127.0.0.1:") || message.startsWith("no weights"), message);
        }
        thread.join();
    }

    @Test
    void troubleHasWords() {
        Http http = new Http(SHORT);
        ConnectException unknown = new ConnectException();
        unknown.initCause(new UnresolvedAddressException());
        assertEquals("the host's address cannot be found", http.why(unknown));
        assertEquals("no connection: refused", http.why(new ConnectException()));
        assertEquals("waited 5 s for a connection", http.why(new HttpConnectTimeoutException("x")));
        assertEquals("the connection was dropped (x)", http.why(new IOException("x")));
        SSLHandshakeException distrusted = new SSLHandshakeException("x");
        distrusted.initCause(new CertificateException());
        assertTrue(Http.isDistrusted(distrusted));
    }

    @Test
    void aServerThatHandsOutSingleBytesIsLeft() {
        trick(LARGE, StorageServer.drops(server.files.get(LARGE), 1));
        assertTrue(refused(server.folder()).contains("3 times in a row"));
    }

    @Test
    void aFileThatIsCutOffEachTimeIsTold() {
        trick(LARGE, exchange -> {
            exchange.sendResponseHeaders(200, 200_000);
            exchange.getResponseBody().write(new byte[1000]);
        });
        // A server without ranges: each attempt brings the same bytes again, which is no progress.
        assertTrue(refused(server.folder()).contains("3 times in a row"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"declared", "chunked"})
    void tooLargeABodyIsCut(String how) throws IOException {
        byte[] longer = Arrays.copyOf(server.files.get(LARGE), 200_001);
        trick(LARGE, exchange -> {
            if (how.equals("declared")) {
                StorageServer.serve(exchange, longer);
            } else {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().write(longer);
            }
        });
        String message = refused(server.folder());
        assertTrue(
                message.contains(
                        how.equals("declared")
                                ? "expected 200000 bytes, the server offers 200001"
                                : "the server sends more than the 200000 bytes that it should have"),
                message);
        try (Stream<Path> partial = Files.list(models.resolve("toy/.t5x.part/partial"))) {
            assertEquals(List.of(), partial.filter(InstallerTest::isLarge).toList());
        }
    }

    private static boolean isLarge(Path file) {
        try {
            return Files.size(file) > 1000;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void wrongBytesOfTheRightSizeAreRefused() throws IOException {
        publish();
        trick(LARGE, exchange -> StorageServer.serve(exchange, new byte[200_000]));
        String message = refused(server.folder());
        assertTrue(message.contains("array.large/0.0: expected the sha256 "), message);
        assertTrue(message.contains(", twice"), message);
        assertEquals(2, requestsOf(LARGE));
        Files.delete(definitions.resolve("SHA256SUMS"));
        assertTrue(refused(server.folder()).contains("expected the MD5 "));
    }

    @Test
    void aPackedBodyIsRefused() {
        trick(LARGE, exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            StorageServer.serve(exchange, server.files.get(LARGE));
        });
        assertTrue(refused(server.folder()).contains("packed (gzip)"));
    }

    @Test
    void anotherPartThanAskedForIsNotTaken() throws IOException {
        byte[] large = server.files.get(LARGE);
        trick(LARGE, exchange -> {
            if (StorageServer.from(exchange) == 0 && requestsOf(LARGE) == 1) {
                StorageServer.drops(large, 50_000).handle(exchange);
            } else if (StorageServer.from(exchange) > 0) {
                exchange.getResponseHeaders().set("Content-Range", "bytes 0-199999/200000");
                StorageServer.send(exchange, 206, large);
            } else {
                StorageServer.serve(exchange, large);
            }
        });
        assertInstalled(install(server.folder()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ftp://127.0.0.1/x",
                "file:///etc/passwd",
                "//",
                "",
                "jar:file:/x!/y",
                "ht tp://x",
                "javascript:1"
            })
    void redirectionsToOtherSchemesAreRefused(String location) {
        trick(LARGE, exchange -> {
            exchange.getResponseHeaders().set("Location", location);
            exchange.sendResponseHeaders(302, -1);
        });
        String message = refused(server.folder());
        assertTrue(message.contains("array.large/0.0: leads on to '" + location + "'"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "https://a/b, https://c/d, https://c/d",
        "https://a/b, //c/d, https://c/d",
        "https://a/b, d, https://a/d",
        "http://a/b, https://c/d, https://c/d",
        "http://a/b, http://c/d, http://c/d",
        "https://a/b, http://c/d,",
        "https://a/b, HTTP://a/b,",
        "https://a/b, ftp://a/b,",
    })
    void redirectionsNeverLeadToLessSecureServers(String from, String location, String to) {
        if (to != null) {
            assertEquals(URI.create(to), Http.target(URI.create(from), location));
        } else {
            String message = assertThrows(LuthierException.class, () -> Http.target(URI.create(from), location))
                    .getMessage();
            assertTrue(message.endsWith("refused: from https only https is followed"), message);
        }
    }

    @Test
    void redirectionsInACircleEnd() {
        trick(LARGE, exchange -> {
            exchange.getResponseHeaders().set("Location", StorageServer.FOLDER + LARGE);
            exchange.sendResponseHeaders(301, -1);
        });
        assertTrue(refused(server.folder()).contains("led on more than 5 times"));
    }

    @ParameterizedTest
    @CsvSource({
        "npm:@spotify/basic-pitch@1.0.1, 'expected https, got npm'",
        "http://example.org/x/, 'expected https, got http'",
        "https:///x, it names no host",
        "https://a b/, no URL",
    })
    void definitionsNameSecureServers(String url, String part) {
        String message = assertThrows(
                        LuthierException.class,
                        () -> install(model("t5x", url, 0, null), null, SHORT, Progress.NONE, Cancellation.NONE))
                .getMessage();
        assertTrue(message.contains(part), message);
        assertFalse(Files.exists(models));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "a/../../evil",
                "/etc/evil",
                "a//b",
                "a/./b",
                "c:/evil",
                "a\\b",
                "nul\0byte",
                "line\nbreak",
                "dot.",
                "blank ",
                "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q",
                "checkpoint/below",
                "CHECKPOINT",
                "a?b"
            })
    void namesThatLeadElsewhereAreRefused(String name) {
        server.lie = item -> item.contains("array.large/0.0")
                ? item.replace(
                        "array.large/0.0",
                        name.replace("\\", "\\\\").replace("\0", "\\u0000").replace("\n", "\\n"))
                : item;
        assertTrue(refused(server.folder()).contains("refused the file name '"));
        assertFalse(Files.exists(folder.resolve("home/evil")));
    }

    @Test
    void veryLongNamesAndVeryManyAreRefused() {
        server.lie = item -> item.replace("array.large/0.0", "x".repeat(300));
        assertTrue(refused(server.folder()).contains("it is too long"));
        server.lie = item -> item;
        for (int i = 0; i < 10_001; i++) {
            server.files.put("f" + i, new byte[0]);
        }
        assertTrue(refused(server.folder()).contains("there are more than 10000 files"));
    }

    @ParameterizedTest
    @CsvSource({
        "\"size\": \"200000\", \"size\": \"-1\", expected a size",
        "\"size\": \"200000\", \"size\": \"lots\", expected a size",
        "\"size\": \"200000\", \"size\": \"99999999999999999999\", expected a size",
        "\"size\": \"200000\", \"size\": \"99999999999\", expected a size",
        "\"size\": \"200000\", \"size\": \"199999\", 'expected 199999 bytes, the server offers 200000'",
        "\"md5Hash\", \"md5Hash\": \"AAAA\"; \"x\", expected an MD5",
        "checkpoints/toy/, elsewhere/, which is not in the folder",
        "{, [, expected the JSON listing",
    })
    void listsThatLieAreRefused(String from, String to, String part) {
        server.lie = item -> item.contains("array.large/0.0") ? item.replace(from, to.replace(';', ',')) : item;
        String message = refused(server.folder());
        assertTrue(message.contains(part), message);
    }

    @Test
    void pagesThatAreNoListsAreRefused() {
        for (String page : List.of("<html>Log in</html>", "", "[]", "{\"items\": 3}", "{\"items\": []}", "{} {}")) {
            server.tricks.put(
                    StorageServer.LISTING,
                    exchange -> StorageServer.send(exchange, 200, page.getBytes(StandardCharsets.UTF_8)));
            String message = refused(server.folder());
            assertTrue(message.contains("JSON listing") || message.contains("is empty"), page + ": " + message);
        }
        server.tricks.put(
                StorageServer.LISTING,
                exchange -> StorageServer.send(
                        exchange, 200, "{\"nextPageToken\": \"x\"}".getBytes(StandardCharsets.UTF_8)));
        assertTrue(refused(server.folder()).contains("the list does not end"));
    }

    @Test
    void missingFilesAndOtherTotalsAreRefused() throws IOException {
        publish();
        server.files.remove(LARGE);
        assertTrue(refused(server.folder())
                .contains("1 of the 5 published files are missing in the list, the first is 'array.large/0.0'"));
    }

    @Test
    void otherWeightsThanTheModelsAreRefusedAndForgotten() {
        server.files.put("of another model", new byte[3]);
        assertTrue(refused(server.folder()).contains("is no checkpoint of model toy"));
        server.files.remove("of another model");
        server.files.remove("checkpoint");
        assertTrue(refused(server.folder()).contains("no weights that can be used"));
        assertFalse(Files.exists(models.resolve("toy/.t5x.part")));
    }

    @Test
    void aFolderThatCannotBeMadeIsTold() throws IOException {
        Files.createDirectories(models.getParent());
        Files.writeString(models, "a file");
        assertTrue(refused(server.folder()).startsWith("cannot write " + models.resolve("toy/t5x")));
    }
}
