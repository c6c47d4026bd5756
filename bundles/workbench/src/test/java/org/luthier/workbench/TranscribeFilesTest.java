package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;

@Timeout(60)
class TranscribeFilesTest {
    @TempDir
    Path folder;

    private Fakes.World world;
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void build() {
        world = new Fakes.World(folder, new Parts(Duration.ofSeconds(5), Duration.ofSeconds(5)));
    }

    @AfterEach
    void close() {
        world.workbench.close();
    }

    private final TranscribeFiles.Listener listener = new TranscribeFiles.Listener() {
        @Override
        public Progress begun(OutputPlan.Entry entry) {
            log.add("begun " + entry.audio().getFileName());
            return Progress.NONE;
        }

        @Override
        public void done(OutputPlan.Entry entry, Transcription transcription) {
            log.add("done " + entry.audio().getFileName());
        }

        @Override
        public void failed(OutputPlan.Entry entry, RuntimeException trouble) {
            log.add("failed " + entry.audio().getFileName() + ": " + trouble.getMessage());
        }
    };

    private static OutputPlan.Output json(Path where) {
        OutputPlan.Place place = where == null ? null : new OutputPlan.Place(where, false);
        return new OutputPlan.Output("json", ".json", place, Map.of());
    }

    private int run(boolean force, Cancellation cancellation, List<OutputPlan.Output> outputs, Path... audio) {
        OutputPlan plan = OutputPlan.of(List.of(audio), outputs, force);
        return new TranscribeFiles(world.workbench).run(plan, TranscriptionRequest.of(null), listener, cancellation);
    }

