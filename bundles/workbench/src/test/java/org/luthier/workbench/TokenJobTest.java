package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
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
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model that writes tokens, in the workbench. */
@Timeout(120)
class TokenJobTest {
    private static final int SEGMENTS = 23;

    @TempDir
    Path folder;

    private TokenFakes.World world;
    private Path audio;

    @BeforeEach
    void build() {
        world = new TokenFakes.World(folder, new Parts(Duration.ofSeconds(60), Duration.ofMillis(100)));
        audio = world.audio("song.wav", SEGMENTS);
    }

    @AfterEach
    void close() {
        world.workbench.close();
        assertEquals(0, world.family.open.get(), "models left open");
        assertEquals(0, world.family.sessions.get(), "sessions left open");
    }

    private Transcription transcribe(TranscriptionRequest request) {
        return world.workbench.transcribe(request, Progress.NONE, Cancellation.NONE);
    }

    private TranscriptionRequest request() {
        return TranscriptionRequest.of(audio);
    }

    private static Execution workers(int count) {
        return new Execution("cpu", "fake", count);
    }

    /** What the tokens mean, assembled by hand. */
    private static List<Note> expected(int segments) {
        TokenNoteAssembler.Assembly assembly =
                new Mt3ReferenceAssembler().begin(new Mt3Tokenizer(), Settings.defaults(new Mt3ReferenceAssembler()));
        for (int segment = 0; segment < segments; segment++) {
            assembly.accept(
                    new SegmentEvents(start(segment), List.of(new Mt3Tokenizer().events(TokenFakes.said(segment, 0)))));
        }
        return assembly.finish().notes();
    }

    /** Where the reference counts from. */
    private static double start(int segment) {
        double t = segment * 256 / 125.0;
        return t - t % 0.01;
    }

    @ParameterizedTest
    @CsvSource({"1,", "2,", "3,", "64,", "1, 1", "3, 1", "2, 7", "5, 7", "3, 1000"})
    void everySegmentIsAtItsPlaceWhateverTheWorkersAndTheBatch(int workers, Integer batch) {
        Transcription transcription =
                transcribe(request().withExecution(workers(workers)).withBatch(batch));
        assertEquals(SEGMENTS, transcription.segments().size());
        for (int segment = 0; segment < SEGMENTS; segment++) {
            SegmentTokens tokens = transcription.segments().get(segment);
            assertEquals(List.of(TokenFakes.said(segment, 0)), tokens.channels());
            assertEquals(start(segment), tokens.start());
        }
        assertEquals(expected(SEGMENTS), transcription.notes());
        assertEquals(0, transcription.invalid());
        assertEquals(0, transcription.dropped());
    }

    @ParameterizedTest
    @CsvSource({"1,", "2, 5", "3, 1"})
    void channelsAreRowsOfTheirSegment(int workers, Integer batch) {
        world.family.channels = 3;
        Transcription transcription = transcribe(request()
                .withAssembler("pitches-of-channels")
                .withExecution(workers(workers))
                .withBatch(batch));
        for (int segment = 0; segment < SEGMENTS; segment++) {
            int number = segment;
            assertEquals(
                    IntStream.range(0, 3)
                            .mapToObj(channel -> TokenFakes.said(number, channel))
                            .toList(),
                    transcription.segments().get(segment).channels());
        }
        // Each channel says the one pitch twice, where it starts and where it ends.
        assertEquals(SEGMENTS * 3 * 2, transcription.notes().size());
        for (int i = 0; i < transcription.notes().size(); i++) {
            Note note = transcription.notes().get(i);
            assertEquals(40 + (i / 6 + i / 2 % 3) % 48, note.pitch());
            assertEquals(i / 2 % 3, note.program());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, , 1",
        "5, 1, 1, , 1",
        "5, 1, 2, , 2",
        "3, 1, 8, , 3",
        "40, 1, 1, , 1",
        "41, 1, 1, , 2",
        "80, 1, 2, , 2",
        "81, 1, 2, , 4",
        "2000, 1, 2, , 50",
        "10, 1, 2147483647, , 10",
        "10, 1, 2, 4, 3",
        "10, 1, 2, 10, 1",
        "10, 1, 2, 1, 10",
        "3, 13, 1, , 1",
        "15, 13, 2, , 6",
        "15, 50, 2, , 15",
        "15, 13, 2, 10, 2"
    })
    void everyWorkerHasItsShare(int segments, int channels, int workers, Integer batch, int expected) {
        int groups = TokenRecipe.groups(segments, channels, workers, batch);
        assertEquals(expected, groups);
        int[] sizes = IntStream.range(0, groups)
                .map(group -> TokenRecipe.firstSegment(group + 1, groups, segments)
                        - TokenRecipe.firstSegment(group, groups, segments))
                .toArray();
        assertEquals(segments, IntStream.of(sizes).sum());
        int largest = Arrays.stream(sizes).max().orElseThrow();
        assertTrue(largest - Arrays.stream(sizes).min().orElseThrow() <= 1);
        assertTrue(largest <= (batch == null ? Math.max(1, 40 / channels) : batch));
    }

