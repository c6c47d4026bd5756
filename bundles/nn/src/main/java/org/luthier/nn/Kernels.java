package org.luthier.nn;

import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.nn.internal.CpuKernels;
import org.luthier.nn.internal.Nd4jKernels;
import org.luthier.nn.internal.PlainKernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The arithmetic under the layers.
 *
 * <p>Three implementations compute the same to rounding: {@code plain} is Java loops with double sums, the oracle; {@code nd4j} is ND4J
 * operations only and runs on every ND4J backend; {@code cpu} is the fast one. All take arrays of any strides and write into memory
 * that the caller owns. They hold no state and may be shared; what needs memory of its own takes a {@link Scratch}, one a worker.
 */
public interface Kernels {
    /** The kernels there are, fastest first. */
    List<String> IDS = List.of("cpu", "nd4j", "plain");

    /**
     * The kernels of an id.
     *
     * @throws LuthierException if there are none
     */
    static Kernels named(String id) {
        return switch (id) {
            case "plain" -> new PlainKernels();
            case "nd4j" -> new Nd4jKernels();
            case "cpu" -> new CpuKernels();
            default ->
                throw new LuthierException(
                        "no kernels '" + id + "'; there are " + String.join(", ", IDS) + "; choose one with --kernels");
        };
    }

    /** One of {@link #IDS}. */
    String id();

    /**
     * Prepares a convolution: lays its weights out as this implementation likes them.
     *
     * @param shape what it is like
     * @param weight [kernel time, kernel frequency, inputs, outputs], row-major; copied
     * @param bias [outputs]; copied
     */
    Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias);

    /**
     * Matrix product.
     *
     * @param a [m, k]
     * @param b [k, n]
     * @param output [m, n]; overwritten, overlaps neither input
     */
    void matmul(INDArray a, INDArray b, INDArray output);

    /** Applies an activation in place. */
    void activate(Activation activation, INDArray x);

    /**
     * x * scale + offset.
     *
     * @param output of the shape of x, may be x
     */
    void affine(INDArray x, float scale, float offset, INDArray output);

    /**
     * Stacks shifted copies of the last axis: output[row, time, f, c] = x[row, time, f + shifts[c]], and 0 where that lies outside.
     *
     * @param x [rows, time, bins]
     * @param output [rows, time, output bins, shifts.length]
     */
    void stack(INDArray x, int[] shifts, INDArray output);

    /**
     * Joins along the last axis.
     *
     * @param output [..., channels of a + channels of b]
     */
    void concatenate(INDArray a, INDArray b, INDArray output);
}
