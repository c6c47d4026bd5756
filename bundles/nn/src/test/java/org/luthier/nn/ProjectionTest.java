package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.fastKernels;
import static org.luthier.nn.Tensors.floats;
import static org.luthier.nn.Tensors.tensor;
import static org.luthier.nn.Tensors.tolerance;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.nn.Memory.Place;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Products with fixed matrices against the plain loops, for one line (a step of a row), a few and many. */
class ProjectionTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    private static Stream<Arguments> cases() {
        int[][] sizes = {
            {1, 1, 1},
            {1, 13, 207},
            {13, 207, 13},
            {207, 13, 1},
            {207, 1, 13},
            {2, 64, 48},
            {3, 65, 17},
            {5, 31, 33},
            {7, 128, 16},
            {16, 100, 96},
            {17, 207, 127},
            {1, 512, 1152},
            {10, 384, 512},
        };
        return fastKernels().flatMap(kernels -> Stream.of(sizes).map(size -> Arguments.of(kernels, size)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void projection(Kernels kernels, int[] size) {
        Random random = new Random(1);
        int m = size[0];
        int inputs = size[1];
        int outputs = size[2];
        float[] weight = floats(random, inputs * outputs);
        try (Projection oracle = ORACLE.projection(weight, inputs, outputs);
                Projection projection = kernels.projection(weight, inputs, outputs);
                Scratch scratch = new Scratch()) {
            Arrays.fill(weight, Float.NaN); // it was copied
            assertEquals(inputs, projection.inputs());
            assertEquals(outputs, projection.outputs());
            for (Memory memory : Memory.values()) {
                INDArray x = memory.random(random, m, inputs);
                INDArray before = x.dup('c');
                for (Memory outputMemory : Memory.values()) {
                    INDArray expected = Memory.WHOLE.random(random, m, outputs);
                    Place output = outputMemory.place(m, outputs);
                    output.tensor().assign(expected);
                    oracle.accumulate(x, expected, scratch);
                    projection.accumulate(x, output.tensor(), scratch);
                    assertClose(expected, output.tensor(), tolerance(inputs + 1));
                    assertTrue(output.isUntouchedAround());

                    oracle.apply(x, expected, scratch);
                    output.tensor().assign(Float.NaN); // what was there does not count
                    projection.apply(x, output.tensor(), scratch);
                    assertClose(expected, output.tensor(), tolerance(inputs));
                }
                assertClose(before, x, 0);
            }
        }
    }

    /** One scratch serves projections of all sizes, one after the other. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void oneScratchForAll(Kernels kernels) {
        Random random = new Random(2);
        try (Scratch scratch = new Scratch()) {
            for (int width : new int[] {207, 13, 1, 64, 300}) {
                for (int m : new int[] {13, 1, 40}) {
                    float[] weight = floats(random, width * 31);
                    try (Projection oracle = ORACLE.projection(weight, width, 31);
                            Projection projection = kernels.projection(weight, width, 31)) {
                        INDArray x = Memory.WHOLE.random(random, m, width);
                        INDArray expected = Memory.WHOLE.empty(m, 31);
                        INDArray output = Memory.COLUMNS.random(random, m, 31);
                        oracle.apply(x, expected, scratch);
                        projection.apply(x, output, scratch);
                        assertClose(expected, output, tolerance(width));
                    }
                }
            }
        }
    }

    @Test
    void wrongSizesAreRefused() {
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            try (Projection projection = kernels.projection(new float[15], 3, 5);
                    Scratch scratch = new Scratch()) {
                INDArray x = Memory.WHOLE.empty(2, 3);
                INDArray y = Memory.WHOLE.empty(2, 5);
                for (INDArray wrong :
                        new INDArray[] {Memory.WHOLE.empty(2, 4), Memory.WHOLE.empty(1, 5), Memory.WHOLE.empty(1, 2, 5)
                        }) {
                    assertThrows(IllegalArgumentException.class, () -> projection.apply(x, wrong, scratch));
                    assertThrows(IllegalArgumentException.class, () -> projection.accumulate(x, wrong, scratch));
                    assertThrows(IllegalArgumentException.class, () -> projection.apply(wrong, y, scratch));
                }
            }
        });
    }

    @Test
    void oracleByHand() {
        try (Projection projection = ORACLE.projection(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
                Scratch scratch = new Scratch()) {
            INDArray output = Memory.WHOLE.empty(2, 3);
            projection.apply(tensor(new long[] {2, 2}, 1, 10, 0, 1), output, scratch);
            assertClose(tensor(new long[] {2, 3}, 41, 52, 63, 4, 5, 6), output, 0);
            projection.accumulate(tensor(new long[] {2, 2}, 1, 0, 0, 0), output, scratch);
            assertClose(tensor(new long[] {2, 3}, 42, 54, 66, 4, 5, 6), output, 0);
        }
    }
}
