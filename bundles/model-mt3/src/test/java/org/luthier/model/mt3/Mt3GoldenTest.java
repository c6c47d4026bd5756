package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.luthier.checkpoint.Checkpoints;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The real checkpoint against the recorded intermediates of one segment. */
class Mt3GoldenTest {
    private static final Path SHARED = Models.ROOT.resolve("../shared");
    private static final Path GOLDENS = SHARED.resolve("reference/mt3");
    private static final Path CHECKPOINT = SHARED.resolve("checkpoints/mt3");
    private static final int SEGMENT = 1;

    @BeforeEach
    void needsTheCheckpoint() {
        Assumptions.assumeTrue(Files.isDirectory(CHECKPOINT), "no MT3 checkpoint beside the checkout");
    }

    /** What is known of a tensor in all its values. */
    private record Statistics(long[] shape, double mean, double std, double min, double max, double l2, double bound) {
        static Map<String, Statistics> read() throws IOException {
            Map<String, Statistics> all = new LinkedHashMap<>();
            JsonNode tensors = new ObjectMapper()
                    .readTree(GOLDENS.resolve("golden_stats.json").toFile())
                    .get("tensors");
            tensors.properties().forEach(entry -> {
                JsonNode of = entry.getValue();
                // Its README: the larger of the differences to float64 and to flax, times about 5.
                double noise = Math.max(
                        of.path("max_abs_diff_float64").asDouble(),
                        of.path("max_abs_diff_flax").asDouble());
                all.put(
                        entry.getKey(),
                        new Statistics(
                                new ObjectMapper().convertValue(of.get("shape"), long[].class),
                                of.get("mean").asDouble(),
                                of.get("std").asDouble(),
                                of.get("min").asDouble(),
                                of.get("max").asDouble(),
                                of.get("l2").asDouble(),
                                5 * noise));
            });
            return all;
        }
    }

