package org.luthier.nn;

import java.util.BitSet;
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

    /**
     * Prepares a matrix product with a fixed matrix.
     *
     * @param weight [inputs, outputs], row-major; copied
     */
    Projection projection(float[] weight, int inputs, int outputs);

    /**
     * Lines of a table: output[i] = table[ids[i]].
     *
     * @param table [lines, width]
     * @param output [ids.length, width]
     * @throws IllegalArgumentException if the table has no such line
     */
    void lookup(INDArray table, int[] ids, INDArray output);

    /**
     * x += y.
     *
     * @param x [..., shape of y]; y is added to each
     */
    void add(INDArray x, INDArray y);

    /**
     * x / sqrt(mean(x^2) + epsilon) * scale over the last axis, without subtracting the mean (Zhang and Sennrich 2019).
     *
     * @param scale [width]
     * @param output of the shape of x, may be x
     */
    void rmsNorm(INDArray x, INDArray scale, float epsilon, INDArray output);

    /**
     * activation(gate) * up (Shazeer 2020).
     *
     * @param output of the shape of both; may be one of them
     */
    void gate(Activation activation, INDArray gate, INDArray up, INDArray output);

    /** Softmax over the last axis, in place. */
    void softmax(INDArray x);

    /**
     * The first of the largest values of each row.
     *
     * @param x [rows, n], all numbers
     * @param allowed for each row the columns that count; null to allow all, or a null element for one row
     * @throws IllegalArgumentException if a row has no column that counts
     */
    int[] argmax(INDArray x, BitSet[] allowed);

    /**
     * Keys and values over memory that the caller owns and keeps while they are used; not copied where positions lie at equal distances, as
     * in a tensor of its own or in columns of a fused product.
     *
     * @param keys [rows, length, width]
     * @param values [rows, length, width]
     */
    KeyValues keyValues(Heads heads, INDArray keys, INDArray values);

    /**
     * An empty cache of keys and values. Those that the steps of a decoder read again and again, as of cross-attention, belong here too,
     * appended once: they are copied to where they are read best.
     */
    KeyValueCache cache(Heads heads, int rows);
}
