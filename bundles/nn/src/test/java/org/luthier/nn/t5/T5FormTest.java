package org.luthier.nn.t5;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Micro;
import org.luthier.nn.SeededWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What stacks may have otherwise than usual: positions of a table and of distances, experts, scaled logits. */
class T5FormTest {
    private static final T5Sizes SIZES = new T5Sizes(6, new Heads(2, 3, 1), 5);
    private static final T5Form RELATIVE = new T5Form(T5Form.Positions.RELATIVE, 4, 0.5);
    private static final T5Form STORED = new T5Form(T5Form.Positions.STORED, 0, 1);
    private static final Position AT = Position.segments(0, 2);
    private static final int IDS = 11;

    private static final class Seen implements Probe {
        private final Set<String> wanted;
        private final Map<String, float[]> tensors = new HashMap<>();

        private Seen(String... wanted) {
            this.wanted = Set.of(wanted);
        }

        @Override
        public boolean wants(String name) {
            return wanted.contains(name);
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            tensors.put(name, HostFloats.copy(tensor));
        }
    }

    /** Logits [rows, 7, ids] of two rows, fed in pieces of these lengths. */
    private static float[] decode(String kernels, T5Form form, Probe probe, int... lengths) {
        float[][] logits = new float[7 * 2][];
        INDArray sound = vectors(2, 5);
        try (DecoderStack stack = new DecoderStack(
                        "d", "e", Kernels.named(kernels), new SeededWeights(), SIZES, form, 2, IDS, 9);
                StackMemory memory = new StackMemory(SIZES);
                DecoderState state = new DecoderState()) {
            stack.begin(Sequences.of(sound), state, memory.scratch(), AT, probe);
            int first = 0;
            for (int length : lengths) {
                int from = first;
                int[] ids = IntStream.range(0, 2 * length)
                        .map(i -> (from + i % length) * 3 % IDS)
                        .toArray();
                INDArray y = Nd4j.create(2, length, IDS);
                stack.forward(ids, state, memory.batch(2, length), Sequences.of(y), AT, probe);
                float[] all = HostFloats.copy(y);
                for (int i = 0; i < 2 * length; i++) {
                    logits[i / length * 7 + first + i % length] = Arrays.copyOfRange(all, i * IDS, (i + 1) * IDS);
                }
                first += length;
            }
        }
        float[] joined = new float[14 * IDS];
        for (int i = 0; i < 14; i++) {
            System.arraycopy(logits[i], 0, joined, i * IDS, IDS);
        }
        return joined;
    }

    private static INDArray vectors(int rows, int length) {
        Random random = new Random(3);
        float[] values = new float[rows * length * 6];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Nd4j.create(values, new long[] {rows, length, 6}, 'c');
    }

    /** Step by step and all at once, with every kernel. Bound: sums of products of some hundreds in single precision. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void stepsAndKernelsAgree(String kernels) {
        for (T5Form form : List.of(RELATIVE, STORED)) {
            float[] expected = decode("plain", form, Probe.NONE, 7);
            float scale = 0;
            for (float value : expected) {
                scale = Math.max(scale, Math.abs(value));
            }
            assertArrayEquals(expected, decode(kernels, form, Probe.NONE, 7), 1e-5f * scale);
            assertArrayEquals(expected, decode(kernels, form, Probe.NONE, 3, 1, 1, 2), 1e-5f * scale);
            Seen seen = new Seen("d.position_bias", "d.layer1.self_attention.probs", "d.layer0.mlp.router");
            assertArrayEquals(expected, decode(kernels, form, seen, 3, 1, 1, 2), 1e-5f * scale);
            assertEquals(form == RELATIVE, seen.tensors.containsKey("d.position_bias"));
            assertEquals(form == RELATIVE, seen.tensors.containsKey("d.layer0.mlp.router"));
        }
    }

    /** The bias is the whole difference of the scores, and is told of all blocks. */
    @Test
    void biasIsAddedToScores() {
        String logits = "d.layer0.self_attention.logits";
        Seen seen = new Seen(logits, "d.position_bias", "d.layer0.self_attention.q", "d.layer0.self_attention.k");
        decode("plain", RELATIVE, seen, 7);
        float[] q = seen.tensors.get("d.layer0.self_attention.q");
        float[] k = seen.tensors.get("d.layer0.self_attention.k");
        float[] bias = seen.tensors.get("d.position_bias");
        float[] scores = seen.tensors.get(logits);
        for (int i = 0; i < scores.length; i++) {
            int row = i / (2 * 7 * 7);
            int head = i / (7 * 7) % 2;
            int query = i / 7 % 7;
            int key = i % 7;
            double sum = bias[i];
            for (int j = head * 3; j < head * 3 + 3; j++) {
                sum += (double) q[(row * 7 + query) * 6 + j] * k[(row * 7 + key) * 6 + j];
            }
            // Masked ones are -1e10, which floats have to a thousand.
            assertEquals(sum, scores[i], key > query ? 2000 : 2e-5, "score " + i);
            assertEquals(key > query, bias[i] < KeyValues.MASKED / 2);
        }
    }