    @Test
    @Tag("full") // Loops with double sums over a whole segment.
    void everyTapOfThePlainKernelsIsTheRecordedOne() throws IOException {
        everyTapIsTheRecordedOne("plain");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void everyTapIsTheRecordedOne(String kernels) throws IOException {
        Recorder recorder = new Recorder(name -> true);
        try (Checkpoint golden = Checkpoints.builtIn().open(GOLDENS.resolve("golden_compact.safetensors"));
                Mt3Model model =
                        Models.load(Models.definition(Models.ROOT.resolve("models/mt3")), CHECKPOINT, kernels);
                Session session = model.open(1, recorder)) {
            session.begin(
                    Nd4j.create(golden.floats("logmel"), new long[] {1, 256, 512}, 'c'), Position.segments(SEGMENT, 1));
            session.prefill(List.of(IntLists.immutable.of(ints(golden, "decoder.input_ids"))));
            compare(recorder, golden, name -> true);
        }
    }

    /** The same segment among others, step by step with a cache, while the others leave the batch and it changes its place. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void everyTapIsTheRecordedOneInABatchThatRowsLeave(String kernels) throws IOException {
        Recorder recorder = new Recorder(name -> true);
        try (Checkpoint golden = Checkpoints.builtIn().open(GOLDENS.resolve("golden_compact.safetensors"));
                Mt3Model model =
                        Models.load(Models.definition(Models.ROOT.resolve("models/mt3")), CHECKPOINT, kernels);
                Session session = model.open(5, recorder)) {
            Map<String, Statistics> known = Statistics.read();
            int[] segments = {7, SEGMENT, 3, 4, 9};
            session.begin(others(golden.floats("logmel")), new Position(IntLists.immutable.of(segments), 1, -1));
            compare(recorder, golden, name -> name.startsWith("encoder.") || name.matches(".*cross_attention\\.[kv]"));
            int[] ids = ints(golden, "decoder.input_ids");
            for (int step = 0; step < ids.length; step++) {
                int[] kept = switch (step) {
                    case 3 -> new int[] {0, 1, 3, 4};
                    case 6 -> new int[] {3, 1, 2};
                    case 9 -> new int[] {2, 1};
                    case 12 -> new int[] {1};
                    default -> null;
                };
                if (kept != null) {
                    session.retain(kept);
                }
                int[] fed = new int[session.rows()];
                Arrays.fill(fed, 700 + step); // what the others say is nobody's concern
                fed[fed.length == 1 ? 0 : 1] = ids[step];
                session.step(fed, null);
                compareStep(recorder, golden, step, known);
            }
        }
    }

    /** The recorded features as the second of five segments; the others are silence, the recorded ones backwards, 0 and noise. */
    private static INDArray others(float[] logmel) {
        int size = logmel.length;
        float[] all = new float[5 * size];
        Random random = new Random(6);
        for (int i = 0; i < size; i++) {
            all[i] = -11.512925f;
            all[size + i] = logmel[i];
            all[2 * size + i] = logmel[size - 1 - i];
            all[4 * size + i] = (float) (random.nextGaussian() * 3 - 5);
        }
        return Nd4j.create(all, new long[] {5, 256, 512}, 'c');
    }

    private static void compareStep(Recorder recorder, Checkpoint golden, int step, Map<String, Statistics> known) {
        for (String name : golden.tensors().keySet()) {
            if (!name.startsWith("decoder.")
                    || name.equals("decoder.input_ids")
                    || name.matches(".*cross_attention\\.[kv]")) {
                continue;
            }
            Recorder.Row got = recorder.tensors.get(name).get(SEGMENT);
            assertEquals(step, got.step(), name);
            List<Long> shape = golden.tensors().get(name).shape();
            float[] whole = golden.floats(name);
            int width = (int) got.shape()[got.shape().length - 1];
            int heads = shape.size() == 3 ? shape.get(0).intValue() : 1;
            int stored = shape.get(shape.size() - 1).intValue();
            for (int head = 0; head < heads; head++) {
                for (int i = 0; i < width; i++) {
                    float want = whole[(head * shape.get(shape.size() - 2).intValue() + step) * stored + i];
                    double bound = known.get(name).bound();
                    assertEquals(want, got.values()[head * width + i], bound, name + " in step " + step + " at " + i);
                }
            }
        }
    }

    private static int[] ints(Checkpoint golden, String name) {
        float[] values = golden.floats(name);
        return IntStream.range(0, values.length).map(i -> (int) values[i]).toArray();
    }

    private static void compare(Recorder recorder, Checkpoint golden, Predicate<String> names) throws IOException {
        List<String> departed = new ArrayList<>();
        double worst = 0;
        Map<String, Statistics> all = Statistics.read();
        all.keySet().removeAll(List.of("waveform", "logmel"));
        all.keySet().removeIf(names.negate());
        assertEquals(all.keySet(), recorder.tensors.keySet());
        for (Map.Entry<String, Statistics> each : all.entrySet()) {
            String name = each.getKey();
            Statistics want = each.getValue();
            Recorder.Row got = recorder.tensors.get(name).get(SEGMENT);
            assertArrayEquals(want.shape(), got.shape(), name);
            double difference = 0;
            if (golden.tensors().containsKey(name)) {
                difference = difference(
                        golden.floats(name), golden.tensors().get(name).shape(), got);
            }
            // What lies within the bound everywhere has extremes within it, and the mean and norm can differ no more.
            float[] values = seen(got.values());
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            double squares = 0;
            for (float value : values) {
                min = Math.min(min, value);
                max = Math.max(max, value);
                sum += value;
                squares += (double) value * value;
            }
            double relative = 1e-6; // the statistics are written with seven digits
            double off = Math.max(
                    difference,
                    Math.max(
                            Math.max(gap(want.min(), min, relative), gap(want.max(), max, relative)),
                            Math.max(
                                    gap(want.mean(), sum / values.length, relative),
                                    gap(want.l2(), Math.sqrt(squares), relative) / Math.sqrt(values.length))));
            worst = Math.max(worst, off / Math.max(want.bound(), 1e-30));
            if (!(off <= want.bound())) { // nor what is no number
                departed.add(name + " by " + off + ", allowed " + want.bound());
            }
        }
        System.out.println("worst tap: " + worst + " of its bound");
        assertTrue(departed.isEmpty(), departed.size() + " depart: " + departed);
    }

    /** Without the scores that the causal mask forbids: the statistics leave them out. */
    private static float[] seen(float[] values) {
        float[] seen = new float[values.length];
        int count = 0;
        for (float value : values) {
            if (!(value <= -1e9f)) {
                seen[count++] = value;
            }
        }
        return Arrays.copyOf(seen, count);
    }

    private static double gap(double want, double got, double relative) {
        return Math.max(0, Math.abs(want - got) - relative * Math.abs(want));
    }

    /** Largest difference in the part that was kept: the first entries of each dimension. */
    private static double difference(float[] kept, List<Long> shape, Recorder.Row got) {
        double largest = 0;
        for (int i = 0; i < kept.length; i++) {
            int rest = i;
            int at = 0;
            int stride = 1;
            for (int axis = shape.size() - 1; axis >= 0; axis--) {
                at += (int) (rest % shape.get(axis)) * stride;
                rest /= shape.get(axis).intValue();
                stride *= (int) got.shape()[axis];
            }
            largest = Math.max(largest, Math.abs((double) kept[i] - got.values()[at]));
        }
        return largest;
    }
}
