package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.fastKernels;
import static org.luthier.nn.Tensors.tensor;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.nn.Memory.Place;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The kernels between the products of a transformer against the plain loops, on odd sizes and every kind of view. */
class LayerKernelsTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    /** Kernels, how the tensors lie, and their shape. */
    private static Stream<Arguments> cases() {
        List<long[]> shapes = List.of(
                new long[] {1, 1},
                new long[] {13, 207},
                new long[] {207, 13},
                new long[] {3, 1, 512},
                new long[] {1, 207, 13},
                new long[] {5, 13, 7},
                new long[] {2, 3, 13, 207},
                new long[] {1, 6, 1, 1});
        return fastKernels()
                .flatMap(kernels -> Stream.of(Memory.values())
                        .flatMap(memory -> shapes.stream().map(shape -> Arguments.of(kernels, memory, shape))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void add(Kernels kernels, Memory memory, long[] shape) {
        Random random = new Random(1);
        for (int from = 0; from < shape.length; from++) {
            long[] inner = Arrays.copyOfRange(shape, from, shape.length);
            Place x = memory.place(shape);
            x.tensor().assign(Memory.WHOLE.random(random, shape));
            INDArray y = memory.next().random(random, inner);
            INDArray before = y.dup('c');
            INDArray expected = x.tensor().dup('c');
            ORACLE.add(expected, y);
            kernels.add(x.tensor(), y);
            assertClose(expected, x.tensor(), 0); // one rounding, the same everywhere
            assertClose(before, y, 0);
            assertTrue(x.isUntouchedAround());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rmsNorm(Kernels kernels, Memory memory, long[] shape) {
        Random random = new Random(2);
        INDArray scale = memory.next().random(random, shape[shape.length - 1]);
        // Sums of up to 512 positive squares, then a root: a few units in the last place of the result.
        double relative = 4e-6;
        for (float size : new float[] {1, 6400, 1e-4f, 0}) {
            INDArray x = memory.random(random, shape).muli(size);
            INDArray before = x.dup('c');
            INDArray expected = Memory.WHOLE.empty(shape);
            ORACLE.rmsNorm(x, scale, 1e-6f, expected);
            Place output = memory.next().place(shape);
            kernels.rmsNorm(x, scale, 1e-6f, output.tensor());
            assertClose(expected, output.tensor(), 1e-9, relative);
            assertTrue(output.isUntouchedAround());
            assertClose(before, x, 0);
            kernels.rmsNorm(x, scale, 1e-6f, x);
            assertClose(expected, x, 1e-9, relative);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gate(Kernels kernels, Memory memory, long[] shape) {
        Random random = new Random(3);
        for (Activation activation : Activation.values()) {
            INDArray gate = memory.random(random, shape).muli(4f);
            INDArray up = memory.next().random(random, shape);
            INDArray gateBefore = gate.dup('c');
            INDArray upBefore = up.dup('c');
            INDArray expected = Memory.WHOLE.empty(shape);
            ORACLE.gate(activation, gate, up, expected);
            Place output = memory.next().next().place(shape);
            kernels.gate(activation, gate, up, output.tensor());
            // A few units in the last place of an activation of up to 16 and of the product; see the activations' own
            // test.
            assertClose(expected, output.tensor(), 1e-6, 1e-6);
            assertTrue(output.isUntouchedAround());
            assertClose(gateBefore, gate, 0);
            assertClose(upBefore, up, 0);
            INDArray upAgain = memory.copy(up);
            kernels.gate(activation, gate, upAgain, upAgain);
            assertClose(expected, upAgain, 1e-6, 1e-6);
            kernels.gate(activation, gate, up, gate);
            assertClose(expected, gate, 1e-6, 1e-6);
        }
    }

    /** Gate and up are the halves of one product, and the output is another view of one of them. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void gateOfHalves(Kernels kernels) {
        Random random = new Random(4);
        for (int m : new int[] {1, 13, 207}) {
            INDArray halves = Memory.WHOLE.random(random, m, 2 * 77);
            INDArray expected = Memory.WHOLE.empty(m, 77);
            ORACLE.gate(Activation.GELU_TANH, columns(halves, 0, 77), columns(halves, 77, 154), expected);
            INDArray again = halves.dup('c');
            kernels.gate(Activation.GELU_TANH, columns(again, 0, 77), columns(again, 77, 154), columns(again, 77, 154));
            assertClose(expected, columns(again, 77, 154), 1e-6, 1e-6);
            assertClose(columns(halves, 0, 77), columns(again, 0, 77), 0);
            kernels.gate(
                    Activation.GELU_TANH, columns(halves, 0, 77), columns(halves, 77, 154), columns(halves, 0, 77));
            assertClose(expected, columns(halves, 0, 77), 1e-6, 1e-6);
        }
    }

    private static INDArray columns(INDArray matrix, int from, int to) {
        return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void softmax(Kernels kernels, Memory memory, long[] shape) {
        Random random = new Random(5);
        for (float spread : new float[] {0, 1, 8, 40}) {
            Place x = memory.place(shape);
            x.tensor().assign(Memory.WHOLE.random(random, shape).muli(spread));
            INDArray expected = x.tensor().dup('c');
            ORACLE.softmax(expected);
            kernels.softmax(x.tensor());
            // The exponent, of up to 300, is rounded: that times 2^-24, relative. What is below 1e-30 may as well be 0.
            assertClose(expected, x.tensor(), 1e-30, 2e-6 + 300e-7 * spread / 40);
            assertTrue(x.isUntouchedAround());
        }
    }

    /** Masked scores of every kind: one seen, all but one seen, very small and very large ones. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void softmaxOfMasked(Kernels kernels) {
        for (int n : new int[] {1, 2, 13, 207}) {
            Random random = new Random(6);
            INDArray x = Memory.WHOLE.random(random, n, n);
            for (int row = 0; row < n; row++) {
                for (int column = row + 1; column < n; column++) {
                    x.putScalar(row, column, x.getFloat(row, column) + KeyValues.MASKED);
                }
            }
            INDArray expected = x.dup('c');
            ORACLE.softmax(expected);
            kernels.softmax(x);
            assertClose(expected, x, 1e-30, 2e-6);
        }
        INDArray same = Memory.WHOLE.empty(3, 7);
        for (float value : new float[] {-1e10f, 3e38f, -3e38f, 0}) {
            kernels.softmax(same.assign(value));
            assertClose(Memory.WHOLE.empty(3, 7).assign(1 / 7f), same, 0, 1e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void argmaxWithTies(Kernels kernels) {
        Random random = new Random(7);
        for (Memory memory : Memory.values()) {
            for (int n : new int[] {1, 2, 13, 207, 1536}) {
                for (int rows : new int[] {1, 3, 13}) {
                    INDArray x = memory.empty(rows, n);
                    // Few values, so that many are the largest.
                    HostFloats.write(few(random, rows * n), x);
                    assertArrayEquals(ORACLE.argmax(x, null), kernels.argmax(x, null), memory + " " + n);
                    BitSet[] allowed = masks(random, rows, n);
                    assertArrayEquals(ORACLE.argmax(x, allowed), kernels.argmax(x, allowed), memory + " " + n);
                    INDArray different = memory.random(random, rows, n);
                    assertArrayEquals(ORACLE.argmax(different, null), kernels.argmax(different, null));
                    assertArrayEquals(ORACLE.argmax(different, allowed), kernels.argmax(different, allowed));
                    assertArrayEquals(kernels.argmax(different, null), kernels.argmax(different, new BitSet[rows]));
                }
            }
        }
    }

    private static float[] few(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = random.nextInt(4) - 37;
        }
        return values;
    }

    /** Every third null; the others allow about half, some only one, and some what is beyond the columns. */
    private static BitSet[] masks(Random random, int rows, int n) {
        BitSet[] allowed = new BitSet[rows];
        for (int row = 0; row < rows; row++) {
            if (row % 3 != 2) {
                allowed[row] = new BitSet();
                allowed[row].set(random.nextInt(n));
                for (int i = 0; row % 3 == 0 && i < n / 2; i++) {
                    allowed[row].set(random.nextInt(n + 70));
                }
            }
        }
        return allowed;
    }

    @Test
    void argmaxAmongTheLowest() {
        float lowest = Float.NEGATIVE_INFINITY;
        BitSet lastTwo = new BitSet();
        lastTwo.set(2, 4);
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            INDArray x = tensor(new long[] {2, 4}, 5, 6, lowest, lowest, -1e38f, 0, -3e38f, -2e38f);
            int[] got = kernels.argmax(x, new BitSet[] {lastTwo, lastTwo});
            assertArrayEquals(new int[] {2, 3}, got, kernels.id());
            assertArrayEquals(new int[] {1, 1}, kernels.argmax(x, null), kernels.id());
        });
    }

    @Test
    void argmaxOfNothingIsRefused() {
        BitSet beyond = new BitSet();
        beyond.set(4);
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            INDArray x = Memory.WHOLE.empty(2, 4);
            assertThrows(IllegalArgumentException.class, () -> kernels.argmax(x, new BitSet[] {null, new BitSet()}));
            assertThrows(IllegalArgumentException.class, () -> kernels.argmax(x, new BitSet[] {beyond, null}));
        });
    }

    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void lookup(Kernels kernels) {
        Random random = new Random(8);
        for (Memory memory : Memory.values()) {
            for (int[] size : new int[][] {{1, 1}, {13, 207}, {207, 13}, {1536, 512}}) {
                INDArray table = memory.random(random, size[0], size[1]);
                for (int n : new int[] {1, 13, 207}) {
                    int[] ids = random.ints(n, 0, size[0]).toArray();
                    INDArray expected = Memory.WHOLE.empty(n, size[1]);
                    ORACLE.lookup(table, ids, expected);
                    Place output = memory.next().place(n, size[1]);
                    kernels.lookup(table, ids, output.tensor());
                    assertClose(expected, output.tensor(), 0);
                    assertTrue(output.isUntouchedAround());
                }
            }
        }
    }

    @Test
    void lookupOfWhatIsNotThereIsRefused() {
        INDArray table = Memory.WHOLE.empty(5, 3);
        INDArray output = Memory.WHOLE.empty(2, 3);
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            for (int wrong : new int[] {-1, 5}) {
                assertThrows(IllegalArgumentException.class, () -> kernels.lookup(table, new int[] {0, wrong}, output));
            }
        });
    }

    @Test
    void oracleByHand() {
        INDArray x = tensor(new long[] {2, 2}, 3, 4, 0, 0);
        // The mean of 9 and 16, and half of it for an epsilon, make 18.75.
        ORACLE.rmsNorm(x, tensor(new long[] {2}, 1, 2), 6.25f, x);
        assertClose(tensor(new long[] {2, 2}, 0.69282032f, 1.84752086f, 0, 0), x, 1e-7);

        INDArray scores = tensor(new long[] {2, 2}, 0, (float) Math.log(3), 7, 7);
        ORACLE.softmax(scores);
        assertClose(tensor(new long[] {2, 2}, 0.25f, 0.75f, 0.5f, 0.5f), scores, 1e-7);

        INDArray sum = tensor(new long[] {2, 2}, 1, 2, 3, 4);
        ORACLE.add(sum, tensor(new long[] {2}, 10, 20));
        assertClose(tensor(new long[] {2, 2}, 11, 22, 13, 24), sum, 0);

        INDArray gated = tensor(new long[] {3}, -1, 2, 0);
        ORACLE.gate(Activation.RELU, gated, tensor(new long[] {3}, 5, 5, 5), gated);
        assertClose(tensor(new long[] {3}, 0, 10, 0), gated, 0);

        INDArray lines = Memory.WHOLE.empty(3, 2);
        ORACLE.lookup(tensor(new long[] {2, 2}, 1, 2, 3, 4), new int[] {1, 0, 1}, lines);
        assertClose(tensor(new long[] {3, 2}, 3, 4, 1, 2, 3, 4), lines, 0);

        INDArray ties = tensor(new long[] {2, 3}, 1, 2, 2, 3, 3, 1);
        BitSet last = new BitSet();
        last.set(2);
        assertArrayEquals(new int[] {1, 0}, ORACLE.argmax(ties, null));
        assertArrayEquals(new int[] {1, 2}, ORACLE.argmax(ties, new BitSet[] {null, last}));
    }
}
