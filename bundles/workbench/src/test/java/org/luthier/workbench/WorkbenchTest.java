package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.Sha256;

@Timeout(120)
class WorkbenchTest {
    private static final int FRAMES = 1003;

    @TempDir
    Path folder;

    private Fakes.World world;
    private Path audio;

    @BeforeEach
    void build() {
        world = new Fakes.World(folder, new Parts(Duration.ofSeconds(60), Duration.ofSeconds(30)));
        audio = world.audio("song.wav", FRAMES * Fakes.SAMPLES_A_FRAME + 2);
    }

    @AfterEach
    void close() {
        world.workbench.close();
        assertEquals(0, world.family.open.get(), "models left open");
    }

    private Transcription transcribe(TranscriptionRequest request) {
        return world.workbench.transcribe(request, Progress.NONE, Cancellation.NONE);
    }

    private Execution workers(int count) {
        return new Execution("cpu", "fake", count);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1", "3, 1", "1, 7", "2, 7", "3, 1000"})
    void everyFrameIsAtItsPlaceWhateverTheWorkersAndTheBatch(int workers, int batch) {
        Transcription transcription = transcribe(
                TranscriptionRequest.of(audio).withExecution(workers(workers)).withBatch(batch));
        assertEquals(FRAMES, transcription.notes().size());
        for (int frame = 0; frame < FRAMES; frame++) {
            Note note = transcription.notes().get(frame);
            assertEquals(frame / 20.0, note.start());
            // The very float the reader made: nothing is computed on the way.
            assertEquals((frame * Fakes.SAMPLES_A_FRAME % 1000) / 1000f, (float) note.amplitude());
        }
    }

    @Test
    void theProvenanceSaysWhatTheResultDependsOn() {
        Transcription transcription = transcribe(TranscriptionRequest.of(audio).withSettings(Map.of("floor", "0.25")));
        var provenance = transcription.provenance();
        assertEquals(new PartVersion("basic-pitch", "1.0.0"), provenance.model());
        assertEquals(new PartVersion("fake-notes", "1.0.0"), provenance.assembler());
        assertEquals(64, provenance.checkpoint().length());
        assertEquals(Map.of("floor", 0.25), provenance.parameters());
        assertEquals("song.wav", provenance.audio().file());
        assertEquals("fake", provenance.kernels());
        assertTrue(provenance.luthier().matches("\\d+\\.\\d+\\.\\d+.*"), provenance.luthier());
        assertEquals(
                List.of(
                        "2 samples are at full scale or above: the recording may be clipped",
                        "3 samples are no numbers and were read as silence",
                        "odd"),
                provenance.warnings());
    }

    @Test
    void thePhasesAreDisjoint() {
        Timing timing = transcribe(TranscriptionRequest.of(audio)).timing();
        double sum = timing.load() + timing.frontend() + timing.encoder() + timing.decoder() + timing.notes();
        assertTrue(sum <= timing.total() + 1e-6, timing.toString());
        assertEquals(0, timing.decoder());
    }

    @Test
    void progressCountsEveryWindowOnce() {
        List<Long> done = Collections.synchronizedList(new ArrayList<>());
        world.workbench.transcribe(
                TranscriptionRequest.of(audio),
                (phase, now, total) -> {
                    if (phase.equals("windows")) {
                        assertEquals(252, total);
                        done.add(now);
                    }
                },
                Cancellation.NONE);
        assertEquals(252, done.size());
        assertEquals(252, Collections.max(done));
    }

    @Test
    void aJobEndsOnThePartsItBeganWith() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        world.family.atSegment = segment -> {
            running.countDown();
            await(go);
        };
        Job job = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        await(running);
        world.parts.add(NoteAssembler.class, new Fakes.Assembler(), "2.0.0", 0);
        Fakes.Family second = new Fakes.Family();
        world.parts.add(ModelFamily.class, second, "2.0.0", 0);
        CompletableFuture<Void> leaving = CompletableFuture.runAsync(() -> {
            world.familyRegistration.close();
            world.assemblerRegistration.close();
        });
        assertEquals(
                "2.0.0",
                transcribe(TranscriptionRequest.of(audio)).provenance().model().version());
        assertFalse(leaving.isDone());
        assertEquals(1, world.family.open.get(), "in use by the first job");
        go.countDown();
        Transcription first = job.await();
        assertEquals("1.0.0", first.provenance().model().version());
        assertEquals("1.0.0", first.provenance().assembler().version());
        leaving.get(30, TimeUnit.SECONDS);
        assertEquals(0, world.family.open.get(), "closed when its family has left");
        assertEquals(Job.State.DONE, job.state());
        world.workbench.close();
        assertEquals(0, second.open.get());
    }

