package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
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
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.Parameter;

/** Jobs of token models kept, and put through other parts. */
@Timeout(120)
class RedecodeJobTest {
    private static final int SEGMENTS = 23;
    private static final IntConsumer NEVER = segment -> {
        throw new IllegalStateException("computed again: segment " + segment);
    };

    @TempDir
    Path folder;

    private TokenFakes.World world;
    private Path job;
    private Transcription transcription;

    @BeforeEach
    void keep() {
        world = new TokenFakes.World(folder, new Parts(Duration.ofSeconds(60), Duration.ofMillis(100)));
        job = folder.resolve("song.job");
        transcription = keep(TranscriptionRequest.of(null), job);
        world.family.atFrontend = NEVER;
    }

    @AfterEach
    void close() {
        world.workbench.close();
        assertEquals(0, world.family.open.get(), "models left open");
        assertEquals(0, world.family.sessions.get(), "sessions left open");
    }

    private Transcription keep(TranscriptionRequest request, Path target) {
        Path audio = world.audio("song.wav", SEGMENTS);
        OutputPlan.Output output =
                new OutputPlan.Output(KeptJob.OUTPUT, ".job", new OutputPlan.Place(target, false), Map.of());
        Transcription[] done = new Transcription[1];
        int failures = new TranscribeFiles(world.workbench)
                .run(
                        OutputPlan.of(List.of(audio), List.of(output), false),
                        request,
                        new TranscribeFiles.Listener() {
                            @Override
                            public Progress begun(OutputPlan.Entry entry) {
                                return Progress.NONE;
                            }

                            @Override
                            public void done(OutputPlan.Entry entry, Transcription transcription) {
                                done[0] = transcription;
                            }

                            @Override
                            public void failed(OutputPlan.Entry entry, RuntimeException trouble) {
                                throw trouble;
                            }
                        },
                        Cancellation.NONE);
        assertEquals(0, failures);
        return done[0];
    }

    private RedecodeJob.Result redecode(TranscriptionRequest request) {
        return new RedecodeJob(world.workbench).run(job, request, Progress.NONE, Cancellation.NONE);
    }

    private static TranscriptionRequest nothing() {
        return TranscriptionRequest.of(null);
    }

    private static void assertSameMusic(Transcription expected, Transcription actual) {
        assertEquals(expected.segments(), actual.segments());
        assertEquals(expected.notes(), actual.notes());
        assertEquals(expected.invalid(), actual.invalid());
        assertEquals(expected.dropped(), actual.dropped());
        assertEquals(expected.duration(), actual.duration());
    }

    @Test
    void nothingElseGivesTheSame() throws IOException {
        Files.delete(folder.resolve("basic-pitch/fake.safetensors"));

        RedecodeJob.Result result = redecode(nothing());

        assertSameMusic(transcription, result.kept());
        assertEquals(transcription.provenance(), result.kept().provenance());
        assertSameMusic(transcription, result.redecoded());
        assertEquals(transcription.provenance(), result.redecoded().provenance());
        assertEquals(List.of(), result.changed());
    }

    @Test
    void anotherAssemblerNeedsNoModelAndNoDecoder() throws IOException {
        Files.delete(folder.resolve("basic-pitch/fake.safetensors"));
        world.decoder.close();

        RedecodeJob.Result result =
                redecode(nothing().withAssembler("pitches-of-channels").withSettings(Map.of("length", "2")));

        assertEquals(2 * SEGMENTS, result.redecoded().notes().size());
        assertEquals(2, result.redecoded().notes().get(0).end());
        assertEquals(
                "pitches-of-channels",
                result.redecoded().provenance().assembler().id());
        assertEquals(
                transcription.provenance().decoder(),
                result.redecoded().provenance().decoder());
        assertEquals(
                Map.of("width", 1, "length", 2.0, "late", false),
                result.redecoded().provenance().parameters());
        assertEquals(List.of(), result.changed());
    }

    @ParameterizedTest
    @CsvSource({"1,", "2,", "3, 1", "2, 7", "2, 1000"})
    void anotherDecoderStartsFromWhatWasEncoded(int workers, Integer batch) {
        world.family.atLayer = NEVER;

        RedecodeJob.Result result = redecode(
                nothing().withDecoder("greedy").withBatch(batch).withExecution(new Execution("cpu", "other", workers)));

        assertSameMusic(transcription, result.redecoded());
        assertEquals("greedy", result.redecoded().provenance().decoder().id());
        assertEquals("other", result.redecoded().provenance().kernels());
        assertEquals(Map.of(), result.redecoded().provenance().parameters());
        assertEquals(List.of(), result.changed());
    }