    @Test
    void biasOfDistances() {
        SeededWeights weights = new SeededWeights();
        float[] table = new SeededWeights().take("b.table", 32, 2);
        RelativePositions both = new RelativePositions("b", false, weights, 2);
        try (INDArray bias = both.bias(3, 4, 4, AT, Probe.NONE)) {
            assertArrayEquals(new long[] {2, 4, 4}, bias.shape());
            assertEquals(table[1], bias.getFloat(1, 2, 2), 0, "the same place: bucket 0");
            assertEquals(table[2 * 2], bias.getFloat(0, 3, 1), 0, "two before");
            assertEquals(table[2 * (16 + 3) + 1], bias.getFloat(1, 0, 3), 0, "three behind");
        }
    }

    @Test
    void logitsAreScaledOnlyWhereTheFormSaysSo() {
        Seen seen = new Seen("d.out", "d.scaled");
        decode("plain", RELATIVE, seen, 7);
        float[] out = seen.tensors.get("d.out");
        float[] scaled = seen.tensors.get("d.scaled");
        for (int i = 0; i < out.length; i++) {
            assertEquals(out[i] / 2, scaled[i], 0);
        }
        seen = new Seen("d.out", "d.scaled");
        decode("plain", STORED, seen, 7);
        assertNull(seen.tensors.get("d.scaled"));
    }

    @Test
    void layersOfAForm() {
        try (EncoderStack encoder = new EncoderStack(
                        "e", "sound", Kernels.named("plain"), new SeededWeights(), SIZES, RELATIVE, 1, 0, 7);
                StackMemory memory = new StackMemory(SIZES)) {
            assertEquals(
                    List.of("e.position_bias", "e.layer0", "e.out"),
                    encoder.children().stream().map(Layer::name).toList());
            assertEquals(
                    List.of("e.layer0.pre_attention_norm", "e.layer0.attention", "e.layer0.mlp"),
                    encoder.children().get(1).children().stream()
                            .map(Layer::name)
                            .toList());
            assertEquals(
                    List.of("sound"),
                    encoder.children()
                            .get(1)
                            .children()
                            .get(0)
                            .computations()
                            .get(0)
                            .inputs());
            INDArray x = vectors(2, 7);
            INDArray y = Nd4j.create(2, 7, 6);
            Seen seen = new Seen("e.layer0.after_attention", "e.layer0.mlp", "e.layer0.out");
            encoder.forward(Sequences.of(x), memory.batch(2, 7), Sequences.of(y), AT, seen);
            float[] before = seen.tensors.get("e.layer0.after_attention");
            float[] experts = seen.tensors.get("e.layer0.mlp");
            float[] out = seen.tensors.get("e.layer0.out");
            for (int i = 0; i < out.length; i++) {
                assertEquals(before[i] + experts[i], out[i], 0);
            }
        }
    }

    @Test
    void linearWithABias() {
        try (Linear linear = new Linear("l", "x", Kernels.named("plain"), new SeededWeights(), 6, 3, true);
                INDArray y = Nd4j.create(1, 1, 3);
                StackMemory memory = new StackMemory(SIZES)) {
            linear.forward(Sequences.of(Nd4j.create(1, 1, 6)), Sequences.of(y), memory.scratch(), AT, Probe.NONE);
            SeededWeights again = new SeededWeights();
            again.take("l.weight", 6, 3);
            assertArrayEquals(again.take("l.bias", 3), HostFloats.copy(y), 0);
            assertEquals(
                    Map.of("weight", "l.weight", "bias", "l.bias"),
                    linear.computations().get(0).weights());
        }
    }

    /** All distances from -200 to 200, as PyTorch sorts them. */
    @Test
    void bucketsOfTheReference() throws IOException {
        Micro micro = Micro.values();
        for (boolean causal : new boolean[] {false, true}) {
            float[] expected = micro.floats("t5_bucket_rel_-200..200", causal ? "decoder" : "encoder");
            float[] got = new float[401];
            for (int i = 0; i < got.length; i++) {
                got[i] = RelativePositions.bucket(i - 200, causal);
            }
            assertArrayEquals(expected, got);
        }
    }

    @Test
    void bucketsByHand() {
        int[] distances = {0, -1, -15, -16, -127, -128, -1000, 5};
        int[] causal = {0, 1, 15, 16, 31, 31, 31, 0};
        int[] both = {0, 1, 9, 10, 15, 15, 15, 21};
        for (int i = 0; i < distances.length; i++) {
            assertEquals(causal[i], RelativePositions.bucket(distances[i], true));
            assertEquals(both[i], RelativePositions.bucket(distances[i], false));
        }
    }
}
