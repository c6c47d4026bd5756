package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.floats;
import static org.luthier.nn.Tensors.tensor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The mixture of experts against a computation of all experts in double precision, and what it shows and lets be replaced. */
class MixtureOfExpertsTest {
    private static final int WIDTH = 13;
    private static final int HIDDEN = 7;
    private static final int EXPERTS = 5;
    private static final int CHOSEN = 2;

    /** Seeded, and remembered for the comparison. */
    private static final class Remembered implements Weights {
        private final Random random = new Random(11);
        private final Map<String, float[]> taken = new HashMap<>();

        @Override
        public float[] take(String name, long... shape) {
            return taken.computeIfAbsent(name, key -> floats(random, (int) (shape[0] * shape[1])));
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void finish() {}
    }

    private static double[] product(double[] x, float[] matrix) {
        int outputs = matrix.length / x.length;
        double[] y = new double[outputs];
        for (int k = 0; k < x.length; k++) {
            for (int j = 0; j < outputs; j++) {
                y[j] += x[k] * matrix[k * outputs + j];
            }
        }
        return y;
    }

    private static double[] expert(Map<String, float[]> weights, int i, double[] x) {
        double[] gate = product(x, weights.get("m.expert" + i + ".gate.weight"));
        double[] up = product(x, weights.get("m.expert" + i + ".up.weight"));
        double[] gated = IntStream.range(0, HIDDEN)
                .mapToDouble(j -> gate[j] / (1 + Math.exp(-gate[j])) * up[j])
                .toArray();
        return product(gated, weights.get("m.expert" + i + ".down.weight"));
    }