    @Test
    void saysWhichSegmentsHaveOtherTokens() {
        world.family.says = segment ->
                segment % 10 == 3 ? IntLists.immutable.of(TokenFakes.TIE, TokenFakes.END) : TokenFakes.said(segment, 0);

        RedecodeJob.Result result = redecode(nothing().withDecoder("greedy"));

        assertEquals(List.of(3, 13), result.changed());
        assertTrue(result.redecoded().notes().size() < transcription.notes().size());
    }

    @Test
    void aSettingOfTheDecoderDecodesAgain() {
        int[] steps = new int[1];
        world.family.atStep = segment -> steps[0]++;
        redecode(nothing());
        assertEquals(0, steps[0]);

        RedecodeJob.Result result =
                redecode(nothing().withSettings(Map.of("width", "3")).withExecution(new Execution("cpu", "fake", 1)));

        assertTrue(steps[0] > 0);
        assertEquals(Map.of("width", 3), result.redecoded().provenance().parameters());
    }

    @Test
    void whatTheJobHadSetHoldsWhereThePartIsTheSame() {
        world.family.atFrontend = segment -> {};
        job = folder.resolve("other.job");
        keep(nothing().withAssembler("pitches-of-channels").withSettings(Map.of("length", "3", "width", "4")), job);

        RedecodeJob.Result same = redecode(nothing());
        assertEquals(3, same.redecoded().notes().get(0).end());
        assertEquals(
                same.kept().provenance().parameters(),
                same.redecoded().provenance().parameters());
        RedecodeJob.Result other = redecode(nothing().withDecoder("greedy").withSettings(Map.of("late", "true")));
        assertEquals(
                Map.of("length", 3.0, "late", true),
                other.redecoded().provenance().parameters());
    }

    @Test
    void listsWhatCanBeSet() {
        assertEquals(
                List.of("width", "length", "late"),
                new RedecodeJob(world.workbench)
                        .parameters(job, nothing().withAssembler("pitches-of-channels")).stream()
                                .map(Parameter::name)
                                .toList());
    }

    @Test
    void severalChannels() {
        world.family.atFrontend = segment -> {};
        world.family.channels = 3;
        job = folder.resolve("three.job");
        Transcription three = keep(nothing().withAssembler("pitches-of-channels"), job);

        assertSameMusic(
                three, redecode(nothing().withDecoder("greedy").withBatch(5)).redecoded());

        world.family.channels = 2;
        assertRefused(nothing().withDecoder("greedy"), "3 channels");
    }

    @Test
    void otherWeightsEncodeTheKeptFeaturesAnewIfTheyAreNamed() throws IOException {
        Path own = folder.resolve("basic-pitch/fake.safetensors");
        Path other = folder.resolve("other.safetensors");
        Fakes.writeWeights(other, 1.5f);
        int[] layers = new int[1];
        world.family.atLayer = segment -> layers[0]++;

        redecode(nothing().withCheckpoint(own));
        assertEquals(0, layers[0], "the same weights");

        RedecodeJob.Result result =
                redecode(nothing().withCheckpoint(other).withExecution(new Execution("cpu", "fake", 1)));
        assertTrue(layers[0] > 0);
        assertSameMusic(transcription, result.redecoded());
        assertNotEquals(
                transcription.provenance().checkpoint(),
                result.redecoded().provenance().checkpoint());
        String remark = String.join("\n", result.redecoded().provenance().remarks());
        assertTrue(remark.contains("encoded anew"), remark);

        Files.copy(other, own, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        String message = assertRefused(nothing().withDecoder("greedy"), "--checkpoint PATH");
        assertTrue(message.contains(transcription.provenance().checkpoint()), message);
        redecode(nothing());
    }

    private String assertRefused(TranscriptionRequest request, String expected) {
        String message =
                assertThrows(LuthierException.class, () -> redecode(request)).getMessage();
        assertTrue(message.contains(expected), message);
        assertEquals(1, message.lines().count());
        return message;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "tokenizer|mt3-piano|does not fit",
                "tokenizer|none|no tokenizer 'none'",
                "decoder|none|no decoder 'none'",
                "assembler|none|no note assembler 'none'",
                "assembler|fake-notes|reads frames",
                "model|frames|leave out --model",
                "model|none|none",
                "setting|none|unknown parameter --none",
                "setting|width|--width",
            })
    void refusesWhatDoesNotFit(String what, String id, String expected) {
        world.parts.add(ModelFamily.class, new Fakes.Family(), "1.0.0", 0);
        world.parts.add(NoteAssembler.class, new Fakes.Assembler(), "1.0.0", 0);
        Fakes.writeModel(folder, "frames", 1f);
        TranscriptionRequest request = switch (what) {
            case "tokenizer" -> nothing().withTokenizer(id);
            case "decoder" -> nothing().withDecoder(id);
            case "assembler" -> nothing().withAssembler(id);
            case "model" -> nothing().withModel(id);
            default -> nothing().withSettings(Map.of(id, "nine"));
        };
        assertRefused(request, expected);
    }