    /** The last group is held back until notes have been told: so they come before the end. */
    @Test
    void notesAreToldAsSegmentsAreDone() {
        CountDownLatch told = new CountDownLatch(1);
        world.family.atStep = segment -> {
            if (segment == SEGMENTS - 1) {
                await(told);
            }
        };
        List<Note> notes = Collections.synchronizedList(new ArrayList<>());
        Job job = world.workbench.start(request().withBatch(1), Listeners.NONE.withNotes(fresh -> {
            notes.addAll(fresh);
            told.countDown();
        }));
        Transcription transcription = job.await();
        assertEquals(transcription.notes(), notes, "each once, here in the order of the transcription");
        assertEquals(expected(SEGMENTS), notes);
    }

    @Test
    void whatIsOnlyKnownAtTheEndIsToldThen() {
        List<Note> notes = new ArrayList<>();
        Transcription transcription = world.workbench.transcribe(
                request().withAssembler("pitches-of-channels").withSettings(Map.of("late", "true")),
                Listeners.NONE.withNotes(notes::addAll),
                Cancellation.NONE);
        assertEquals(2 * SEGMENTS, notes.size());
        assertEquals(transcription.notes(), notes);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 6, 1000})
    void progressCountsEverySegmentOnce(int batch) {
        List<Long> done = Collections.synchronizedList(new ArrayList<>());
        world.workbench.transcribe(
                request().withBatch(batch),
                (phase, now, total) -> {
                    if (phase.equals("segments")) {
                        assertEquals(SEGMENTS, total);
                        done.add(now);
                    }
                },
                Cancellation.NONE);
        assertEquals(done.stream().distinct().count(), done.size());
        assertEquals(SEGMENTS, Collections.max(done));
        // Eleven different lengths: segments that have left are counted though their group goes on.
        assertTrue(done.size() >= 11, done.toString());
    }

    @Test
    void thePhasesAreDisjoint() {
        Timing timing = transcribe(request()).timing();
        double sum = timing.load() + timing.frontend() + timing.encoder() + timing.decoder() + timing.notes();
        assertTrue(sum <= timing.total() + 1e-6, timing.toString());
        assertTrue(timing.frontend() > 0 && timing.encoder() > 0 && timing.decoder() > 0, timing.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "layer", "step"})
    void cancellingEndsTheJobWhereverItIs(String where) {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch cancelled = new CountDownLatch(1);
        List<String> after = Collections.synchronizedList(new ArrayList<>());
        IntConsumer hold = segment -> {
            running.countDown();
            await(cancelled);
        };
        IntConsumer note = segment -> {
            if (cancelled.getCount() == 0) {
                after.add(where);
            }
        };
        world.family.atFrontend = where.equals("frontend") ? hold : segment -> {};
        world.family.atLayer = where.equals("layer") ? hold : note;
        world.family.atStep = where.equals("step") ? hold : note;
        Job job = world.workbench.start(request().withExecution(workers(1)), Progress.NONE);
        await(running);
        job.cancel();
        cancelled.countDown();
        assertThrows(CancelledException.class, job::await);
        assertEquals(Job.State.CANCELLED, job.state());
        assertEquals(List.of(), after, "nothing was begun after the cancelling");
        assertTrue(world.parts.list().stream().allMatch(part -> part.jobs() == 0));
    }

    @Test
    void theProvenanceSaysWhatTheResultDependsOn() {
        Transcription transcription = transcribe(
                request().withAssembler("pitches-of-channels").withSettings(Map.of("length", "2", "width", "3")));
        var provenance = transcription.provenance();
        assertEquals(new PartVersion("mt3", "1.0.0"), provenance.tokenizer());
        assertEquals(new PartVersion("fake-search", "1.0.0"), provenance.decoder());
        assertEquals(new PartVersion("pitches-of-channels", "1.0.0"), provenance.assembler());
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("width", 3);
        values.put("length", 2.0);
        values.put("late", false);
        assertEquals(values, provenance.parameters());
        assertEquals(
                List.of(
                        "the output matrix of model basic-pitch has 1536 rows and tokenizer mt3 1391 ids: the rows 1391..1535 are"
                                + " padding, which is harmless, since the ids before them mean the same to both"),
                provenance.remarks());
        assertEquals(3, provenance.warnings().size(), "only those of the recording: " + provenance.warnings());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void theNotesFileHasTheTokens(int channels) throws Exception {
        world.family.channels = channels;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new NotesJsonWriter().write(transcribe(request().withAssembler("pitches-of-channels")), bytes);
        JsonNode json = new ObjectMapper().readTree(bytes.toByteArray());
        assertEquals(SEGMENTS, json.get("segments").size());
        JsonNode segment = json.get("segments").get(7);
        assertEquals(start(7), segment.get("start").doubleValue());
        List<JsonNode> rows = new ArrayList<>();
        if (channels == 1) {
            rows.add(segment.get("tokens"));
        } else {
            segment.get("channels").forEach(rows::add);
        }
        assertEquals(channels, rows.size());
        for (int channel = 0; channel < channels; channel++) {
            MutableIntList ids = IntLists.mutable.empty();
            rows.get(channel).forEach(id -> ids.add(id.intValue()));
            assertEquals(TokenFakes.said(7, channel), ids);
        }
        assertEquals("mt3", json.at("/provenance/tokenizer/id").textValue());
        assertEquals("fake-search", json.at("/provenance/decoder/id").textValue());
    }

    @Test
    void settingsAreRoutedAndUnknownOnesRefused() {
        assertEquals(
                List.of("width", "length", "late"),
                world.workbench.parameters(request().withAssembler("pitches-of-channels")).stream()
                        .map(Parameter::name)
                        .toList());
        assertEquals(
                "unknown parameter --wide for fake-search and pitches-of-channels: they have width, length, late",
                refused(request().withAssembler("pitches-of-channels").withSettings(Map.of("wide", "1"))));
        assertEquals(
                "unknown parameter --width for greedy and mt3-reference: they have none",
                refused(request().withDecoder("greedy").withSettings(Map.of("width", "1"))));
    }

    @Test
    void twoParametersOfOneNameAreRefused() {
        world.parts.add(NoteAssembler.class, new Clashing(), "1.0.0", 0);
        assertEquals(
                "fake-search and clashing both have a parameter --width, so that it cannot be told which one is meant; choose"
                        + " another --decoder or --assembler",
                refused(request().withAssembler("clashing")));
    }

    private static final class Clashing implements TokenNoteAssembler {
        @Override
        public String id() {
            return "clashing";
        }

        @Override
        public String description() {
            return "Has a parameter of the decoder's name";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(Parameter.number("width", 1.0, 0, 1, "", "Another width."));
        }

        @Override
        public Assembly begin(Tokenizer tokenizer, Settings settings) {
            throw new UnsupportedOperationException();
        }
    }

    private String refused(TranscriptionRequest request) {
        world.family.atFrontend = segment -> {
            throw new AssertionError("audio work was done");
        };
        return assertThrows(LuthierException.class, () -> transcribe(request)).getMessage();
    }

    @Test
    void partsThatDoNotFitAreRefusedBeforeAnyWork() {
        assertTrue(refused(request().withTokenizer("mt3-piano")).endsWith(". Use --tokenizer mt3"));
        assertEquals(
                "no tokenizer 'mt4'; there are: mt3, mt3-piano",
                refused(request().withTokenizer("mt4")));
        assertEquals(
                "no decoder 'mt4'; there are: fake-search, greedy",
                refused(request().withDecoder("mt4")));
        world.parts.add(NoteAssembler.class, new Fakes.Assembler(), "1.0.0", 0);
        assertEquals(
                "note assembler fake-notes reads frames, but model basic-pitch writes tokens; use --assembler mt3-reference",
                refused(request().withAssembler("fake-notes")));
    }

    @Test
    void aDecoderThatLosesRowsIsRefused() {
        world.search.lost = 1;
        LuthierException e =
                assertThrows(LuthierException.class, () -> transcribe(request().withBatch(4)));
        assertTrue(
                e.getMessage().startsWith("decoder fake-search gave ")
                        && e.getMessage().endsWith("; choose another with --decoder"),
                e.getMessage());
    }

    @Test
    void aJobEndsOnThePartsItBeganWith() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        world.family.atStep = segment -> {
            running.countDown();
            await(go);
        };
        Job job = world.workbench.start(request(), Progress.NONE);
        await(running);
        world.parts.add(Tokenizer.class, new Mt3Tokenizer(), "2.0.0", 0);
        world.parts.add(Decoder.class, new TokenFakes.Search(), "2.0.0", 0);
        world.parts.add(NoteAssembler.class, new Mt3ReferenceAssembler(), "2.0.0", 0);
        List<CompletableFuture<Void>> leaving = List.of(
                CompletableFuture.runAsync(world.tokenizer::close),
                CompletableFuture.runAsync(world.decoder::close),
                CompletableFuture.runAsync(world.assembler::close));
        Job next = world.workbench.start(request(), Progress.NONE);
        assertFalse(leaving.stream().anyMatch(CompletableFuture::isDone));
        go.countDown();
        for (Job each : List.of(job, next)) {
            String version = each == job ? "1.0.0" : "2.0.0";
            var provenance = each.await().provenance();
            assertEquals(version, provenance.tokenizer().version());
            assertEquals(version, provenance.decoder().version());
            assertEquals(version, provenance.assembler().version());
            assertEquals(expected(SEGMENTS), each.await().notes());
        }
        for (CompletableFuture<Void> part : leaving) {
            part.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void aKeeperIsShownEverySegmentOnce() {
        Map<Integer, Float> features = Collections.synchronizedMap(new HashMap<>());
        List<TokenLayout> layouts = new ArrayList<>();
        Keeper keeper = new Keeper() {
            @Override
            public void begin(TokenLayout layout) {
                layouts.add(layout);
            }

            @Override
            public void keep(Position at, INDArray given, INDArray encoded) {
                assertEquals(1, layouts.size());
                for (int row = 0; row < at.rows(); row++) {
                    assertEquals(null, features.put(at.segment(row), given.getFloat(row, 0)));
                    assertEquals(2 * given.getFloat(row, 0), encoded.getFloat(row, 0));
                }
            }
        };
        world.workbench.transcribe(request().withBatch(5), Listeners.NONE.withKeeper(keeper), Cancellation.NONE);
        assertEquals(SEGMENTS, features.size());
        assertEquals(5 * TokenFakes.WINDOW % 1000 / 1000f, features.get(5));
    }

    @Test
    void aFrameModelsJobIsNotKept() {
        Fakes.World frames = new Fakes.World(folder.resolve("frames"), new Parts());
        Keeper keeper = new KeptJobWriter(folder.resolve("kept.safetensors"), false);
        LuthierException e = assertThrows(
                LuthierException.class,
                () -> frames.workbench.transcribe(
                        TranscriptionRequest.of(frames.audio("song.wav", 100)),
                        Listeners.NONE.withKeeper(keeper),
                        Cancellation.NONE));
        assertTrue(e.getMessage().startsWith("a job of model basic-pitch cannot be kept: "), e.getMessage());
        frames.workbench.close();
    }

    @Test
    void idsOutOfRangeAreLocated() {
        world.family.says = segment -> {
            IntList ids = TokenFakes.said(segment, 0);
            return segment % 10 == 4 ? IntLists.immutable.of(TokenFakes.TIE, 1391, 1535, TokenFakes.END) : ids;
        };
        Transcription transcription = transcribe(request());
        assertEquals(4, transcription.invalid());
        String warning = transcription.provenance().warnings().stream()
                .max(Comparator.comparingInt(String::length))
                .orElseThrow();
        assertTrue(
                warning.startsWith("4 tokens are beyond the 1391 ids of tokenizer mt3 and left out: 1391 in segment 4"
                        + " (8.19 s) at position 1, 1535 in segment 4 (8.19 s) at position 2, 1391 in segment 14"
                        + " (28.67 s) at position 1, ...; likely causes: "),
                warning);
    }

    @Test
    void aVeryShortFileIsOneSegment() {
        Path brief = Fakes.write(folder.resolve("brief.wav"), "1");
        Transcription transcription = transcribe(TranscriptionRequest.of(brief));
        assertEquals(
                List.of(List.of(TokenFakes.said(0, 0))),
                transcription.segments().stream().map(SegmentTokens::channels).toList());
    }

    @Test
    void theModelIsFoundAmongThoseOfAFamily() throws Exception {
        TokenFakes.writeModel(folder, "other", 2f);
        Path weights = folder.resolve("mine.bin");
        Fakes.writeWeights(weights, 2f);
        TranscriptionRequest mine = request().withCheckpoint(weights);
        assertEquals("other", transcribe(mine).provenance().model().id());
        Fakes.writeWeights(weights, 3f);
        LuthierException e = assertThrows(LuthierException.class, () -> transcribe(mine));
        assertTrue(
                e.getMessage()
                        .endsWith(
                                "of the family fake-tokens, but of none of its models (basic-pitch, other): add a model.json for it"),
                e.getMessage());
        TokenFakes.writeModel(folder, "third", 2f);
        Fakes.writeWeights(weights, 2f);
        e = assertThrows(LuthierException.class, () -> transcribe(mine));
        assertTrue(e.getMessage().endsWith("say with --model which it is: other, third"), e.getMessage());
    }

    @Test
    void theModelThatACheckpointFitsIsToldWhereItFailsAsAnother() throws Exception {
        TokenFakes.writeModel(folder, "other", 2f);
        Path weights = folder.resolve("mine.bin");
        List<SafetensorsWriter.Tensor> tensors = List.of(
                SafetensorsWriter.Tensor.of("gain", new float[] {2}, 1),
                SafetensorsWriter.Tensor.of("loss", new float[] {2}, 1));
        try (var out = Files.newOutputStream(weights)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
        TranscriptionRequest mine = request().withCheckpoint(weights);
        String asAnother = assertThrows(LuthierException.class, () -> transcribe(mine.withModel("basic-pitch")))
                .getMessage();
        String asItself = assertThrows(LuthierException.class, () -> transcribe(mine.withModel("other")))
                .getMessage();
        assertEquals(asItself + "; the checkpoint does not fit --model basic-pitch, it fits other", asAnother);
    }

    @Test
    void missingWeightsAreToldWithWhatToDo() throws Exception {
        Path weights = folder.resolve("basic-pitch/fake.safetensors");
        Files.delete(weights);
        assertEquals(
                "model basic-pitch has no weights at " + weights
                        + ": run luthier model:install basic-pitch, or say with --checkpoint PATH where they are (they come from"
                        + " https://example.org/fake/)",
                refused(request()));
    }

    @Test
    void aDefinitionThatDoesNotSayWhatItsModelIsIsRefused() {
        Path json = folder.resolve("basic-pitch/model.json");
        Fakes.write(json, """
                {"id": "basic-pitch", "title": "A fake", "family": "fake-tokens", "tokenizer": "mt3", "assembler": "mt3-reference",
                 "weights": "fake.safetensors", "licence": "CC0-1.0"}
                """);
        assertEquals(
                json + ": tokenizer and decoder: expected both, for a model that writes tokens, or neither",
                refused(request()));
        Fakes.write(json, """
                {"id": "basic-pitch", "title": "A fake", "family": "fake-tokens", "assembler": "mt3-reference",
                 "weights": "fake.safetensors", "licence": "CC0-1.0"}
                """);
        assertEquals(
                "model basic-pitch writes tokens, but its model.json names no tokenizer and no decoder; add both to it",
                refused(request()));
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(60, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
