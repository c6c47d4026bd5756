package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.nn.Convolution.Shape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Every kernel against the plain loops, on odd sizes and on every kind of view of input and output. */
class KernelsTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    /** How a tensor lies in memory. */
    private enum Memory {
        WHOLE {
            @Override
            INDArray make(long[] shape) {
                return Nd4j.create(DataType.FLOAT, shape, 'c');
            }
        },
        /** Starts in the middle of a larger tensor, with gaps in every dimension. */
        WINDOW {
            @Override
            INDArray make(long[] shape) {
                long[] larger = shape.clone();
                INDArrayIndex[] index = new INDArrayIndex[shape.length];
                for (int d = 0; d < shape.length; d++) {
                    larger[d] += 3;
                    index[d] = NDArrayIndex.interval(2, 2 + shape[d]);
                }
                return Nd4j.create(DataType.FLOAT, larger, 'c').assign(99f).get(index);
            }
        },
        /** The first dimension alone is cut: rows of a larger batch. */
        ROWS {
            @Override
            INDArray make(long[] shape) {
                long[] larger = shape.clone();
                larger[0] += 2;
                INDArrayIndex[] index = new INDArrayIndex[shape.length];
                java.util.Arrays.fill(index, NDArrayIndex.all());
                index[0] = NDArrayIndex.interval(1, 1 + shape[0]);
                return Nd4j.create(DataType.FLOAT, larger, 'c').assign(99f).get(index);
            }
        },
        /** Dimensions in reverse order in memory. */
        PERMUTED {
            @Override
            INDArray make(long[] shape) {
                int[] reverse = new int[shape.length];
                long[] reversed = new long[shape.length];
                for (int d = 0; d < shape.length; d++) {
                    reverse[d] = shape.length - 1 - d;
                    reversed[d] = shape[shape.length - 1 - d];
                }
                return Nd4j.create(DataType.FLOAT, reversed, 'c').permute(reverse);
            }
        },
        FORTRAN {
            @Override
            INDArray make(long[] shape) {
                return Nd4j.create(DataType.FLOAT, shape, 'f');
            }
        };

        abstract INDArray make(long[] shape);

        INDArray random(Random random, long... shape) {
            INDArray x = make(shape);
            HostFloats.write(floats(random, (int) x.length()), x);
            return x;
        }

        INDArray empty(long... shape) {
            return make(shape);
        }
    }

    private static float[] floats(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Float sums of n products of normal numbers against double sums: rounding grows at most with n, in practice with its root. */
    private static double tolerance(int products) {
        return 1e-6 * (8 + Math.sqrt(products) * 4);
    }

    private static void assertClose(INDArray expected, INDArray got, double tolerance) {
        float[] want = HostFloats.copy(expected);
        float[] have = HostFloats.copy(got);
        assertEquals(want.length, have.length);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], have[i], tolerance, "element " + i);
        }
    }

    private static Stream<Kernels> fastKernels() {
        return Stream.of(Kernels.named("nd4j"), Kernels.named("cpu"));
    }

    /** The convolutions of Basic Pitch on odd sizes, one of a kind each, and small ones at the borders of what is allowed. */
    private static Stream<Arguments> convolutions() {
        List<Shape> shapes = List.of(
                new Shape(3, 39, 8, 8, 1, 1, 19),
                new Shape(5, 5, 8, 1, 1, 2, 2),
                new Shape(7, 7, 1, 32, 3, 3, 2),
                new Shape(7, 3, 32, 1, 1, 3, 1),
                new Shape(5, 5, 8, 32, 3, 2, 1),
                new Shape(3, 3, 33, 1, 1, 1, 1),
                new Shape(1, 256, 1, 1, 2, 0, 127),
                new Shape(1, 1, 1, 1, 1, 0, 0),
                new Shape(2, 4, 3, 5, 2, 0, 1));
        List<Arguments> cases = new ArrayList<>();
        fastKernels().forEach(kernels -> {
            for (Shape shape : shapes) {
                for (int[] size : new int[][] {{1, 7, 13}, {2, 13, 37}, {1, 1, 207}, {3, 29, 41}}) {
                    if (shape.outputTime(size[1]) > 0 && shape.outputFrequency(size[2]) > 0) {
                        cases.add(Arguments.of(kernels, shape, size));
                    }
                }
            }
        });
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("convolutions")
    void convolution(Kernels kernels, Shape shape, int[] size) {
        Random random = new Random(1);
        float[] weight = floats(random, shape.weights());
        float[] bias = floats(random, shape.outputs());
        try (Convolution oracle = ORACLE.convolution(shape, weight, bias);
                Convolution convolution = kernels.convolution(shape, weight, bias);
                Scratch scratch = new Scratch()) {
            double tolerance = tolerance(shape.kernelTime() * shape.kernelFrequency() * shape.inputs());
            long[] outputShape = {size[0], shape.outputTime(size[1]), shape.outputFrequency(size[2]), shape.outputs()};
            INDArray expected = Memory.WHOLE.empty(outputShape);
            for (Memory inputMemory : Memory.values()) {
                INDArray input = inputMemory.random(random, size[0], size[1], size[2], shape.inputs());
                oracle.apply(input, Activation.NONE, expected, scratch);
                for (Memory outputMemory : Memory.values()) {
                    INDArray output = outputMemory.empty(outputShape);
                    convolution.apply(input, Activation.NONE, output, scratch);
                    assertClose(expected, output, tolerance);
                }
            }
            INDArray input = Memory.WHOLE.random(random, size[0], size[1], size[2], shape.inputs());
            for (Activation activation : List.of(Activation.RELU, Activation.SIGMOID)) {
                INDArray output = Memory.WHOLE.empty(outputShape);
                oracle.apply(input, activation, expected, scratch);
                convolution.apply(input, activation, output, scratch);
                assertClose(expected, output, tolerance);
            }
        }
    }

    private static Stream<Arguments> products() {
        int[][] sizes = {{1, 1, 1}, {1, 13, 207}, {13, 1, 13}, {207, 13, 1}, {13, 207, 72}, {172, 256, 72}};
        return fastKernels()
                .flatMap(kernels -> java.util.Arrays.stream(sizes).map(size -> Arguments.of(kernels, size)));
    }

    @ParameterizedTest
    @MethodSource("products")
    void matmul(Kernels kernels, int[] size) {
        Random random = new Random(2);
        for (Memory left : Memory.values()) {
            INDArray a = left.random(random, size[0], size[1]);
            for (Memory right : Memory.values()) {
                INDArray b = right.random(random, size[1], size[2]);
                INDArray expected = Memory.WHOLE.empty(size[0], size[2]);
                ORACLE.matmul(a, b, expected);
                for (Memory memory : Memory.values()) {
                    INDArray output = memory.empty(size[0], size[2]);
                    kernels.matmul(a, b, output);
                    assertClose(expected, output, tolerance(size[1]));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void activations(Kernels kernels) {
        Random random = new Random(3);
        for (int n : new int[] {1, 13, 207, 5000}) {
            for (Memory memory : Memory.values()) {
                for (Activation activation : Activation.values()) {
                    INDArray x = memory.random(random, n, 3).muli(8f);
                    INDArray expected = x.dup('c');
                    ORACLE.activate(activation, expected);
                    kernels.activate(activation, x);
                    // All are between 0 and 1 or copied: a few units in the last place of 1.
                    assertClose(expected, x, 3e-7);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void activationsAtTheEnds(Kernels kernels) {
        float[] ends = {
            0f, -0f, 1e-30f, 17f, -17f, 20f, -20f, 88f, -88f, 1000f, -1000f, Float.MAX_VALUE, -Float.MAX_VALUE
        };
        for (Activation activation : List.of(Activation.RELU, Activation.SIGMOID)) {
            INDArray x = Nd4j.createFromArray(ends.clone());
            INDArray expected = Nd4j.createFromArray(ends.clone());
            ORACLE.activate(activation, expected);
            kernels.activate(activation, x);
            assertClose(expected, x, 3e-7);
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void affine(Kernels kernels) {
        Random random = new Random(4);
        for (Memory memory : Memory.values()) {
            for (Memory outputMemory : Memory.values()) {
                INDArray x = memory.random(random, 2, 13, 31);
                INDArray before = x.dup('c');
                INDArray expected = Memory.WHOLE.empty(2, 13, 31);
                ORACLE.affine(x, 2.5f, -0.75f, expected);
                INDArray output = outputMemory.empty(2, 13, 31);
                kernels.affine(x, 2.5f, -0.75f, output);
                assertClose(expected, output, 1e-6);
                assertClose(before, x, 0);
                kernels.affine(x, 2.5f, -0.75f, x);
                assertClose(expected, x, 1e-6);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void stack(Kernels kernels) {
        Random random = new Random(5);
        int[] shifts = {-36, 0, 3, 36, 101, 400, -400};
        for (Memory memory : Memory.values()) {
            for (Memory outputMemory : Memory.values()) {
                INDArray x = memory.random(random, 2, 13, 109);
                INDArray expected = Memory.WHOLE.empty(2, 13, 64, shifts.length);
                ORACLE.stack(x, shifts, expected);
                INDArray output = outputMemory.empty(2, 13, 64, shifts.length);
                output.assign(7f);
                kernels.stack(x, shifts, output);
                assertClose(expected, output, 0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void concatenate(Kernels kernels) {
        Random random = new Random(6);
        for (Memory memory : Memory.values()) {
            for (Memory outputMemory : Memory.values()) {
                INDArray a = memory.random(random, 2, 13, 7, 1);
                INDArray b = outputMemory.random(random, 2, 13, 7, 32);
                INDArray expected = Memory.WHOLE.empty(2, 13, 7, 33);
                ORACLE.concatenate(a, b, expected);
                INDArray output = outputMemory.empty(2, 13, 7, 33);
                kernels.concatenate(a, b, output);
                assertClose(expected, output, 0);
            }
        }
    }

    @Test
    void oracleByHand() {
        // 1 x 2 kernel (1, 10) over 1 2 3 with one zero on each side, step 2: (0, 1) and (2, 3).
        Shape shape = new Shape(1, 2, 1, 1, 2, 0, 1);
        INDArray input = Nd4j.createFromArray(1f, 2f, 3f).reshape(1, 1, 3, 1);
        INDArray output = Memory.WHOLE.empty(1, 1, 2, 1);
        try (Convolution convolution = ORACLE.convolution(shape, new float[] {1, 10}, new float[] {0.5f});
                Scratch scratch = new Scratch()) {
            convolution.apply(input, Activation.NONE, output, scratch);
        }
        assertEquals(List.of(10.5f, 32.5f), List.of(output.getFloat(0), output.getFloat(1)));
    }

    @Test
    void wrongSizesAreRefused() {
        Shape shape = new Shape(3, 3, 1, 1, 1, 1, 1);
        fastKernels().forEach(kernels -> {
            try (Convolution convolution = kernels.convolution(shape, new float[9], new float[1]);
                    Scratch scratch = new Scratch()) {
                INDArray input = Memory.WHOLE.empty(1, 5, 5, 1);
                INDArray output = Memory.WHOLE.empty(1, 5, 4, 1);
                assertThrows(
                        IllegalArgumentException.class,
                        () -> convolution.apply(input, Activation.NONE, output, scratch));
            }
        });
    }

    @Test
    void unknownKernelsAreRefused() {
        String message = assertThrows(LuthierException.class, () -> Kernels.named("fast"))
                .getMessage();
        assertTrue(message.contains("cpu, nd4j, plain"), message);
    }
}
