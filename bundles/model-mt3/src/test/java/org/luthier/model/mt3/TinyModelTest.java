package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A small MT3 of random weights against what make_tiny.py computed in double precision, without a cache and without our code: every
 * tensor, and everything a search does with a session.
 */
class TinyModelTest {
    static final Path FOLDER = Models.ROOT.resolve("bundles/model-mt3/src/test/resources/org/luthier/model/mt3/tiny");

    private static final int SEGMENTS = 3;
    private static final int FRAMES = 12;
    private static final int MODEL = 24;
    private static final int ROWS = 48;

    /**
     * Largest difference allowed, of the larger of 1 and the largest value: single precision has 6e-8, and what lies behind five blocks has
     * gathered some ten times that. Measured: 5e-7.
     */
    private static final double BOUND = 2.5e-6;

    private static Checkpoint golden;
    private static float[] features;
    private static int[][] fed;
    private static List<IntList> said;
    private static Map<String, Mt3Model> models;

    @BeforeAll
    static void load() {
        golden = Checkpoints.builtIn().open(FOLDER.resolve("golden.safetensors"));
        features = golden.floats("frontend.logmel");
        fed = ids("decoder.input_ids");
        said = Stream.of(ids("decoder.tokens"))
                .map(row -> (IntList) IntLists.immutable.ofAll(IntStream.of(row)
                        .limit(1
                                + IntStream.range(0, row.length)
                                        .filter(i -> row[i] == 1)
                                        .findFirst()
                                        .orElseThrow())))
                .toList();
        models = new HashMap<>();
        for (String kernels : Kernels.IDS) {
            models.put(kernels, load(kernels));
        }
    }

    static Mt3Model load(String kernels) {
        return Models.load(Models.definition(FOLDER), FOLDER.resolve("tiny.safetensors"), kernels);
    }

    @AfterAll
    static void close() {
        models.values().forEach(Mt3Model::close);
        golden.close();
    }

    static List<String> kernels() {
        return Kernels.IDS;
    }

    private static int[][] ids(String name) {
        int length = golden.tensors().get(name).shape().get(1).intValue();
        float[] values = golden.floats(name);
        int[][] rows = new int[values.length / length][length];
        for (int i = 0; i < values.length; i++) {
            rows[i / length][i % length] = (int) values[i];
        }
        return rows;
    }

    /** The features of some of the three segments, in any order. */
    private static INDArray features(int... segments) {
        int size = features.length / SEGMENTS;
        float[] some = new float[segments.length * size];
        for (int row = 0; row < segments.length; row++) {
            System.arraycopy(features, segments[row] * size, some, row * size, size);
        }
        return Nd4j.create(some, new long[] {segments.length, FRAMES, Mt3Frontend.BANDS}, 'c');
    }

    private static Position at(int... segments) {
        return new Position(IntLists.immutable.of(segments), 1, -1);
    }

    private static Session begin(Mt3Model model, Probe probe, int... segments) {
        Session session = model.open(segments.length, probe);
        session.begin(features(segments), at(segments));
        return session;
    }

    private static List<IntList> prompts(int length, int... segments) {
        return IntStream.of(segments)
                .mapToObj(segment -> (IntList) IntLists.immutable.of(Arrays.copyOf(fed[segment], length)))
                .toList();
    }

    /** The recorded values of one segment; of one position where it is 0 or more. */
    private static float[] recorded(String name, int segment, int position) {
        List<Long> shape = golden.tensors().get(name).shape();
        int size = shape.stream().skip(1).mapToInt(Long::intValue).reduce(1, Math::multiplyExact);
        float[] values = Arrays.copyOfRange(golden.floats(name), segment * size, (segment + 1) * size);
        if (position < 0) {
            return values;
        }
        int width = shape.get(2).intValue();
        return Arrays.copyOfRange(values, position * width, (position + 1) * width);
    }

    private static void assertSame(float[] expected, float[] got, String what) {
        assertEquals(expected.length, got.length, what);
        double largest = 1;
        double difference = 0;
        for (int i = 0; i < expected.length; i++) {
            if (expected[i] > -1e9f) { // a masked score says nothing
                largest = Math.max(largest, Math.abs(expected[i]));
            }
            difference = Math.max(difference, Math.abs((double) expected[i] - got[i]));
        }
        assertTrue(difference <= BOUND * largest, what + " departs by " + difference + ", largest value " + largest);
    }

