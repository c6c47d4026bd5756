package org.luthier.nn.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.nn.Kernels;

/** Both ways of a product, whichever this machine takes: a machine has only one of them. */
class BlasTest {
    @ParameterizedTest
    @CsvSource({
        "false, 1, 64, 13, 1, 0",
        "false, 7, 13, 207, 0.5, 1",
        "true, 1, 207, 64, 2, 0",
        "true, 4, 13, 5, 0.125, 1",
        "false, 3, 1, 1, 1, 1"
    })
    void productsOfRowsAreTheProduct(boolean transposed, int rows, int columns, int depth, float factor, float kept) {
        Kernels.named("cpu"); // sets the threads of BLAS
        int gap = 3;
        float[] a = floats(rows * (depth + gap));
        float[] b = floats((transposed ? columns : depth) * ((transposed ? depth : columns) + gap));
        float[] before = floats(rows * (columns + gap));
        int leadB = (transposed ? depth : columns) + gap;
        float[] expected = before.clone();
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                for (int k = 0; k < depth; k++) {
                    sum += (double) a[i * (depth + gap) + k] * b[transposed ? j * leadB + k : k * leadB + j];
                }
                int at = i * (columns + gap) + j;
                expected[at] = (float) (factor * sum + kept * before[at]);
            }
        }
        for (boolean vectors : new boolean[] {false, true}) {
            try (FloatPointer left = new FloatPointer(a);
                    FloatPointer right = new FloatPointer(b);
                    FloatPointer output = new FloatPointer(before)) {
                if (vectors) {
                    Blas.gemv(
                            transposed,
                            rows,
                            columns,
                            depth,
                            factor,
                            left,
                            depth + gap,
                            right,
                            leadB,
                            kept,
                            output,
                            columns + gap);
                } else {
                    Blas.gemm(
                            transposed,
                            rows,
                            columns,
                            depth,
                            factor,
                            left,
                            depth + gap,
                            right,
                            leadB,
                            kept,
                            output,
                            columns + gap);
                }
                float[] got = new float[expected.length];
                output.get(got);
                for (int i = 0; i < got.length; i++) {
                    // Sums of up to 207 products of normal numbers.
                    assertEquals(expected[i], got[i], 5e-5, "element " + i);
                }
            }
        }
    }

    private static float[] floats(int n) {
        Random random = new Random(n);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
