package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.fastKernels;
import static org.luthier.nn.Tensors.floats;
import static org.luthier.nn.Tensors.tolerance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.nn.Convolution.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Every kernel against the plain loops, on odd sizes and on every kind of view of input and output. */
class KernelsTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    /** The convolutions of Basic Pitch on odd sizes, one of a kind each, some of many channels, and small ones at the borders of what is allowed. */
    private static Stream<Arguments> convolutions() {
        List<Shape> shapes = List.of(
                new Shape(3, 39, 8, 8, 1, 1, 19),
                new Shape(5, 5, 8, 1, 1, 2, 2),
                new Shape(7, 7, 1, 32, 3, 3, 2),
                new Shape(7, 3, 32, 1, 1, 3, 1),
                new Shape(5, 5, 8, 32, 3, 2, 1),
                new Shape(3, 3, 33, 1, 1, 1, 1),
                new Shape(3, 3, 67, 129, 1, 1, 1),
                new Shape(3, 1, 40, 32, 1, 1, 0),
                new Shape(1, 4, 32, 33, 3, 0, 2),
                new Shape(5, 5, 32, 32, 1, 4, 4),
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
        return fastKernels().flatMap(kernels -> Arrays.stream(sizes).map(size -> Arguments.of(kernels, size)));
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
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void activations(Kernels kernels) {
        Random random = new Random(3);
        for (int n : new int[] {1, 13, 207, 5000}) {
            for (Memory memory : Memory.values()) {
                for (Activation activation : Activation.values()) {
                    INDArray x = memory.random(random, n, 3).muli(8f);
                    INDArray expected = x.dup('c');
                    ORACLE.activate(activation, expected);
                    kernels.activate(activation, x);
                    // A few units in the last place, of 1 or of a copied number; GELU's sigmoid rounds an exponent of
                    // up to 88.
                    assertClose(expected, x, 3e-7, 1e-6);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void activationsAtTheEnds(Kernels kernels) {
        float[] ends = {
            0f, -0f, 1e-30f, 17f, -17f, 20f, -20f, 88f, -88f, 1000f, -1000f, Float.MAX_VALUE, -Float.MAX_VALUE
        };
        for (Activation activation : Activation.values()) {
            INDArray x = Nd4j.createFromArray(ends.clone());
            INDArray expected = Nd4j.createFromArray(ends.clone());
            ORACLE.activate(activation, expected);
            kernels.activate(activation, x);
            assertClose(expected, x, 3e-7);
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
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
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
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
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
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
        // 0.5 (1 + tanh(0.7978845608 * 1.044715)) with an arbitrary-precision calculator.
        INDArray x = Nd4j.createFromArray(1f, -1f, 3f, 0f);
        ORACLE.activate(Activation.GELU_TANH, x);
        assertClose(Nd4j.createFromArray(0.84119199f, -0.15880801f, 2.99636261f, 0f), x, 1e-7);
    }

    @Test
    void oracleConvolutionByHand() {
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