    private static float[] row(INDArray x, int row) {
        float[] values = HostFloats.copy(x);
        int size = values.length / (int) x.size(0);
        return Arrays.copyOfRange(values, row * size, (row + 1) * size);
    }

    static Set<String> taps(Layer layer) {
        Set<String> taps = new LinkedHashSet<>();
        layer.children().forEach(child -> taps.addAll(taps(child)));
        taps.addAll(layer.taps());
        return taps;
    }

    private static Set<String> networkTaps() {
        Set<String> taps = taps(models.get("plain").root());
        taps.removeAll(List.of("frontend.magnitudes", "frontend.mel", "frontend.logmel"));
        return taps;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void everyTapIsWhatTheScriptComputed(String kernels) {
        Recorder recorder = new Recorder(name -> true);
        int[] segments = {0, 1, 2};
        try (Session session = begin(models.get(kernels), recorder, segments)) {
            session.prefill(prompts(fed[0].length, segments));
        }
        assertEquals(networkTaps(), recorder.tensors.keySet());
        Set<String> known = new LinkedHashSet<>(golden.tensors().keySet());
        known.removeAll(List.of("frontend.logmel", "decoder.input_ids", "decoder.tokens"));
        assertEquals(known, recorder.tensors.keySet());
        for (String name : known) {
            for (int segment : segments) {
                Recorder.Row row = recorder.tensors.get(name).get(segment);
                assertEquals(
                        golden.tensors().get(name).shape().stream().skip(1).toList(),
                        Arrays.stream(row.shape()).boxed().toList(),
                        name);
                assertSame(recorded(name, segment, -1), row.values(), name + " of segment " + segment);
                boolean stepped = name.startsWith("decoder.") && !name.matches(".*cross_attention\\.[kv]");
                assertEquals(stepped ? 0 : -1, row.step(), name);
            }
        }
    }

    /** What is fused as long as nobody looks: each tap seen alone is the same, and so is what comes out in the end. */
    @ParameterizedTest
    @MethodSource("kernels")
    void aTapSeenAloneIsTheSame(String kernels) {
        for (String name : networkTaps()) {
            Recorder recorder = new Recorder(name::equals);
            try (Session session = begin(models.get(kernels), recorder, 1)) {
                session.prefill(prompts(fed[1].length - 1, 1));
                session.step(new int[] {fed[1][fed[1].length - 1]}, null);
                assertSame(
                        recorded("decoder.logits", 1, fed[1].length - 1),
                        row(session.logits(), 0),
                        "logits with a look at " + name);
            }
            Recorder.Row row = recorder.tensors.get(name).get(1);
            if (row.step() < 0) {
                assertSame(recorded(name, 1, -1), row.values(), name);
            } else {
                assertEquals(fed[1].length - 1, row.step(), name);
                if (row.shape().length == 2) {
                    assertSame(recorded(name, 1, row.step()), row.values(), name);
                }
            }
        }
    }

    /** A probe that overwrites a tensor changes what is computed from it: it is offered the layer's own memory. */
    @ParameterizedTest
    @MethodSource("kernels")
    void whatAProbeWritesIsComputedOn(String kernels) {
        for (String name : networkTaps()) {
            Probe patch = new Probe() {
                @Override
                public boolean wants(String wanted) {
                    return wanted.equals(name);
                }

                @Override
                public void tap(String tapped, Position at, INDArray tensor) {
                    float[] values = HostFloats.copy(tensor);
                    for (int i = 0; i < values.length; i++) {
                        values[i] = values[i] > -1e9f ? values[i] * (1 + i % 3) : values[i];
                    }
                    HostFloats.write(values, tensor);
                }
            };
            try (Session session = begin(models.get(kernels), patch, 0)) {
                session.prefill(prompts(3, 0));
                session.step(new int[] {fed[0][3]}, null);
                float[] whole = recorded("decoder.logits", 0, 3);
                float[] patched = row(session.logits(), 0);
                double difference = IntStream.range(0, whole.length)
                        .mapToDouble(i -> Math.abs(whole[i] - patched[i]))
                        .max()
                        .orElseThrow();
                assertTrue(difference > 1e-3, name + " overwritten, but the logits differ by " + difference);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void moreSegmentsThanAreEncodedAtOnce(String kernels) {
        int[] segments = IntStream.range(0, 10).map(i -> i % SEGMENTS).toArray();
        try (Session session = models.get(kernels).open(10, Probe.NONE)) {
            session.begin(features(segments), Position.segments(5, 10));
            assertArrayEquals(new long[] {10, FRAMES, MODEL}, session.encoded().shape());
            for (int i = 0; i < segments.length; i++) {
                assertSame(recorded("encoder.out", segments[i], -1), row(session.encoded(), i), "encoding " + i);
            }
            assertEquals(10, session.rows());
        }
    }

    /** One segment after another in a session, and all at once, where the rows that have ended leave the batch. */
    @ParameterizedTest
    @MethodSource("kernels")
    void tokensAreTheSameAloneAndInABatchThatRowsLeave(String kernels) {
        try (Session session = models.get(kernels).open(1, Probe.NONE)) {
            for (int segment = 0; segment < SEGMENTS; segment++) {
                session.begin(features(segment), at(segment));
                assertEquals(List.of(said.get(segment)), greedy(session));
            }
            session.begin(features(2, 0, 1, 0), at(2, 0, 1, 0));
            assertEquals(List.of(said.get(2), said.get(0), said.get(1), said.get(0)), greedy(session));
            session.begin(features(1), at(1));
            assertEquals(List.of(said.get(1)), greedy(session));
        }
    }

    /** Greedy decoding in which every row leaves as soon as it ends; the rest changes places each time. */
    private static List<IntList> greedy(Session session) {
        List<MutableIntList> all = IntStream.range(0, session.rows())
                .mapToObj(i -> IntLists.mutable.empty())
                .toList();
        List<MutableIntList> rows = new ArrayList<>(all);
        int[] ids = new int[rows.size()];
        while (!rows.isEmpty()) {
            int[] next = session.step(ids, null);
            List<Integer> going = new ArrayList<>();
            for (int row = 0; row < next.length; row++) {
                rows.get(row).add(next[row]);
                if (next[row] != 1) {
                    going.add(0, row);
                }
            }
            if (going.size() < rows.size()) {
                int[] kept = going.stream().mapToInt(Integer::intValue).toArray();
                session.retain(kept);
                assertEquals(kept.length, session.rows());
                List<MutableIntList> before = rows;
                rows = new ArrayList<>(going.stream().map(before::get).toList());
                ids = IntStream.of(kept).map(row -> next[row]).toArray();
            } else {
                ids = next;
            }
        }
        return List.copyOf(all);
    }

    /** As a beam search does: more rows than there were, rows twice, rows gone, in any order. */
    @ParameterizedTest
    @MethodSource("kernels")
    void reorderedRowsGoOnAsTheirSources(String kernels) {
        try (Session session = begin(models.get(kernels), Probe.NONE, 0, 1, 2)) {
            int[] segments = {0, 1, 2};
            int[][] sources = {{0, 1, 2}, {2, 2, 0, 1, 1, 1, 0}, {6, 0, 0, 5, 3}, {4, 3, 2, 1, 0}, {1}, {0, 0}};
            for (int step = 0; step < sources.length; step++) {
                int[] before = segments;
                session.reorder(sources[step]);
                segments = IntStream.of(sources[step]).map(i -> before[i]).toArray();
                assertEquals(segments.length, session.rows());
                int now = step;
                session.step(
                        IntStream.of(segments).map(segment -> fed[segment][now]).toArray(), null);
                for (int row = 0; row < segments.length; row++) {
                    assertSame(
                            recorded("decoder.logits", segments[row], step),
                            row(session.logits(), row),
                            "row " + row + " in step " + step);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void whatWasEncodedCanBeDecodedLater(String kernels) {
        INDArray kept;
        try (Session session = begin(models.get(kernels), Probe.NONE, 0, 1, 2)) {
            kept = session.encoded().dup('c');
        }
        try (Session session = models.get(kernels).open(2, Probe.NONE)) {
            session.beginEncoded(kept, at(0, 1, 2));
            assertEquals(said, greedy(session));
        }
    }

    /** ND4J takes views of views wrongly where they lie behind the middle of a larger tensor. */
    @ParameterizedTest
    @MethodSource("kernels")
    void whatIsGivenMayBePartOfALargerTensor(String kernels) {
        INDArray large = features(2, 2, 2, 2, 2, 0, 1);
        try (Session session = models.get(kernels).open(2, Probe.NONE)) {
            INDArray part = large.get(NDArrayIndex.interval(5, 7), NDArrayIndex.all(), NDArrayIndex.all());
            session.begin(part, at(0, 1));
            assertSame(recorded("encoder.out", 0, -1), row(session.encoded(), 0), "first row");
            assertSame(recorded("encoder.out", 1, -1), row(session.encoded(), 1), "second row");

            session.begin(features(2, 2, 2, 2, 2, 0, 1), at(2, 2, 2, 2, 2, 0, 1));
            INDArray encodings = session.encoded().dup('c');
            session.beginEncoded(
                    encodings.get(NDArrayIndex.interval(5, 7), NDArrayIndex.all(), NDArrayIndex.all()), at(0, 1));
            assertEquals(said.subList(0, 2), greedy(session));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void promptsAreFedAtOnce(String kernels) {
        try (Session session = begin(models.get(kernels), Probe.NONE, 0, 2)) {
            session.prefill(prompts(4, 0, 2));
            session.prefill(prompts(0, 0, 2));
            session.step(new int[] {fed[0][4], fed[2][4]}, null);
            assertSame(recorded("decoder.logits", 0, 4), row(session.logits(), 0), "first row");
            assertSame(recorded("decoder.logits", 2, 4), row(session.logits(), 1), "second row");
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void onlyAllowedIdsAreChosen(String kernels) {
        int first = said.get(0).get(0);
        BitSet others = new BitSet();
        others.set(0, ROWS);
        others.clear(first);
        try (Session session = begin(models.get(kernels), Probe.NONE, 0, 0)) {
            int[] chosen = session.step(new int[2], new BitSet[] {null, others});
            assertEquals(first, chosen[0]);
            assertNotEquals(first, chosen[1]);
            float[] logits = row(session.logits(), 1);
            assertTrue(IntStream.range(0, ROWS).allMatch(id -> id == first || logits[id] <= logits[chosen[1]]));
        }
    }

    @Test
    void featuresOfAnotherModelAreRefused() {
        try (Session session = models.get("plain").open(1, Probe.NONE)) {
            INDArray wrong = Nd4j.zeros(1, FRAMES + 1, Mt3Frontend.BANDS);
            String message = assertThrows(LuthierException.class, () -> session.begin(wrong, at(0)))
                    .getMessage();
            assertTrue(message.contains("[1, 13, 512]") && message.contains("[1, 12, 512]"), message);
            INDArray encodings = Nd4j.zeros(1, FRAMES, MODEL + 2);
            message = assertThrows(LuthierException.class, () -> session.beginEncoded(encodings, at(0)))
                    .getMessage();
            assertTrue(message.contains("tiny") && message.contains("[1, 12, 24]"), message);
        }
    }

    @Test
    void wrongUseIsADefect() {
        try (Session session = begin(models.get("plain"), Probe.NONE, 0, 1)) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> session.prefill(List.of(IntLists.immutable.of(0), IntLists.immutable.of(0, 5))));
            assertThrows(IllegalArgumentException.class, () -> session.step(new int[1], null));
            assertThrows(IllegalArgumentException.class, () -> session.step(new int[] {0, ROWS}, null));
        }
    }

    @Test
    void thereIsNoPositionBehindTheLast() {
        try (Session session = begin(models.get("plain"), Probe.NONE, 0)) {
            for (int step = 0; step < 24; step++) {
                session.step(new int[1], null);
            }
            assertThrows(IllegalArgumentException.class, () -> session.step(new int[1], null));
        }
    }
}
