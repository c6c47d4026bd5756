package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class TokenTracerTest {
    private static final float[] SAMPLES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    /** The model writes no more than this, and is fed no more. */
    private static final int FED = 12;

    private static final TraceInput SOUND = new TraceInput.Samples(SAMPLES, List.of(0, 1, 2));

    private final Tracer tracer = new Tracer(new TinyTokenModel());

    @TempDir
    Path folder;

    @Test
    void fromSoundTheDecoderIsFedWhatItSays() {
        Reference trace = trace(tracer, SOUND);
        assertEquals(TinyTokenModel.ALL, trace.names());
        RecordedTensor tokens = trace.tensor(Tracer.TOKENS);
        RecordedTensor ids = trace.tensor(Tracer.IDS);
        assertTrue(tokens.integers() && tokens.steps() && ids.integers() && ids.steps());
        assertEquals(List.of(3, FED), ids.shape());
        int length = tokens.shape().get(1);
        for (int row = 0; row < 3; row++) {
            float[] said = line(tokens, row);
            int end = endOf(said);
            assertTrue(end > 0 && end <= 12, Arrays.toString(said));
            for (int i = end; i < length; i++) {
                assertEquals(0, said[i]);
            }
            // The start id, and then what was said.
            float[] fed = line(ids, row);
            assertEquals(0, fed[0]);
            for (int i = 1; i < fed.length; i++) {
                assertEquals(i - 1 < length ? said[i - 1] : 0, fed[i]);
            }
        }
        assertEquals(List.of(3, FED, 8), trace.tensor("decoder.logits").shape());
        assertEquals(List.of(3, 1, FED, FED), trace.tensor("decoder.scores").shape());
        assertFalse(trace.tensor("encoder").steps());
        assertTrue(trace.tensor("decoder.logits").steps());
    }

    @Test
    void aWholeReferenceIsRunAgainOnWhatItRecorded() {
        Path file = folder.resolve("reference");
        trace(tracer, SOUND).write(file, false);
        TraceInput recorded = read(file, null);
        try (Reference reference = Reference.open(file, List.of())) {
            Reference again = trace(tracer, recorded);
            assertEquals(reference.names(), again.names());
            TraceDiff diff = TraceDiff.compare(again, reference, Thresholds.FLOAT32);
            assertTrue(diff.clean(), diff.table());
            assertTrue(diff.tensors().stream().allMatch(tensor -> tensor.verdict() == Verdict.SAME), diff.table());
            ComparingProbe probe = new ComparingProbe(reference, Thresholds.FLOAT32);
            tracer.run(recorded, probe, Cancellation.NONE);
            assertEquals(diff.tensors(), probe.result().tensors());
        }
        // One segment of it, and only what the network does.
        Reference one = tracer.trace(read(file, List.of(2)), NameGlob.of("decoder.logits"), Cancellation.NONE);
        assertEquals(List.of("decoder.logits"), one.names());
        assertEquals(List.of(2), one.header().segments());
    }

    /** The recorded features keep the front end's faults from the network, and the recorded ids one step's from the next. */
    @Test
    void faultsAreNamedWhereTheyAre() {
        Reference reference = trace(tracer, SOUND);
        TraceInput recorded = new TraceInput.Recorded(reference, null);
        TraceDiff encoder = TraceDiff.compare(
                trace(new Tracer(new TinyTokenModel().scaled(0.21f)), recorded), reference, Thresholds.FLOAT32);
        assertEquals("encoder", encoder.first(), encoder.table());
        // Fed all at once, nothing is lost; free running shows it, and where.
        TraceDiff cache = TraceDiff.compare(
                trace(new Tracer(new TinyTokenModel().forgetful()), recorded), reference, Thresholds.FLOAT32);
        assertEquals(Tracer.TOKENS, cache.first(), cache.table());
        TensorDiff tokens = cache.tensors().get(cache.tensors().size() - 1);
        assertEquals(tokens.firstIndex().get(1), tokens.step());
        assertTrue(tokens.step() > 0, cache.table());
        assertTrue(cache.table().contains(", step " + tokens.step() + "; "), cache.table());
    }

    @Test
    void saysAsMuchAsWasRecorded() {
        Reference whole = trace(tracer, SOUND);
        RecordedTensor tokens = whole.tensor(Tracer.TOKENS);
        int length = tokens.shape().get(1);
        RecordedTensor three =
                new RecordedTensor(Tracer.TOKENS, List.of(3, 3), columns(tokens, 3), List.of(), Double.NaN, true, true);
        Reference inputs = Reference.of(
                "inputs", whole.header(), List.of(whole.tensor("frontend.in"), whole.tensor(Tracer.IDS), three));
        RecordedTensor again =
                trace(tracer, new TraceInput.Recorded(inputs, null)).tensor(Tracer.TOKENS);
        assertEquals(three.shape(), again.shape());
        assertArrayEquals(three.values(), again.values());
        // Longer with padding is the same, longer with more said is not.
        Reference longer = Reference.of(
                "longer",
                whole.header(),
                List.of(new RecordedTensor(
                        Tracer.TOKENS,
                        List.of(3, length + 4),
                        columns(tokens, length + 4),
                        List.of(),
                        Double.NaN,
                        true,
                        false)));
        assertTrue(TraceDiff.compare(whole, longer, Thresholds.FLOAT32).clean());
        assertTrue(TraceDiff.compare(longer, whole, Thresholds.FLOAT32).clean());
        TensorDiff shorter = TraceDiff.compare(
                        whole, Reference.of("shorter", whole.header(), List.of(three)), Thresholds.FLOAT32)
                .tensors()
                .stream()
                .filter(tensor -> tensor.name().equals(Tracer.TOKENS))
                .findFirst()
                .orElseThrow();
        assertEquals(Verdict.DEPARTED, shorter.verdict());
        assertEquals(3, shorter.step());
        assertEquals(List.of(3, 3), shorter.shape());
    }

    /** As of a reference that never looks at the first id that it says. */
    @Test
    void anEndTooEarlyEndsNothing() {
        TraceInput first = new TraceInput.Samples(SAMPLES, List.of(0));
        float[] said = {3, 5, 5, 5, 3, 5};
        for (int[] placeAndLength : new int[][] {{0, 2}, {1, 2}, {2, 3}, {4, 6}}) {
            Tracer other = new Tracer(new TinyTokenModel().ending(5, placeAndLength[0]));
            assertArrayEquals(
                    Arrays.copyOf(said, placeAndLength[1]),
                    trace(other, first).tensor(Tracer.TOKENS).values());
        }
    }

    @Test
    void idsOfAFileAreFedBesideTheSound() throws IOException {
        Path file = folder.resolve("ids");
        ids(file, new int[] {0, 5, 3, 0, 2, 2}, 2, 3);
        int[][] ids = TraceInput.ids(file);
        TraceInput sound = new TraceInput.Samples(SAMPLES, List.of(1, 2));
        Reference trace = trace(tracer, new TraceInput.Forced(sound, ids));
        assertArrayEquals(
                new float[] {0, 5, 3, 0, 2, 2}, trace.tensor(Tracer.IDS).values());
        assertEquals(List.of(2, 3, 8), trace.tensor("decoder.logits").shape());
        assertEquals(
                "decoder.input_ids: expected 1 rows, for 1 segment, got 2",
                refusal(() -> trace(tracer, new TraceInput.Forced(new TraceInput.Samples(SAMPLES, List.of(1)), ids))));
        assertEquals(
                "decoder.input_ids: expected ids from 0 to 7, got 8",
                refusal(() -> trace(tracer, new TraceInput.Forced(sound, new int[][] {{0, 8}, {0, 1}}))));
        assertEquals(
                "decoder.input_ids: expected at most 12 ids a row, got 13",
                refusal(() -> trace(tracer, new TraceInput.Forced(sound, new int[2][13]))));
        assertEquals(
                "tiny has no decoder that could be fed ids: it makes posteriorgrams",
                refusal(() -> trace(new Tracer(new TinyModel()), new TraceInput.Forced(sound, ids))));
        assertEquals(
                "ids holds ids for the decoder and nothing for it to listen to: give the recording too, with --audio",
                refusal(() -> read(file, null)));
        ids(file, new int[] {0, 5}, 1, 1, 2);
        assertEquals(
                "ids: beside a recording expected the ids that the decoder is fed, one tensor of whole numbers"
                        + " [positions] or [rows, positions], got I32 [1, 1, 2]",
                refusal(() -> TraceInput.ids(file)));
        trace.write(file, true);
        assertTrue(refusal(() -> TraceInput.ids(file)).endsWith("got 11 tensors"));
    }

    @Test
    void idsStayWholeNumbersInTheFile() {
        Path file = folder.resolve("trace");
        trace(tracer, SOUND).write(file, false);
        try (Checkpoint stored = Checkpoints.builtIn().open(file)) {
            assertEquals(DType.I32, stored.tensors().get(Tracer.TOKENS).dtype());
            assertEquals(
                    "[\"decoder.input_ids\",\"decoder.embedded\",\"decoder.scores\",\"decoder.probs\",\"decoder.out\","
                            + "\"decoder.logits\",\"decoder.tokens\"]",
                    stored.metadata().get("steps"));
        }
        try (Reference read = Reference.open(file, List.of())) {
            assertTrue(read.tensor(Tracer.TOKENS).integers());
            assertTrue(read.tensor("decoder.out").steps());
            assertFalse(read.tensor("decoder.out").integers());
        }
    }

    @Test
    void channelsAreRows() {
        Reference trace = trace(new Tracer(new TinyTokenModel(3)), SOUND);
        assertEquals(List.of(0, 1, 2), trace.header().segments());
        assertEquals(3, trace.tensor("encoder").shape().get(0));
        assertEquals(List.of(9, FED), trace.tensor(Tracer.IDS).shape());
        assertEquals(9, trace.tensor(Tracer.TOKENS).shape().get(0));
        Reference one = trace(new Tracer(new TinyTokenModel(3)), new TraceInput.Samples(SAMPLES, List.of(2)));
        assertArrayEquals(
                line(trace.tensor("decoder.logits"), 7), line(one.tensor("decoder.logits"), 1), "segment 2, channel 1");
    }

    /** As a job runs it: a batch whose rows leave as they end, and come in another order. Everything is as if fed at once. */
    @Test
    void stepsAndRowsFindTheirPlaces() {
        Reference reference = trace(tracer, SOUND);
        RecordedTensor ids = reference.tensor(Tracer.IDS);
        RecordingProbe recording = new RecordingProbe(NameGlob.of("decoder.*"));
        ComparingProbe comparing = new ComparingProbe(reference, Thresholds.FLOAT32);
        INDArray log =
                Nd4j.createFromArray(reference.tensor("frontend.log").values()).reshape(3, 4, 2);
        INDArray turned = Nd4j.concat(0, row(log, 2), row(log, 0), row(log, 1));
        Position at = new Position(IntLists.immutable.of(2, 0, 1), 1, -1);
        for (int probe = 0; probe < 2; probe++) {
            try (Session session = new TinyTokenModel().open(3, probe == 0 ? recording : comparing)) {
                session.begin(turned, at);
                session.prefill(List.of(
                        IntLists.immutable.of(fed(ids, 2, 0), fed(ids, 2, 1)),
                        IntLists.immutable.of(fed(ids, 0, 0), fed(ids, 0, 1)),
                        IntLists.immutable.of(fed(ids, 1, 0), fed(ids, 1, 1))));
                session.step(new int[] {fed(ids, 2, 2), fed(ids, 0, 2), fed(ids, 1, 2)}, null);
                // Segment 0 leaves, the others change places.
                session.retain(new int[] {2, 0});
                session.step(new int[] {fed(ids, 1, 3), fed(ids, 2, 3)}, null);
            }
        }
        Reference trace = recording.recorded("steps", "tokens");
        assertEquals(List.of(0, 1, 2), trace.header().segments());
        RecordedTensor logits = trace.tensor("decoder.logits");
        assertEquals(List.of(3, 4, 8), logits.shape());
        assertEquals(List.of(3, 1, 4, 4), trace.tensor("decoder.scores").shape());
        float[] left = line(logits, 0);
        assertFalse(Float.isNaN(left[3 * 8 - 1]));
        assertTrue(RecordedTensor.isAbsent(left[3 * 8]));
        // Of the reference, the first four steps.
        List<RecordedTensor> four = new ArrayList<>();
        for (String name : trace.names()) {
            RecordedTensor whole = reference.tensor(name);
            RecordedTensor kept =
                    whole.keep(Slice.range(RecordedTensor.stepAxis(whole.shape().size()), 0, 4));
            if (name.equals("decoder.scores") || name.equals("decoder.probs")) {
                float[] values = new float[3 * 4 * 4];
                for (int i = 0; i < 12; i++) {
                    System.arraycopy(kept.values(), i * FED, values, i * 4, 4);
                }
                kept = new RecordedTensor(name, List.of(3, 1, 4, 4), values, List.of(), Double.NaN, false, true);
            } else {
                kept = new RecordedTensor(name, kept.shape(), kept.values(), List.of(), Double.NaN, false, true);
            }
            four.add(kept);
        }
        Reference begun = Reference.of("begun", reference.header(), four);
        for (TraceDiff diff : List.of(
                TraceDiff.compare(trace, begun, Thresholds.FLOAT32),
                TraceDiff.compare(begun, trace, Thresholds.FLOAT32))) {
            assertTrue(diff.tensors().stream().allMatch(tensor -> tensor.verdict() == Verdict.SAME), diff.table());
        }
        TraceDiff diff = comparing.result();
        assertTrue(diff.clean(), diff.table());
        assertEquals(
                List.of(
                        "encoder",
                        "decoder.embedded",
                        "decoder.scores",
                        "decoder.probs",
                        "decoder.out",
                        "decoder.logits"),
                diff.tensors().stream()
                        .filter(tensor -> tensor.verdict() == Verdict.SAME)
                        .map(TensorDiff::name)
                        .toList());
    }

    /** Step by step a lost cache shows in the scores, from the second step on; all at once it does not. */
    @Test
    void cachedAgainstUncachedShowsALostCache() {
        Reference uncached = trace(tracer, SOUND);
        assertFalse(uncached.origin().cached());
        TraceInput recorded = new TraceInput.Recorded(uncached, null);
        Reference cached = trace(new Tracer(new TinyTokenModel(), true), recorded);
        assertTrue(cached.origin().cached());
        TraceDiff healthy = TraceDiff.compare(cached, uncached, Thresholds.FLOAT32);
        assertTrue(healthy.clean(), healthy.table());
        assertEquals(List.of(), healthy.steps());
        TraceDiff lost = TraceDiff.compare(
                trace(new Tracer(new TinyTokenModel().forgetful(), true), recorded), uncached, Thresholds.FLOAT32);
        assertEquals("decoder.scores", lost.first(), lost.table());
        assertEquals(
                1,
                lost.tensors().stream()
                        .filter(tensor -> tensor.name().equals("decoder.scores"))
                        .findFirst()
                        .orElseThrow()
                        .step());
        assertEquals(new TraceDiff.Step(1, "decoder.scores", 4), lost.steps().get(0));
        assertTrue(lost.table().contains("steps that depart: 1 to 11 from decoder.scores on\n"), lost.table());
        assertEquals("decoder.scores", ((Map<?, ?>) ((List<?>) lost.asMap().get("steps")).get(0)).get("first"));
    }

    @Test
    void endsWhenAsked() {
        int[] asked = {0};
        assertThrows(
                CancelledException.class,
                () -> tracer.run(SOUND, new RecordingProbe(NameGlob.ALL), () -> ++asked[0] > 3));
    }

    @Test
    void treeOfATokenModel() {
        assertEquals(
                TinyTokenModel.ALL.stream()
                        .filter(name -> !List.of("frontend.in", Tracer.IDS, Tracer.TOKENS)
                                .contains(name))
                        .toList(),
                LayerTree.of(new TinyTokenModel()).allTaps());
        assertTrue(refusal(() -> tracer.trace(SOUND, NameGlob.of("encode"), Cancellation.NONE))
                .endsWith("decoder.logits, decoder.input_ids, decoder.tokens"));
    }

    private static INDArray row(INDArray tensor, int row) {
        return tensor.slice(row).reshape(1, 4, 2);
    }

    private static int fed(RecordedTensor ids, int row, int position) {
        return (int) line(ids, row)[position];
    }

    private static float[] columns(RecordedTensor tokens, int length) {
        float[] values = new float[3 * length];
        for (int row = 0; row < 3; row++) {
            float[] line = Arrays.copyOf(line(tokens, row), length);
            System.arraycopy(line, 0, values, row * length, length);
        }
        return values;
    }

    private static float[] line(RecordedTensor tensor, int row) {
        int size = tensor.values().length / tensor.shape().get(0);
        return Arrays.copyOfRange(tensor.values(), row * size, (row + 1) * size);
    }

    private static int endOf(float[] said) {
        for (int i = 0; i < said.length; i++) {
            if (said[i] == 1) {
                return i + 1;
            }
        }
        return said.length;
    }

    private static void ids(Path file, int[] ids, long... shape) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(ids);
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(
                    out,
                    Map.of(),
                    List.of(new SafetensorsWriter.Tensor(
                            "ids", DType.I32, Arrays.stream(shape).boxed().toList(), bytes)));
        }
    }

    private TraceInput read(Path file, List<Integer> segments) {
        return TraceInput.read(file, new TinyTokenModel(), List.of(), segments).orElseThrow();
    }

    private static String refusal(Runnable what) {
        return assertThrows(LuthierException.class, what::run).getMessage();
    }

    private static Reference trace(Tracer tracer, TraceInput input) {
        return tracer.trace(input, NameGlob.ALL, Cancellation.NONE);
    }
}