    @Test
    void withoutItsDecoderAJobIsNotDecodedAgain() {
        world.decoder.close();
        assertRefused(nothing().withCheckpoint(folder.resolve("basic-pitch/fake.safetensors")), "fake-search");
        assertRefused(nothing().withSettings(Map.of("width", "2")), "unknown parameter --width");
    }

    @Test
    void cancelling() {
        Cancellation atOnce = () -> true;
        RedecodeJob redecode = new RedecodeJob(world.workbench);
        assertThrows(CancelledException.class, () -> redecode.run(job, nothing(), Progress.NONE, atOnce));
        assertThrows(
                CancelledException.class,
                () -> redecode.run(job, nothing().withDecoder("greedy"), Progress.NONE, atOnce));
    }

    /** The first step has somebody close the workbench; all steps would take half a minute. */
    @Test
    void closingTheWorkbenchEndsTheWork() throws Exception {
        Thread closing = new Thread(world.workbench::close);
        AtomicBoolean begun = new AtomicBoolean();
        world.family.atStep = segment -> {
            if (begun.compareAndSet(false, true)) {
                closing.start();
            }
            LockSupport.parkNanos(20_000_000);
        };
        world.family.says = segment -> IntLists.immutable.ofAll(
                IntStream.generate(() -> TokenFakes.TIE).limit(TokenFakes.MAX_TOKENS));
        TranscriptionRequest request =
                nothing().withDecoder("fake-search").withBatch(1).withExecution(new Execution("cpu", "fake", 1));
        assertThrows(CancelledException.class, () -> redecode(request));
        closing.join();
        assertEquals(0, world.family.open.get(), "closed when nobody works with it any more");
        String message =
                assertThrows(LuthierException.class, () -> redecode(request)).getMessage();
        assertTrue(message.contains("closed"), message);
    }

    @Test
    void notEnoughMemoryIsTold() {
        world.family.atStep = segment -> {
            throw new OutOfMemoryError("made by the test");
        };
        assertRefused(nothing().withDecoder("fake-search"), "not enough memory for the job in a heap of");
    }

    @Test
    void aPartThatLeavesEndsTheWork() {
        world.workbench.close();
        Path other = folder.resolve("second");
        assertTrue(other.toFile().mkdir());
        world = new TokenFakes.World(other, new Parts(Duration.ofMillis(50), Duration.ofSeconds(30)));
        // The first step has the decoder leave, which waits 50 ms for the work and then ends it; all would take half a
        // minute.
        Thread[] leaving = new Thread[1];
        world.family.atStep = segment -> {
            if (leaving[0] == null) {
                leaving[0] = new Thread(world.decoder::close);
                leaving[0].start();
            }
            LockSupport.parkNanos(20_000_000);
        };
        world.family.says = segment -> IntLists.immutable.ofAll(
                IntStream.generate(() -> TokenFakes.TIE).limit(TokenFakes.MAX_TOKENS));
        TranscriptionRequest request = nothing()
                .withDecoder("fake-search")
                .withCheckpoint(other.resolve("basic-pitch/fake.safetensors"))
                .withBatch(1)
                .withExecution(new Execution("cpu", "fake", 1));
        String message = assertThrows(
                        LuthierException.class,
                        () -> new RedecodeJob(world.workbench).run(job, request, Progress.NONE, Cancellation.NONE))
                .getMessage();
        assertTrue(message.contains("was replaced"), message);
    }

    @Test
    void keepsNothingOfAModelWithoutTokens() {
        world.parts.add(ModelFamily.class, new Fakes.Family(), "1.0.0", 0);
        world.parts.add(NoteAssembler.class, new Fakes.Assembler(), "1.0.0", 0);
        Fakes.writeModel(folder, "frames", 1f);
        Path target = folder.resolve("frames.job");

        String message = assertThrows(
                        LuthierException.class, () -> keep(nothing().withModel("frames"), target))
                .getMessage();

        assertTrue(message.contains("--keep"), message);
        assertFalse(Files.exists(target));
    }

    @Test
    void aJobThatFailsIsNotKept() {
        Path target = folder.resolve("failed.job");
        assertThrows(IllegalStateException.class, () -> keep(nothing(), target), "the front end fails");
        assertEquals(
                List.of(),
                List.of(folder.toFile().list()).stream()
                        .filter(name -> name.contains("failed") || name.endsWith(".part"))
                        .toList());
    }

    /** Its parts are kept apart from a decoder that is asked for by id only. */
    @Test
    void aJobIsReadByOneWhoOnlyKnowsTheFile() {
        try (KeptJob kept = KeptJob.open(job)) {
            assertEquals(List.of((long) TokenFakes.WINDOW), kept.featureShape());
            assertEquals(transcription.provenance(), kept.transcription().provenance());
            assertFalse(kept.transcription().provenance().toString().contains(folder.toString()));
        }
    }
}
