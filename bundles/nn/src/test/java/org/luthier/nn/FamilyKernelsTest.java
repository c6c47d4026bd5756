package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.fastKernels;
import static org.luthier.nn.Tensors.floats;
import static org.luthier.nn.Tensors.tensor;
import static org.luthier.nn.Tensors.tolerance;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.nn.Memory.Place;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The kernels of norms, biases, positions, pooling and experts against the plain loops, on odd sizes and every kind of view. */
class FamilyKernelsTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    private static Stream<Arguments> cases() {
        return fastKernels()
                .flatMap(kernels -> Stream.of(Memory.values()).map(memory -> Arguments.of(kernels, memory)));
    }

    private static final List<long[]> SHAPES =
            List.of(new long[] {1, 1}, new long[] {13, 207}, new long[] {207, 13}, new long[] {2, 3, 13, 64});

    @ParameterizedTest
    @MethodSource("cases")
    void layerNorm(Kernels kernels, Memory memory) {
        Random random = new Random(1);
        for (long[] shape : SHAPES) {
            long width = shape[shape.length - 1];
            INDArray scale = memory.next().random(random, width);
            INDArray offset = memory.next().next().random(random, width);
            // Small ones, for the epsilon; and ones far from 0, from which the mean takes most.
            for (float[] size : new float[][] {{1, 0}, {1e-3f, 0}, {0, 3}, {1, 100}}) {
                INDArray x = memory.random(random, shape).muli(size[0]).addi(size[1]);
                INDArray before = x.dup('c');
                INDArray expected = Memory.WHOLE.empty(shape);
                ORACLE.layerNorm(x, scale, offset, 1e-5f, expected);
                Place output = memory.next().place(shape);
                kernels.layerNorm(x, scale, offset, 1e-5f, output.tensor());
                // Results are below 25. Of the same numbers nothing may be left but their rounding, which the epsilon
                // makes
                // 300 times as large.
                double tolerance = 1e-5;
                assertClose(expected, output.tensor(), tolerance);
                assertTrue(output.isUntouchedAround());
                assertClose(before, x, 0);
                kernels.layerNorm(x, scale, offset, 1e-5f, x);
                assertClose(expected, x, tolerance);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void affineOfChannels(Kernels kernels, Memory memory) {
        Random random = new Random(2);
        for (long[] shape : SHAPES) {
            long channels = shape[shape.length - 1];
            INDArray x = memory.random(random, shape);
            INDArray scale = memory.next().random(random, channels);
            INDArray offset = memory.random(random, channels);
            INDArray before = x.dup('c');
            INDArray expected = Memory.WHOLE.empty(shape);
            ORACLE.affine(x, scale, offset, expected);
            Place output = memory.next().place(shape);
            kernels.affine(x, scale, offset, output.tensor());
            assertClose(expected, output.tensor(), 2e-6);
            assertTrue(output.isUntouchedAround());
            assertClose(before, x, 0);
            kernels.affine(x, scale, offset, x);
            assertClose(expected, x, 2e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void biasedProjection(Kernels kernels, Memory memory) {
        Random random = new Random(3);
        for (int[] size : new int[][] {{1, 1, 1}, {1, 13, 207}, {13, 207, 13}, {207, 13, 77}}) {
            float[] weight = floats(random, size[1] * size[2]);
            float[] bias = floats(random, size[2]);
            INDArray x = memory.random(random, size[0], size[1]);
            try (Projection oracle = ORACLE.projection(weight, bias, size[1], size[2]);
                    Projection tested = kernels.projection(weight.clone(), bias.clone(), size[1], size[2]);
                    Scratch scratch = new Scratch()) {
                INDArray expected = Memory.WHOLE.empty(size[0], size[2]);
                oracle.apply(x, expected, scratch);
                Place output = memory.next().place(size[0], size[2]);
                tested.apply(x, output.tensor(), scratch);
                assertClose(expected, output.tensor(), tolerance(size[1]));
                assertTrue(output.isUntouchedAround());
                oracle.accumulate(x, expected, scratch);
                tested.accumulate(x, output.tensor(), scratch);
                assertClose(expected, output.tensor(), 2 * tolerance(size[1]));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void averagePool(Kernels kernels, Memory memory) {
        Random random = new Random(4);
        for (int[] size :
                new int[][] {{1, 1, 2, 1, 2}, {2, 13, 207, 3, 2}, {3, 5, 13, 7, 3}, {1, 3, 8, 13, 1}, {1, 2, 50, 129, 2}
                }) {
            INDArray x = memory.random(random, size[0], size[1], size[2], size[3]);
            INDArray added = memory.next().next().random(random, x.shape());
            INDArray before = x.dup('c');
            INDArray addedBefore = added.dup('c');
            long[] shape = {size[0], size[1], size[2] / size[4], size[3]};
            INDArray expected = Memory.WHOLE.empty(shape);
            for (Activation activation : new Activation[] {Activation.NONE, Activation.RELU}) {
                ORACLE.averagePool(x, added, activation, size[4], expected);
                Place output = memory.next().place(shape);
                kernels.averagePool(x, added, activation, size[4], output.tensor());
                assertClose(expected, output.tensor(), 1e-6);
                assertTrue(output.isUntouchedAround());
            }
            assertClose(before, x, 0);
            assertClose(addedBefore, added, 0);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void depthwise(Kernels kernels, Memory memory) {
        Random random = new Random(5);
        // The last has more taps than times.
        for (int[] size : new int[][] {{1, 1, 1, 1}, {2, 13, 7, 3}, {3, 207, 13, 31}, {1, 5, 13, 31}}) {
            INDArray x = memory.random(random, size[0], size[1], size[2]);
            INDArray weight = memory.next().random(random, size[3], size[2]);
            INDArray before = x.dup('c');
            INDArray expected = Memory.WHOLE.empty(x.shape());
            ORACLE.depthwise(x, weight, expected);
            Place output = memory.next().place(x.shape());
            kernels.depthwise(x, weight, output.tensor());
            assertClose(expected, output.tensor(), tolerance(size[3]));
            assertTrue(output.isUntouchedAround());
            assertClose(before, x, 0);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rotate(Kernels kernels, Memory memory) {
        Random random = new Random(6);
        for (boolean halves : new boolean[] {false, true}) {
            // Rows, length, heads, size, pairs: all columns of a head turn, some, and one column is left over.
            for (int[] size : new int[][] {{1, 1, 1, 2, 1}, {2, 13, 3, 16, 8}, {3, 207, 8, 16, 2}, {2, 5, 2, 7, 3}}) {
                Place x = memory.place(size[0], size[1], (long) size[2] * size[3]);
                x.tensor().assign(Memory.WHOLE.random(random, x.tensor().shape()));
                INDArray cosines = memory.next().random(random, size[1], size[4]);
                INDArray sines = memory.random(random, size[1], size[4]);
                INDArray expected = x.tensor().dup('c');
                ORACLE.rotate(expected, size[2], halves, cosines, sines);
                kernels.rotate(x.tensor(), size[2], halves, cosines, sines);
                assertClose(expected, x.tensor(), 2e-6); // two products of numbers below 5
                assertTrue(x.isUntouchedAround());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void scatterAdd(Kernels kernels, Memory memory) {
        Random random = new Random(7);
        for (int[] size : new int[][] {{1, 1, 1}, {13, 207, 40}, {207, 13, 100}, {207, 64, 1}}) {
            int[] ids = random.ints(size[2], 0, size[0]).toArray();
            float[] factors = floats(random, size[2]);
            INDArray x = memory.random(random, size[2], size[1]);
            INDArray before = x.dup('c');
            Place table = memory.next().place(size[0], size[1]);
            table.tensor().assign(Memory.WHOLE.random(random, size[0], size[1]));
            INDArray expected = table.tensor().dup('c');
            ORACLE.scatterAdd(x, factors, ids, expected);
            kernels.scatterAdd(x, factors, ids, table.tensor());
            assertClose(expected, table.tensor(), tolerance(size[2]));
            assertTrue(table.isUntouchedAround());
            assertClose(before, x, 0);
        }
    }

    /** Heads, and rows, queries, length: attention with a bias, and with values wider or narrower than keys. */
    private static final List<Heads> HEADS =
            List.of(new Heads(1, 1, 3, 1), new Heads(3, 5, 2, 0.5f), new Heads(6, 64, 1), new Heads(8, 12, 16, 0.25f));

    @ParameterizedTest
    @MethodSource("cases")
    void attentionWithABias(Kernels kernels, Memory memory) {
        Random random = new Random(8);
        int[][] sizes = {{1, 1, 1}, {3, 1, 13}, {2, 13, 13}, {2, 5, 207}};
        for (Heads heads : HEADS) {
            for (int[] size : sizes) {
                INDArray keys = memory.random(random, size[0], size[2], heads.width());
                INDArray values = memory.next().random(random, size[0], size[2], heads.valueWidth());
                INDArray queries = memory.next().next().random(random, size[0], size[1], heads.width());
                INDArray bias = memory.random(random, heads.count(), size[1], size[2]);
                INDArray before = bias.dup('c');
                try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                        KeyValues tested = kernels.keyValues(heads, keys, values);
                        KeyValueCache cache = kernels.cache(heads, size[0]);
                        Scratch scratch = new Scratch()) {
                    cache.append(keys, values);
                    int[] sources = new int[size[0]]; // all rows continue the first, then grow apart
                    INDArray expected = Memory.WHOLE.empty(size[0], size[1], heads.valueWidth());
                    for (INDArray added : new INDArray[] {bias, null}) {
                        for (boolean causal : new boolean[] {false, true}) {
                            oracle.attend(queries, added, causal, expected, scratch);
                            assertAttends(expected, tested, queries, added, causal, memory, scratch);
                            assertAttends(expected, cache, queries, added, causal, memory, scratch);
                        }
                    }
                    INDArray scores = Memory.WHOLE.empty(size[0], heads.count(), size[1], size[2]);
                    Place got = memory.place(scores.shape());
                    oracle.scores(queries, bias, true, scores, scratch);
                    tested.scores(queries, bias, true, got.tensor(), scratch);
                    assertClose(scores, got.tensor(), heads.scale() * tolerance(heads.size()), 2e-7);
                    assertTrue(got.isUntouchedAround());
                    try (KeyValueCache plain = ORACLE.cache(heads, size[0])) {
                        plain.append(keys, values);
                        for (KeyValueCache each : List.of(plain, cache)) {
                            each.reorder(sources);
                            each.append(keys, values);
                        }
                        plain.attend(queries, null, false, expected, scratch);
                        assertAttends(expected, cache, queries, null, false, memory, scratch);
                    }
                }
                assertClose(before, bias, 0);
            }
        }
    }

    private static void assertAttends(
            INDArray expected,
            KeyValues tested,
            INDArray queries,
            INDArray bias,
            boolean causal,
            Memory memory,
            Scratch scratch) {
        Place output = memory.next().place(expected.shape());
        tested.attend(queries, bias, causal, output.tensor(), scratch);
        // As in AttentionTest: a score that is off by e makes a mean of values below 6 off by 2 e relative.
        Heads heads = tested.heads();
        assertClose(expected, output.tensor(), 6e-6 + 6 * 2 * heads.scale() * tolerance(heads.size()));
        assertTrue(output.isUntouchedAround());
    }

    @Test
    void wrongSizesAreRefused() {
        INDArray x = Memory.WHOLE.empty(2, 4, 6);
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            INDArray flat = Memory.WHOLE.empty(2, 6);
            refused(() -> kernels.depthwise(x, Memory.WHOLE.empty(4, 6), Memory.WHOLE.empty(2, 4, 6)));
            refused(() -> kernels.depthwise(x, Memory.WHOLE.empty(3, 5), Memory.WHOLE.empty(2, 4, 6)));
            INDArray image = x.reshape(1, 2, 4, 6);
            refused(() -> kernels.averagePool(image, image, Activation.RELU, 2, Memory.WHOLE.empty(1, 2, 4, 6)));
            refused(() -> kernels.averagePool(
                    image, image.reshape(1, 4, 2, 6), Activation.RELU, 2, Memory.WHOLE.empty(1, 2, 2, 6)));
            refused(() -> kernels.rotate(x, 2, true, Memory.WHOLE.empty(4, 2), Memory.WHOLE.empty(4, 2)));
            refused(() -> kernels.rotate(x, 2, true, Memory.WHOLE.empty(3, 1), Memory.WHOLE.empty(3, 1)));
            refused(() -> kernels.scatterAdd(flat, new float[2], new int[] {0, 2}, Memory.WHOLE.empty(2, 6)));
            refused(() -> kernels.scatterAdd(flat, new float[1], new int[] {0, 1}, Memory.WHOLE.empty(2, 6)));
            Heads heads = new Heads(2, 3, 1);
            try (KeyValues memory = kernels.keyValues(heads, x, x);
                    Scratch scratch = new Scratch()) {
                INDArray bias = Memory.WHOLE.empty(2, 4, 5);
                INDArray scores = Memory.WHOLE.empty(2, 2, 4, 4);
                refused(() -> memory.attend(x, bias, false, Memory.WHOLE.empty(2, 4, 6), scratch));
                refused(() -> memory.scores(x, bias, false, scores, scratch));
            }
        });
    }

    private static void refused(Runnable wrong) {
        assertThrows(IllegalArgumentException.class, wrong::run);
    }

    @Test
    void oracleByHand() {
        INDArray x = tensor(new long[] {1, 2}, 1, 5);
        // Mean 3, variance 4, and 2.25 for an epsilon: -2 / 2.5 and 2 / 2.5.
        ORACLE.layerNorm(x, tensor(new long[] {2}, 1, 10), tensor(new long[] {2}, 100, 200), 2.25f, x);
        assertClose(tensor(new long[] {1, 2}, 99.2f, 208), x, 1e-5);

        INDArray pooled = Memory.WHOLE.empty(1, 1, 1, 2);
        INDArray image = tensor(new long[] {1, 1, 3, 2}, 1, 10, 3, 30, 7, 70);
        INDArray added = tensor(new long[] {1, 1, 3, 2}, 0, 1, 2, -32, 0, 0);
        ORACLE.averagePool(image, added, Activation.RELU, 2, pooled);
        // (1 + 5) / 2, and of 11 and -2 only the first is left.
        assertClose(tensor(new long[] {1, 1, 1, 2}, 3, 5.5f), pooled, 0);

        INDArray convolved = Memory.WHOLE.empty(1, 3, 1);
        ORACLE.depthwise(tensor(new long[] {1, 3, 1}, 1, 2, 3), tensor(new long[] {3, 1}, 100, 10, 1), convolved);
        assertClose(tensor(new long[] {1, 3, 1}, 12, 123, 230), convolved, 0);

        for (boolean halves : new boolean[] {false, true}) {
            INDArray turned = tensor(new long[] {1, 1, 5}, 1, 2, 3, 4, 5);
            ORACLE.rotate(turned, 1, halves, tensor(new long[] {1, 2}, 0, 1), tensor(new long[] {1, 2}, 1, 0));
            assertClose(
                    halves
                            ? tensor(new long[] {1, 1, 5}, -3, 2, 1, 4, 5)
                            : tensor(new long[] {1, 1, 5}, -2, 1, 3, 4, 5),
                    turned,
                    0);
        }

        INDArray table = tensor(new long[] {2, 2}, 1, 2, 3, 4);
        INDArray lines = tensor(new long[] {3, 2}, 1, 1, 1, 2, 5, 5);
        ORACLE.scatterAdd(lines, new float[] {10, 100, 2}, new int[] {1, 1, 0}, table);
        assertClose(tensor(new long[] {2, 2}, 11, 12, 113, 214), table, 0);

        // 1 / (1 + exp(-1)), and the normal distribution's 0.841344746 and, at -4, 3.16712418e-5.
        INDArray activated = tensor(new long[] {1}, 1);
        ORACLE.activate(Activation.SILU, activated);
        assertClose(tensor(new long[] {1}, 0.731058579f), activated, 1e-7);
        activated = tensor(new long[] {3}, 1, -1, -4);
        ORACLE.activate(Activation.GELU_ERF, activated);
        assertClose(tensor(new long[] {3}, 0.841344746f, -0.158655254f, -1.26684967e-4f), activated, 0, 1e-7);
    }
}
