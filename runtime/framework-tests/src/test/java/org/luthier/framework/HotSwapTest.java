package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.management.ObjectName;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.ServiceReference;

/** The parts of a frame model and of a token model are replaced by other builds while jobs run. */
@Timeout(300)
class HotSwapTest {
    private static final String OLD = "0.1.0.SNAPSHOT";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** The parts that are swapped: those of Basic Pitch, and those of MT3, where a tokenizer and a family share an id. */
    private enum Swappable {
        ASSEMBLER(
                "basic-pitch-notes",
                "NoteAssembler",
                "org.luthier.assembler-basicpitch",
                "assembler",
                "Note creation of Basic Pitch",
                "Second build of Basic Pitch!"),
        MODEL(
                "basic-pitch",
                "ModelFamily",
                "org.luthier.model-basicpitch",
                "model",
                "Basic Pitch: notes, onsets",
                "Second build, for a test: "),
        TOKENIZER(
                "mt3",
                "Tokenizer",
                "org.luthier.tokenizer-mt3",
                "tokenizer",
                "MT3, many instruments",
                "Second build, a test!"),
        DECODER(
                "greedy",
                "Decoder",
                "org.luthier.decoder-greedy",
                "decoder",
                "The likeliest token at",
                "Second build, a test! "),
        TOKEN_ASSEMBLER(
                "mt3-reference",
                "NoteAssembler",
                "org.luthier.assembler-mt3",
                "assembler",
                "The note decoding of MT3",
                "Second build, a test!   "),
        TOKEN_MODEL(
                "mt3",
                "ModelFamily",
                "org.luthier.model-mt3",
                "model",
                "MT3: the notes of many",
                "Second build, a test! ");

        static final List<Swappable> OF_FRAMES = List.of(ASSEMBLER, MODEL);
        static final List<Swappable> OF_TOKENS = List.of(TOKENIZER, DECODER, TOKEN_ASSEMBLER, TOKEN_MODEL);

        final String id;
        final String kind;
        final String bundle;
        final String provenance;
        private final String says;
        final String saysLater;

        Swappable(String id, String kind, String bundle, String provenance, String says, String saysLater) {
            this.id = id;
            this.kind = kind;
            this.bundle = bundle;
            this.provenance = provenance;
            this.says = says;
            this.saysLater = saysLater;
        }

        Path build(String version, Path target) throws Exception {
            return Builds.of(bundle, version, says, saysLater, target);
        }

        boolean ofTokens() {
            return OF_TOKENS.contains(this);
        }

        String version(JsonObject notes) {
            return notes.getJsonObject("provenance").getJsonObject(provenance).getString("version");
        }
    }

    /** What the workbench says of a part. */
    private record Part(
            String kind, String id, String description, String version, boolean chosen, int jobs, boolean draining) {}

    @TempDir
    Path folder;

    private Luthier luthier;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    private final PrintStream out = System.out;
    private final PrintStream err = System.err;

    @BeforeEach
    void start() throws Exception {
        TinyMt3.write(folder.resolve("home/models"));
        // Hundreds of commands say what they did, and warn of a model of chance.
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        luthier = Luthier.start(folder);
    }

    @AfterEach
    void stop() {
        threads.shutdownNow();
        luthier.close();
        System.setOut(out);
        System.setErr(err);
    }

    @ParameterizedTest
    @EnumSource
    void swappedByCommandARunningJobEndsOnTheOldOne(Swappable part) throws Exception {
        Path second = part.build("7.0.0", folder.resolve("second.jar"));
        runningJobEndsOnTheOldOne(part, "7.0.0", () -> assertEquals(0, luthier.run("plugin:swap", part.id, second)));
    }

    @ParameterizedTest
    @EnumSource
    void swappedByDropFolderARunningJobEndsOnTheOldOne(Swappable part) throws Exception {
        Path second = part.build("7.0.0", folder.resolve("second.jar"));
        runningJobEndsOnTheOldOne(part, "7.0.0", () -> drop(second));
    }

