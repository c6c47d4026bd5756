package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Numbers for tests, and how near results have to be. */
final class Tensors {
    private Tensors() {}

    /** All but the oracle. */
    static Stream<Kernels> fastKernels() {
        return Stream.of(Kernels.named("nd4j"), Kernels.named("cpu"));
    }

    /** Normal numbers. */
    static float[] floats(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A row-major tensor. */
    static INDArray tensor(long[] shape, float... values) {
        return Nd4j.create(values, shape, 'c');
    }

    /** Float sums of n products of normal numbers against double sums: rounding grows at most with n, in practice with its root. */
    static double tolerance(int products) {
        return 1e-6 * (8 + Math.sqrt(products) * 4);
    }

    /** Each element is as near as the tolerance, absolute. */
    static void assertClose(INDArray expected, INDArray got, double tolerance) {
        assertClose(expected, got, tolerance, 0);
    }

    /** Each element is as near as the one tolerance and the other times its size. */
    static void assertClose(INDArray expected, INDArray got, double absolute, double relative) {
        assertArrayEquals(expected.shape(), got.shape());
        float[] want = HostFloats.copy(expected);
        float[] have = HostFloats.copy(got);
        for (int i = 0; i < want.length; i++) {
            if (want[i] != have[i]) {
                assertEquals(want[i], have[i], absolute + relative * Math.abs(want[i]), "element " + i);
            }
        }
    }
}