    private TreeSet<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return new TreeSet<>(files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .toList());
        }
    }

    @Test
    void oneFailureDoesNotStopTheOthers() throws IOException {
        Path bad = Fakes.write(folder.resolve("bad.wav"), "no number");
        Path there = world.audio("there.wav", 50);
        Fakes.write(folder.resolve("there.json"), "mine");
        int failures = run(
                false,
                Cancellation.NONE,
                List.of(json(null)),
                world.audio("a.wav", 100),
                bad,
                there,
                world.audio("z.wav", 100));
        assertEquals(2, failures);
        assertEquals(
                List.of(
                        "begun a.wav",
                        "done a.wav",
                        "begun bad.wav",
                        "failed bad.wav: cannot read bad.wav",
                        "failed there.wav: " + folder.resolve("there.json") + " exists; use --force to replace it",
                        "begun z.wav",
                        "done z.wav"),
                log);
        assertEquals("mine", Files.readString(folder.resolve("there.json")));
        assertTrue(files().containsAll(List.of("a.json", "z.json")));
        assertFalse(files().contains("bad.json"));
        assertEquals(0, run(true, Cancellation.NONE, List.of(json(null)), there));
        assertTrue(Files.readString(folder.resolve("there.json")).startsWith("{\"audio\":\"there.wav\""));
    }

    @Test
    void theSameInputGivesTheSameBytesApartFromTiming() throws IOException {
        Path audio = world.audio("a.wav", 500);
        run(false, Cancellation.NONE, List.of(json(folder.resolve("1.json"))), audio);
        run(false, Cancellation.NONE, List.of(json(folder.resolve("2.json"))), audio);
        String first = Files.readString(folder.resolve("1.json"));
        String second = Files.readString(folder.resolve("2.json"));
        assertEquals(first.replaceAll("\"timing\":.*", ""), second.replaceAll("\"timing\":.*", ""));
        JsonNode json = new ObjectMapper().readTree(first);
        assertEquals(100, json.get("notes").size());
        assertEquals(5.0, json.get("duration").doubleValue());
        assertFalse(json.has("segments"));
        assertFalse(first.contains(folder.toString()), "an absolute path");
        List<String> fields = new ArrayList<>();
        json.fieldNames().forEachRemaining(fields::add);
        assertEquals(List.of("audio", "duration", "provenance", "notes", "invalid", "dropped", "timing"), fields);
    }

    @Test
    void wrongSettingsAndIdsAreToldBeforeAnyWork() {
        Path audio = world.audio("a.wav", 500);
        assertThrows(
                LuthierException.class,
                () -> run(
                        false,
                        Cancellation.NONE,
                        List.of(new OutputPlan.Output("json", ".json", null, Map.of("indent", "2"))),
                        audio));
        assertThrows(
                LuthierException.class,
                () -> run(
                        false,
                        Cancellation.NONE,
                        List.of(new OutputPlan.Output("abc", ".abc", null, Map.of())),
                        audio));
        assertTrue(log.isEmpty(), log.toString());
    }

    @Test
    void aWriterThatFailsOrACancelledJobLeavesNothing() throws IOException {
        AtomicBoolean cancelled = new AtomicBoolean();
        world.parts.add(TranscriptionWriter.class, new HalfWriter(() -> cancelled.set(true)), "1.0.0", 0);
        Path audio = world.audio("a.wav", 500);
        TreeSet<String> before = files();
        OutputPlan.Output half = new OutputPlan.Output("half", ".half", null, Map.of());
        assertEquals(1, run(false, Cancellation.NONE, List.of(json(null), half), audio));
        assertEquals(before, files());
        cancelled.set(false);
        assertThrows(
                CancelledException.class,
                () -> run(false, cancelled::get, List.of(half, json(null)), audio, world.audio("b.wav", 500)));
    }

    @Test
    void cancellingInTheMiddleLeavesNothing() throws IOException {
        AtomicBoolean cancelled = new AtomicBoolean();
        Path audio = world.audio("a.wav", 500);
        TreeSet<String> before = files();
        world.assembler.atStart = () -> cancelled.set(true);
        assertThrows(CancelledException.class, () -> run(false, cancelled::get, List.of(json(null)), audio));
        assertEquals(before, files());
    }

    @Test
    void aFolderIsMadeForTheFirstFileThatGoesIntoIt() throws IOException {
        Path into = folder.resolve("new");
        Path bad = Fakes.write(folder.resolve("bad.wav"), "no number");
        world.assembler.atStart = () -> assertFalse(Files.exists(into), "made before there is anything to write");
        assertEquals(
                2, run(false, Cancellation.NONE, List.of(json(into)), bad, Fakes.write(folder.resolve("c.wav"), "")));
        assertFalse(Files.exists(into));
        assertEquals(1, run(false, Cancellation.NONE, List.of(json(into)), bad, world.audio("a.wav", 100)));
        assertTrue(Files.exists(into.resolve("a.json")));
    }

    @Test
    void aFolderThatWasMadeInVainIsRemoved() {
        Path into = folder.resolve("new");
        AtomicBoolean cancelled = new AtomicBoolean();
        world.parts.add(TranscriptionWriter.class, new HalfWriter(() -> cancelled.set(true)), "1.0.0", 0);
        OutputPlan.Output half = new OutputPlan.Output("half", ".half", new OutputPlan.Place(into, true), Map.of());
        assertEquals(
                2,
                run(
                        false,
                        Cancellation.NONE,
                        List.of(json(into), half),
                        world.audio("a.wav", 100),
                        world.audio("b.wav", 100)));
        assertFalse(Files.exists(into));
        cancelled.set(false);
        world.assembler.atStart = () -> cancelled.set(true);
        Path[] audio = {world.audio("a.wav", 100), world.audio("b.wav", 100)};
        assertThrows(CancelledException.class, () -> run(false, cancelled::get, List.of(json(into)), audio));
        assertFalse(Files.exists(into));
    }

    /** Writes something, then fails. */
    private record HalfWriter(Runnable before) implements TranscriptionWriter {
        @Override
        public String id() {
            return "half";
        }

        @Override
        public String description() {
            return "Half a file";
        }

        @Override
        public void write(Transcription transcription, OutputStream out) throws IOException {
            out.write(1);
            before.run();
            throw new IOException("the disk is full");
        }
    }
}