    @Test
    void aRebuildWithTheSameVersionIsTakenToo() throws Exception {
        Swappable part = Swappable.ASSEMBLER;
        drop(part.build(OLD, folder.resolve("rebuilt.jar")));
        await("the rebuilt one is chosen", () -> chosen(part).description().startsWith(part.saysLater));
        drop(Builds.of(part.bundle, OLD, part.says, "Third build of Basic Pitch! ", folder.resolve("third.jar")));
        await("the third one is chosen", () -> chosen(part).description().startsWith("Third build"));
        Files.delete(luthier.plugins().resolve("dropped.jar"));
        await("the product's own is back", () -> chosen(part).description().startsWith(part.says));
        JsonObject notes = transcribe(part, Sounds.arpeggio(3, folder.resolve("short.wav")), "after");
        assertEquals(OLD, part.version(notes));
    }

    /** The family of MT3 and one of its tokenizers have the same id. */
    @Test
    void partsOfOtherKindsWithTheSameIdStay() throws Exception {
        Path tokenizer = Swappable.TOKENIZER.build("7.0.0", folder.resolve("tokenizer.jar"));
        Path model = Swappable.TOKEN_MODEL.build("7.0.1", folder.resolve("model.jar"));
        assertEquals(0, luthier.run("plugin:swap", "mt3", tokenizer));
        assertEquals("7.0.0", chosen(Swappable.TOKENIZER).version());
        assertEquals(OLD, chosen(Swappable.TOKEN_MODEL).version());
        assertEquals(0, luthier.run("plugin:swap", "mt3", model));
        JsonObject notes = transcribe(Swappable.TOKENIZER, Sounds.arpeggio(3, folder.resolve("short.wav")), "swapped");
        assertEquals("7.0.0", Swappable.TOKENIZER.version(notes));
        assertEquals("7.0.1", Swappable.TOKEN_MODEL.version(notes));
        assertEquals(1, luthier.run("plugin:remove", "mt3"), "which of the two?");
        assertEquals(0, luthier.run("plugin:remove", Swappable.TOKENIZER.bundle));
        assertEquals(OLD, chosen(Swappable.TOKENIZER).version());
        assertEquals("7.0.1", chosen(Swappable.TOKEN_MODEL).version());
        assertEquals(0, luthier.run("plugin:remove", "mt3"));
        assertEquals(OLD, chosen(Swappable.TOKEN_MODEL).version());
    }

    /** A build with another id in place of one of its parts: what it does not have must not go. */
    @Test
    void aBundleWhoseOtherPartsWouldGoStays() throws Exception {
        Swappable part = Swappable.DECODER;
        Path other = Builds.of(part.bundle, "7.0.0", "grammar", "GRAMMAR", folder.resolve("other.jar"));
        assertEquals(0, luthier.run("plugin:swap", "greedy", other));
        assertEquals("7.0.0", chosen(part).version());
        assertEquals(2, parts(part).size());
        Path brief = Sounds.arpeggio(3, folder.resolve("short.wav"));
        assertEquals("7.0.0", part.version(transcribe(part, brief, "greedy")));
        assertEquals(OLD, part.version(transcribe(part, brief, "grammar", "--decoder", "grammar")));
        assertEquals(0, luthier.run("plugin:remove", "greedy"));
        assertEquals(OLD, chosen(part).version());
        assertEquals(1, parts(part).size());
    }

    private void runningJobEndsOnTheOldOne(Swappable part, String version, Action swap) throws Exception {
        // So long that a job outlasts the swap on a fast machine too: the small token model is much the faster one.
        Path audio = Sounds.arpeggio(part.ofTokens() ? 480 : 120, folder.resolve("long.wav"));
        Path brief = Sounds.arpeggio(3, folder.resolve("short.wav"));
        Map<String, WeakReference<ClassLoader>> before = luthier.classLoaders(part.bundle);
        Future<JsonObject> job = threads.submit(() -> transcribe(part, audio, "running"));
        // The command takes its parts once before, only to find out whether they are there.
        AtomicInteger seen = new AtomicInteger();
        await("the job holds the old part", () -> {
            boolean held = parts(part).stream().anyMatch(each -> each.version().equals(OLD) && each.jobs() > 0);
            return (held ? seen.incrementAndGet() : seen.getAndSet(0)) == 5;
        });

        Future<?> swapped = threads.submit(() -> {
            swap.run();
            return null;
        });
        await("the new one is chosen", () -> chosen(part).version().equals(version));
        assertTrue(!job.isDone(), "the job is still running, so that this shows something");
        assertTrue(
                chosen(part).description().startsWith(part.saysLater),
                "the code is the new one's: " + chosen(part).description());
        Future<JsonObject> next = threads.submit(() -> transcribe(part, brief, "next"));

        assertEquals(OLD, part.version(job.get()), "the running job ended on the old one");
        assertEquals(version, part.version(next.get()), "the next one ran on the new one");
        swapped.get();
        // By command the new one takes the old one's place; a dropped jar stands before what the product brings.
        await(
                "nobody holds or drains the part",
                () -> parts(part).stream().noneMatch(each -> each.draining() || each.jobs() > 0));
        if (parts(part).size() == 1) {
            assertCollected(List.copyOf(before.values()));
        }
    }

