package org.luthier.nn.internal;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Products of OpenBLAS for few rows. With AVX-512 it has kernels for small products that read both matrices where they lie; elsewhere
 * it first packs the larger one, which costs more than the product, and a matrix-vector product for each row is faster. Which of the two
 * this machine has is measured, for OpenBLAS does not tell.
 */
final class Blas {
    /** Most multiplications of a product that the small kernels take; they are fastest near it too. */
    static final int SMALL = 1_000_000;

    /** Rows from which on packing pays where there are no small kernels. */
    private static final int PACKED_ROWS = 10;

    private static final boolean HAS_SMALL_KERNELS = measure();

    private Blas() {}

    /** Whether products of up to {@link #SMALL} multiplications read their matrices where they lie. */
    static boolean hasSmallKernels() {
        return HAS_SMALL_KERNELS;
    }

    /**
     * Rows of a product that the small kernels take, in full fours, which is how many they take at a time.
     *
     * @param multiplications of a row
     */
    static int smallRows(int multiplications) {
        return fours(SMALL / multiplications);
    }

    /** Rounded to full fours, if there are as many. */
    static int fours(int rows) {
        return Math.max(1, rows < 4 ? rows : rows / 4 * 4);
    }

    /**
     * output = factor a b + kept output, all row-major.
     *
     * @param rows of a and of the output
     * @param columns of b and of the output
     * @param depth columns of a, rows of b
     * @param transposed whether b lies as [columns, depth]
     * @param kept 0 to overwrite, 1 to add
     */
    static void multiply(
            boolean transposed,
            int rows,
            int columns,
            int depth,
            float factor,
            FloatPointer a,
            int leadA,
            FloatPointer b,
            int leadB,
            float kept,
            FloatPointer output,
            int leadOutput) {
        if (HAS_SMALL_KERNELS || rows >= PACKED_ROWS) {
            gemm(transposed, rows, columns, depth, factor, a, leadA, b, leadB, kept, output, leadOutput);
        } else {
            gemv(transposed, rows, columns, depth, factor, a, leadA, b, leadB, kept, output, leadOutput);
        }
    }

    static void gemm(
            boolean transposed,
            int rows,
            int columns,
            int depth,
            float factor,
            FloatPointer a,
            int leadA,
            FloatPointer b,
            int leadB,
            float kept,
            FloatPointer output,
            int leadOutput) {
        openblas_nolapack.cblas_sgemm(
                CblasRowMajor,
                CblasNoTrans,
                transposed ? CblasTrans : CblasNoTrans,
                rows,
                columns,
                depth,
                factor,
                a,
                leadA,
                b,
                leadB,
                kept,
                output,
                leadOutput);
    }

    static void gemv(
            boolean transposed,
            int rows,
            int columns,
            int depth,
            float factor,
            FloatPointer a,
            int leadA,
            FloatPointer b,
            int leadB,
            float kept,
            FloatPointer output,
            int leadOutput) {
        Address from = new Address();
        Address to = new Address();
        long start = a.address() + a.position() * Float.BYTES;
        long end = output.address() + output.position() * Float.BYTES;
        for (long row = 0; row < rows; row++) {
            openblas_nolapack.cblas_sgemv(
                    CblasRowMajor,
                    transposed ? CblasNoTrans : CblasTrans,
                    transposed ? columns : depth,
                    transposed ? depth : columns,
                    factor,
                    b,
                    leadB,
                    from.at(start + row * leadA * Float.BYTES),
                    1,
                    kept,
                    to.at(end + row * leadOutput * Float.BYTES),
                    1);
        }
    }

    /** A product of the decoder's size both ways, the best of a few turns: they differ by a factor of two and more. */
    private static boolean measure() {
        int rows = 4;
        int columns = 64;
        int depth = 512;
        try (FloatPointer a = new FloatPointer(new float[rows * depth]);
                FloatPointer b = new FloatPointer(new float[depth * columns]);
                FloatPointer output = new FloatPointer(new float[rows * columns])) {
            long product = Long.MAX_VALUE;
            long vectors = Long.MAX_VALUE;
            for (int turn = 0; turn < 12; turn++) {
                long start = System.nanoTime();
                gemm(false, rows, columns, depth, 1, a, depth, b, columns, 0, output, columns);
                long between = System.nanoTime();
                gemv(false, rows, columns, depth, 1, a, depth, b, columns, 0, output, columns);
                product = Math.min(product, between - start);
                vectors = Math.min(vectors, System.nanoTime() - between);
            }
            return product < vectors;
        }
    }
}