    @Test
    void modelsAreSharedAndTwoAreKept() throws IOException {
        transcribe(TranscriptionRequest.of(audio));
        transcribe(TranscriptionRequest.of(audio));
        assertEquals(1, world.family.loaded.get());
        for (String id : List.of("second", "third")) {
            Fakes.writeModel(folder, id, 2f);
            transcribe(TranscriptionRequest.of(audio).withModel(id));
        }
        assertEquals(3, world.family.loaded.get());
        assertEquals(2, world.family.open.get());
        transcribe(TranscriptionRequest.of(audio).withModel("third"));
        assertEquals(3, world.family.loaded.get());
        Path weights = folder.resolve("third/fake.safetensors");
        Files.delete(weights);
        Files.writeString(weights, "");
        Fakes.writeWeights(weights, 0.5f);
        Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000));
        Transcription changed = transcribe(TranscriptionRequest.of(audio).withModel("third"));
        assertEquals(4, world.family.loaded.get(), "the checkpoint has changed");
        assertEquals(0.5f * 5 / 1000, changed.notes().get(1).amplitude(), 1e-9);
        assertEquals(2, world.family.open.get());
    }

    @Test
    void aModelLeaseKeepsTheModelOpen() {
        ModelLease lease = world.workbench.openModel(null, null, null);
        assertEquals("basic-pitch", lease.model().definition().id());
        assertEquals(new PartVersion("basic-pitch", "1.0.0"), lease.version());
        CompletableFuture<Void> leaving = CompletableFuture.runAsync(world.familyRegistration::close);
        assertEquals(1, world.family.open.get());
        assertFalse(leaving.isDone());
        lease.close();
        lease.close();
        leaving.join();
        assertEquals(0, world.family.open.get());
    }

    @Test
    void theModelIsFoundByTheCheckpoint() throws IOException {
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 3f);
        Transcription transcription = transcribe(TranscriptionRequest.of(audio).withCheckpoint(weights));
        assertEquals(3f * 5 / 1000, transcription.notes().get(1).amplitude(), 1e-8);
        Fakes.writeModel(folder, "other", 1f);
        LuthierException e = assertThrows(
                LuthierException.class,
                () -> transcribe(TranscriptionRequest.of(audio).withCheckpoint(weights)));
        assertTrue(e.getMessage().endsWith("say with --model which it is: basic-pitch, other"), e.getMessage());
    }

    @Test
    void aCheckpointThatNoModelFitsIsRunAsWhatItSaysItself() throws IOException {
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 3f, Map.of("size", "7"));
        Transcription transcription = transcribe(TranscriptionRequest.of(audio).withCheckpoint(weights));
        assertEquals(3f * 5 / 1000, transcription.notes().get(1).amplitude(), 1e-8);
        assertEquals("fake", transcription.provenance().model().id());
        assertEquals(
                Map.of("size", 7),
                world.workbench.definition("fake", weights).configuration(),
                "by its name, with the checkpoint");
        try (ModelLease lease = world.workbench.openModel("fake", weights, null)) {
            assertEquals("What it says itself", lease.model().definition().title());
        }
        LuthierException e = assertThrows(LuthierException.class, () -> world.workbench.definition("else", weights));
        assertTrue(e.getMessage().startsWith("no model 'else'; there are: "), e.getMessage());
        sized("seven", 7);
        assertEquals("seven", world.workbench.definition(null, weights).id(), "a model that fits comes first");
    }

    @Test
    void aCheckpointThatSaysItIsOfAnotherModelIsRefused() throws IOException {
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 3f, Map.of("size", "7"));
        sized("eight", 8);
        TranscriptionRequest request =
                TranscriptionRequest.of(audio).withModel("eight").withCheckpoint(weights);
        String why =
                weights + ": the checkpoint does not fit --model eight: size is 7 in the checkpoint, 8 in the model; ";
        LuthierException e = assertThrows(LuthierException.class, () -> transcribe(request));
        assertEquals(why + "without --model it is run as what it says itself", e.getMessage());
        sized("seven", 7);
        e = assertThrows(LuthierException.class, () -> transcribe(request));
        assertEquals(why + "it fits seven", e.getMessage());
        // The model tells nothing that the checkpoint does.
        assertEquals(
                "basic-pitch",
                world.workbench.definition("basic-pitch", weights).id());
    }

    private void sized(String id, int size) throws IOException {
        Fakes.writeModel(folder, id, 1f);
        Path json = folder.resolve(id).resolve("model.json");
        Files.writeString(
                json, Files.readString(json).replaceFirst("\\{", "{\"configuration\": {\"size\": " + size + "}, "));
    }

    @Test
    void aFamilyThatIsBeingUpdatedIsWaitedForWithItsCheckpoint() throws Exception {
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 3f);
        world.familyRegistration.close();
        CompletableFuture<Transcription> job = CompletableFuture.supplyAsync(
                () -> transcribe(TranscriptionRequest.of(audio).withCheckpoint(weights)));
        assertThrows(TimeoutException.class, () -> job.get(300, TimeUnit.MILLISECONDS));
        world.parts.add(ModelFamily.class, world.family, "2.0.0", 0);
        assertEquals("2.0.0", job.get(60, TimeUnit.SECONDS).provenance().model().version());
    }

    @Test
    void aCheckpointOfNoFamilyIsWaitedForNoLongerThanAPart() throws IOException {
        Fakes.World quick =
                new Fakes.World(folder.resolve("quick"), new Parts(Duration.ofSeconds(5), Duration.ofMillis(50)));
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 3f);
        quick.familyRegistration.close();
        LuthierException e = assertThrows(
                LuthierException.class,
                () -> quick.workbench.parameters(TranscriptionRequest.of(audio).withCheckpoint(weights)));
        assertTrue(e.getMessage().contains("of no model family that is installed"), e.getMessage());
        quick.workbench.close();
    }

    /** A job is interrupted while it reads the weights of a model that another one waits for. */
    @Test
    void aJobThatIsInterruptedWhileLoadingTakesTheModelFromNoOther() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        world.family.atLoad = () -> {
            world.family.atLoad = () -> {};
            loading.countDown();
            await(go);
            Thread.currentThread().interrupt();
        };
        CompletableFuture<Throwable> first = CompletableFuture.supplyAsync(
                () -> assertThrows(RuntimeException.class, () -> transcribe(TranscriptionRequest.of(audio))));
        await(loading);
        Job second = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        go.countDown();
        assertEquals(CancelledException.class, first.get(60, TimeUnit.SECONDS).getClass());
        assertEquals(FRAMES, second.await().notes().size());
        assertEquals(FRAMES, transcribe(TranscriptionRequest.of(audio)).notes().size());
        assertEquals(1, world.family.loaded.get());
    }

    @Test
    void loadingEndsWhenItIsNotWantedAnyMore() {
        world.family.atLoad = () -> Thread.currentThread().interrupt();
        assertThrows(CancelledException.class, () -> world.workbench.openModel(null, null, null));
        assertTrue(Thread.interrupted());

        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        world.family.atLoad = () -> {
            loading.countDown();
            await(go);
        };
        Job job = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        await(loading);
        job.cancel();
        go.countDown();
        assertThrows(CancelledException.class, job::await);
        assertEquals(0, world.family.loaded.get());
        assertTrue(world.parts.list().stream().allMatch(part -> part.jobs() == 0));
    }

    @Test
    void cancellingEndsTheJobAndLeavesNothingRunning() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        world.family.atSegment = segment -> {
            running.countDown();
            if (segment > 2) {
                pause();
            }
        };
        Job job = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        await(running);
        job.cancel();
        assertThrows(CancelledException.class, job::await);
        assertEquals(Job.State.CANCELLED, job.state());
        assertTrue(world.parts.list().stream().allMatch(part -> part.jobs() == 0));
        assertTrue(
                Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().startsWith("luthier-")
                                && thread.getName().contains("worker")),
                "workers left");
    }

    @Test
    void anInterruptedCallerIsCancelled() {
        world.family.atSegment = segment -> {
            if (segment == 10) {
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().equals("caller"))
                        .forEach(Thread::interrupt);
            }
            pause();
        };
        AtomicBoolean stillInterrupted = new AtomicBoolean();
        List<Throwable> thrown = new ArrayList<>();
        Thread caller = new Thread(
                () -> {
                    try {
                        transcribe(TranscriptionRequest.of(audio));
                    } catch (Throwable e) {
                        thrown.add(e);
                        stillInterrupted.set(Thread.currentThread().isInterrupted());
                    }
                },
                "caller");
        caller.start();
        join(caller);
        assertEquals(CancelledException.class, thrown.get(0).getClass());
        assertTrue(stillInterrupted.get());
    }

    @Test
    void theErrorOfAWorkerEndsTheJobOnce() {
        LuthierException trouble = new LuthierException("segment 5 is odd");
        world.family.atSegment = segment -> {
            if (segment == 5) {
                throw trouble;
            }
        };
        Job job = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        assertSame(trouble, assertThrows(LuthierException.class, job::await));
        assertEquals(Job.State.FAILED, job.state());
        assertTrue(world.parts.list().stream().allMatch(part -> part.jobs() == 0));
    }

    @Test
    void tooLittleMemoryIsToldInOneLine() {
        world.assembler.atStart = () -> {
            throw new OutOfMemoryError("made by the test");
        };
        LuthierException e = assertThrows(LuthierException.class, () -> transcribe(TranscriptionRequest.of(audio)));
        assertTrue(e.getMessage().startsWith("not enough memory for song.wav in a heap of"), e.getMessage());
    }

    @Test
    void settingsAreRoutedAndUnknownOnesRefused() {
        assertEquals(
                List.of("floor"),
                world.workbench.parameters(TranscriptionRequest.of(null)).stream()
                        .map(parameter -> parameter.name())
                        .toList());
        LuthierException e = assertThrows(
                LuthierException.class,
                () -> transcribe(TranscriptionRequest.of(audio).withSettings(Map.of("flor", "1"))));
        assertEquals("unknown parameter --flor for fake-notes: it has floor", e.getMessage());
    }

    @Test
    void partsThatDoNotFitAreRefused() {
        world.parts.add(NoteAssembler.class, new TokenAssembler(), "1.0.0", 0);
        LuthierException e = assertThrows(
                LuthierException.class,
                () -> transcribe(TranscriptionRequest.of(audio).withAssembler("of-tokens")));
        assertTrue(e.getMessage().endsWith("use --assembler fake-notes"), e.getMessage());
        e = assertThrows(
                LuthierException.class,
                () -> transcribe(TranscriptionRequest.of(audio).withTokenizer("mt3")));
        assertEquals("model basic-pitch writes no tokens: it takes no --tokenizer and no --decoder", e.getMessage());
    }

    /** A list of checksums beside the model.json names the first file that is another; a conversion has no such files. */
    @Test
    void weightsThatAreNotThePublishedOnesAreNamed() throws IOException {
        Path weights = folder.resolve("basic-pitch/fake.safetensors");
        Path list = folder.resolve("basic-pitch/SHA256SUMS");
        Fakes.write(list, Sha256.hex(weights) + "  fake.safetensors\n");
        assertEquals(3, provenanceWarnings().size());
        Fakes.write(list, "0".repeat(64) + "  fake.safetensors\n");
        Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000));
        List<String> warnings = provenanceWarnings();
        assertEquals(4, warnings.size());
        assertTrue(
                warnings.get(0)
                        .startsWith("the checkpoint fake.safetensors is not the published one of model basic-pitch:"
                                + " 'fake.safetensors' has the sha256 " + Sha256.hex(weights) + ", published is 000"),
                warnings.get(0));
        Fakes.write(list, "0".repeat(64) + "  other.bin\n");
        Files.setLastModifiedTime(weights, FileTime.fromMillis(2_000_000));
        assertEquals(3, provenanceWarnings().size());
    }

    private List<String> provenanceWarnings() {
        return transcribe(TranscriptionRequest.of(audio)).provenance().warnings();
    }

    @Test
    void weightsThatCannotBeUsedAndAreNotThePublishedOnesAreNamed() throws IOException {
        Path weights = folder.resolve("basic-pitch/fake.safetensors");
        Fakes.write(folder.resolve("basic-pitch/SHA256SUMS"), Sha256.hex(weights) + "  fake.safetensors\n");
        assertEquals(3, provenanceWarnings().size());
        try (var out = Files.newOutputStream(weights)) {
            SafetensorsWriter.write(out, Map.of(), List.of(SafetensorsWriter.Tensor.of("gain", new float[] {1, 2}, 2)));
        }
        LuthierException e = assertThrows(LuthierException.class, this::provenanceWarnings);
        assertTrue(
                e.getMessage().contains("; the checkpoint fake.safetensors is not the published one"), e.getMessage());
    }

    @Test
    void missingWeightsAreToldWithWhatToDo() throws IOException {
        Files.delete(folder.resolve("basic-pitch/fake.safetensors"));
        LuthierException e = assertThrows(LuthierException.class, () -> transcribe(TranscriptionRequest.of(audio)));
        assertTrue(e.getMessage().startsWith("model basic-pitch has no weights at "), e.getMessage());
        assertTrue(e.getMessage().contains("--checkpoint"), e.getMessage());
    }

    @Test
    void aClosedWorkbenchTakesNoJobs() {
        CountDownLatch running = new CountDownLatch(1);
        world.family.atSegment = segment -> {
            running.countDown();
            pause();
        };
        Job job = world.workbench.start(TranscriptionRequest.of(audio), Progress.NONE);
        await(running);
        world.workbench.close();
        assertEquals(Job.State.CANCELLED, job.state());
        assertThrows(LuthierException.class, () -> transcribe(TranscriptionRequest.of(audio)));
    }

    @Test
    void anEmptyRecordingGivesNoNotes() {
        assertTrue(transcribe(TranscriptionRequest.of(world.audio("one.wav", 1)))
                .notes()
                .isEmpty());
    }

    private static final class TokenAssembler implements TokenNoteAssembler {
        @Override
        public String id() {
            return "of-tokens";
        }

        @Override
        public String description() {
            return "Of tokens";
        }

        @Override
        public Assembly begin(Tokenizer tokenizer, Settings settings) {
            throw new UnsupportedOperationException();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(60, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Long enough that a job of 252 segments outlives whatever the test does to it. */
    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