    /** Atomically, as {@code mv} within a file system. */
    private void drop(Path jar) throws Exception {
        Path near = Files.copy(jar, luthier.plugins().resolve(".incoming"));
        Files.move(near, luthier.plugins().resolve("dropped.jar"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** A hundred swaps under constant jobs: none is lost, all give the same notes, and nothing of the old builds stays. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHundredSwapsLoseNoJobAndLeaveNothing(boolean ofTokens) throws Exception {
        List<Swappable> parts = ofTokens ? Swappable.OF_TOKENS : Swappable.OF_FRAMES;
        String result = ofTokens ? "segments" : "notes";
        int swaps = 100;
        Path brief = Sounds.arpeggio(3, folder.resolve("short.wav"));
        Map<String, Path> builds = new TreeMap<>();
        for (Swappable part : parts) {
            for (String version : List.of("7.0.0", "7.0.1")) {
                builds.put(part + version, part.build(version, folder.resolve(part + version + ".jar")));
            }
        }
        // Both kinds of both parts once, so that everything that is loaded once is loaded.
        for (Map.Entry<String, Path> build : builds.entrySet()) {
            Swappable part = Swappable.valueOf(build.getKey().replaceAll("7.*", ""));
            assertEquals(0, luthier.run("plugin:swap", part.id, build.getValue()));
            transcribe(part, brief, "warm-up");
        }
        Memory before = Memory.settled();

        AtomicBoolean ended = new AtomicBoolean();
        AtomicInteger jobs = new AtomicInteger();
        JsonArray first = transcribe(parts.get(0), brief, "first").getJsonArray(result);
        assertTrue(!first.isEmpty());
        List<Callable<Set<String>>> loops = new ArrayList<>();
        for (String name : List.of("one", "two")) {
            loops.add(() -> {
                Set<String> seen = new TreeSet<>();
                while (!ended.get()) {
                    JsonObject job = transcribe(parts.get(0), brief, name);
                    assertEquals(first, job.getJsonArray(result), "every build gives the same");
                    for (Swappable part : parts) {
                        seen.add(part + part.version(job));
                    }
                    jobs.incrementAndGet();
                }
                return seen;
            });
        }
        List<Future<Set<String>>> running = loops.stream().map(threads::submit).toList();
        List<WeakReference<ClassLoader>> old = new ArrayList<>();
        for (int swap = 0; swap < swaps; swap++) {
            Swappable part = parts.get(swap % parts.size());
            old.addAll(luthier.classLoaders(part.bundle).values());
            String version = swap / parts.size() % 2 == 0 ? "7.0.0" : "7.0.1";
            assertEquals(0, luthier.run("plugin:swap", part.id, builds.get(part + version)), "swap " + swap);
            assertEquals(version, chosen(part).version());
            // A lost job ends its loop: no need to find out at the end.
            for (Future<Set<String>> loop : running) {
                if (loop.isDone()) {
                    loop.get();
                }
            }
        }
        ended.set(true);
        Set<String> seen = new TreeSet<>();
        for (Future<Set<String>> loop : running) {
            seen.addAll(loop.get());
        }
        out.println(swaps + " swaps under " + jobs + " jobs; jobs ran on " + seen);
        assertEquals(builds.keySet(), seen, "jobs ran on every build");
        assertTrue(jobs.get() >= swaps / 4, jobs + " jobs for " + swaps + " swaps");

        transcribe(parts.get(0), brief, "last");
        assertCollected(old);
        Memory after = Memory.settled();
        out.println("before: " + before + ", after: " + after);
        before.assertBack(after);
    }

    private static void assertCollected(List<WeakReference<ClassLoader>> loaders) {
        Instant end = Instant.now().plus(PATIENCE);
        while (loaders.stream().anyMatch(loader -> loader.get() != null)
                && Instant.now().isBefore(end)) {
            System.gc();
            pause();
        }
        long alive = loaders.stream().filter(loader -> loader.get() != null).count();
        assertEquals(
                0, alive, () -> alive + " of " + loaders.size() + " old class loaders stay\n" + Memory.histogram());
    }

    /**
     * What is held outside the Java heap and what stands for it inside.
     *
     * @param nativeBytes that JavaCPP knows of
     * @param buffers ND4J's, each of which owns native memory
     */
    private record Memory(long nativeBytes, long buffers) {
        /** A model's weights are 67 or 200 KB, and each would be a buffer or more: one generation that stayed would be noticed. */
        private static final long SLACK_BYTES = 32 << 10;

        private static final int SLACK_BUFFERS = 8;

        static Memory now() {
            long buffers = 0;
            for (String line : histogram().split("\n")) {
                if (line.matches(".* org\\.nd4j\\.linalg\\.cpu\\.nativecpu\\.buffer\\.\\w+Buffer.*")) {
                    buffers += Long.parseLong(line.strip().split("\\s+")[1]);
                }
            }
            return new Memory(Pointer.totalBytes(), buffers);
        }

        /** After collecting until no more goes. */
        static Memory settled() {
            Memory last = now();
            for (int i = 0; i < 20; i++) {
                System.gc();
                pause();
                Memory next = now();
                if (next.equals(last) && i > 2) {
                    break;
                }
                last = next;
            }
            return last;
        }

        void assertBack(Memory now) {
            assertTrue(
                    now.buffers <= buffers + SLACK_BUFFERS && now.nativeBytes <= nativeBytes + SLACK_BYTES,
                    () -> "was " + this + ", is " + now + "\n" + histogram());
        }

        /** Live objects by class. */
        static String histogram() {
            try {
                return (String) ManagementFactory.getPlatformMBeanServer()
                        .invoke(
                                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                                "gcClassHistogram",
                                new Object[] {new String[0]},
                                new String[] {String[].class.getName()});
            } catch (javax.management.JMException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** @param part one of those that the job is to use */
    private JsonObject transcribe(Swappable part, Path audio, String name, Object... more) throws Exception {
        Path notes = folder.resolve(name + ".json");
        List<Object> words = new ArrayList<>(List.of("transcribe", audio, "-o", folder.resolve(name + ".mid")));
        words.addAll(List.of("--notes", notes, "--force", "--quiet", "--threads", 1));
        if (part.ofTokens()) {
            words.addAll(List.of("--model", TinyMt3.ID, "--batch", 2));
        }
        words.addAll(List.of(more));
        assertEquals(0, luthier.run(words.toArray()), "job " + name);
        return Luthier.json(notes);
    }

    private Part chosen(Swappable part) {
        return parts(part).stream()
                .filter(Part::chosen)
                .findFirst()
                .orElseThrow(() -> new AssertionError("nobody is chosen for " + part.id));
    }

    private List<Part> parts(Swappable part) {
        try {
            ServiceReference<?> reference = luthier.context().getServiceReference("org.luthier.workbench.Workbench");
            Object workbench = luthier.context().getService(reference);
            Object parts = workbench.getClass().getMethod("parts").invoke(workbench);
            List<Part> result = new ArrayList<>();
            for (Object info : (List<?>) parts.getClass().getMethod("list").invoke(parts)) {
                Part each = new Part(
                        (String) get(info, "kind"),
                        (String) get(info, "id"),
                        (String) get(info, "description"),
                        (String) get(info, "version"),
                        (boolean) get(info, "chosen"),
                        (int) get(info, "jobs"),
                        (boolean) get(info, "draining"));
                if (each.id().equals(part.id) && each.kind().equals(part.kind)) {
                    result.add(each);
                }
            }
            return result;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static Object get(Object info, String component) throws ReflectiveOperationException {
        return info.getClass().getMethod(component).invoke(info);
    }

    private static void await(String what, BooleanSupplier condition) {
        Instant end = Instant.now().plus(PATIENCE);
        while (!condition.getAsBoolean()) {
            assertTrue(Instant.now().isBefore(end), "waited in vain until " + what);
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Something that may fail. */
    private interface Action {
        void run() throws Exception;
    }
}