    private static MixtureOfExperts layer(Kernels kernels, Weights weights) {
        return new MixtureOfExperts("m", "x", kernels, weights, WIDTH, HIDDEN, EXPERTS, CHOSEN, Activation.SILU);
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void chosenExpertsAndNoOthers(String id) {
        Remembered weights = new Remembered();
        Map<String, INDArray> seen = new HashMap<>();
        Probe probe = new Probe() {
            @Override
            public boolean wants(String name) {
                return true;
            }

            @Override
            public void tap(String name, Position at, INDArray tensor) {
                seen.put(name, tensor.dup('c'));
            }
        };
        try (MixtureOfExperts layer = layer(Kernels.named(id), weights);
                Scratch scratch = new Scratch()) {
            for (int[] size : new int[][] {{1, 1}, {2, 13}, {1, 207}}) {
                seen.clear();
                INDArray x = Memory.WHOLE.random(new Random(12), size[0], size[1], WIDTH);
                INDArray y = Memory.WHOLE.empty(x.shape());
                y.assign(99);
                layer.forward(x, y, scratch, Position.segments(0, size[0]), probe);
                assertMixed(weights.taken, x, y, seen);
                INDArray unseen = Memory.WHOLE.empty(x.shape());
                layer.forward(x, unseen, scratch, Position.segments(0, size[0]), Probe.NONE);
                assertClose(y, unseen, 0);
            }
        }
    }

    private static void assertMixed(Map<String, float[]> weights, INDArray x, INDArray y, Map<String, INDArray> seen) {
        float[] in = HostFloats.copy(x);
        float[] out = HostFloats.copy(y);
        float[] indices = HostFloats.copy(seen.get("m.experts"));
        float[] shares = HostFloats.copy(seen.get("m.weights"));
        for (int vector = 0; vector < in.length / WIDTH; vector++) {
            double[] one = new double[WIDTH];
            for (int j = 0; j < WIDTH; j++) {
                one[j] = in[vector * WIDTH + j];
            }
            double[] router = product(one, weights.get("m.router.weight"));
            int[] order = IntStream.range(0, EXPERTS)
                    .boxed()
                    .sorted((a, b) -> Double.compare(router[b], router[a]))
                    .mapToInt(i -> i)
                    .limit(CHOSEN)
                    .toArray();
            double whole =
                    Arrays.stream(order).mapToDouble(i -> Math.exp(router[i])).sum();
            double[] expected = new double[WIDTH];
            for (int k = 0; k < CHOSEN; k++) {
                double share = Math.exp(router[order[k]]) / whole;
                assertEquals(order[k], indices[vector * CHOSEN + k]);
                assertEquals(share, shares[vector * CHOSEN + k], 2e-6);
                double[] made = expert(weights, order[k], one);
                float[] shown = HostFloats.copy(seen.get("m.expert" + order[k] + ".out"));
                for (int j = 0; j < WIDTH; j++) {
                    expected[j] += share * made[j];
                    assertEquals(made[j], shown[vector * WIDTH + j], 5e-4);
                }
            }
            for (int i = 0; i < EXPERTS; i++) {
                INDArray made = seen.get("m.expert" + i + ".out");
                assertArrayEquals(x.shape(), made.shape());
                if (i != order[0] && i != order[1]) {
                    for (int j = 0; j < WIDTH; j++) {
                        assertEquals(0, HostFloats.copy(made)[vector * WIDTH + j]);
                    }
                }
            }
            for (int j = 0; j < WIDTH; j++) {
                // Three products of sums of 13 and 7 normal numbers: values of some hundreds, in single precision.
                assertEquals(expected[j], out[vector * WIDTH + j], 5e-4);
            }
        }
        assertClose(y, seen.get("m"), 0);
    }

    /** A probe may choose other experts, and weigh them otherwise. */
    @Test
    void choiceMayBeReplaced() {
        Remembered weights = new Remembered();
        Probe probe = new Probe() {
            @Override
            public boolean wants(String name) {
                return name.equals("m.experts") || name.equals("m.weights");
            }

            @Override
            public void tap(String name, Position at, INDArray tensor) {
                tensor.assign(
                        name.equals("m.experts")
                                ? tensor(new long[] {1, 1, 2}, 4, 3)
                                : tensor(new long[] {1, 1, 2}, 1, 0));
            }
        };
        try (MixtureOfExperts layer = layer(Kernels.named("plain"), weights);
                Scratch scratch = new Scratch()) {
            INDArray x = tensor(new long[] {1, 1, WIDTH}, floats(new Random(13), WIDTH));
            INDArray y = Memory.WHOLE.empty(1, 1, WIDTH);
            layer.forward(x, y, scratch, Position.segments(0, 1), probe);
            double[] one = IntStream.range(0, WIDTH).mapToDouble(x::getDouble).toArray();
            double[] expected = expert(weights.taken, 4, one);
            for (int j = 0; j < WIDTH; j++) {
                assertEquals(expected[j], y.getDouble(j), 5e-4);
            }
        }
    }

    /** A probe may put something in the place of what an expert made: at the vectors that chose it. */
    @Test
    void whatAnExpertMadeMayBeReplaced() {
        Probe probe = new Probe() {
            @Override
            public boolean wants(String name) {
                return name.equals("m.experts") || name.equals("m.weights") || name.startsWith("m.expert4.");
            }

            @Override
            public void tap(String name, Position at, INDArray tensor) {
                if (name.endsWith("s")) {
                    tensor.assign(
                            name.equals("m.experts")
                                    ? tensor(new long[] {1, 2, 2}, 4, 3, 2, 1)
                                    : tensor(new long[] {1, 2, 2}, 0.5f, 0, 0, 0));
                } else {
                    tensor.assign(8);
                }
            }
        };
        try (MixtureOfExperts layer = layer(Kernels.named("plain"), new Remembered());
                Scratch scratch = new Scratch()) {
            INDArray x = Memory.WHOLE.random(new Random(14), 1, 2, WIDTH);
            INDArray y = Memory.WHOLE.empty(x.shape());
            layer.forward(x, y, scratch, Position.segments(0, 1), probe);
            float[] out = HostFloats.copy(y);
            for (int j = 0; j < 2 * WIDTH; j++) {
                assertEquals(j < WIDTH ? 4 : 0, out[j]);
            }
        }
    }

    @Test
    void tellsWhatItComputes() {
        try (MixtureOfExperts layer = layer(Kernels.named("plain"), new Remembered())) {
            List<Computation> computations = layer.computations();
            assertEquals(
                    layer.taps(), computations.stream().map(Computation::output).toList());
            assertTrue(layer.taps().contains("m.expert4.out"));
            assertEquals(1 + 3 * EXPERTS, layer.weights().size());
            Computation last = computations.get(computations.size() - 2);
            assertEquals(List.of("x", "m.experts"), last.inputs());
            assertEquals("m.expert4.up.weight", last.weights().get("up"));
            Computation whole = computations.get(computations.size() - 1);
            assertEquals("m.expert0.down.weight", whole.weights().get("down0"));
            assertEquals(List.of("x", "m.experts", "m.weights"), whole.inputs());
        }
    }
}
