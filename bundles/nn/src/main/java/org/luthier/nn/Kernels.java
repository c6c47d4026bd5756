package org.luthier.nn;

import java.util.BitSet;
import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Execution;
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

    /**
     * The kernels to run on.
     *
     * @throws LuthierException if there are none of that id, or they do not work where the backend has its memory
     */
    static Kernels of(Execution execution) {
        if (execution.kernels().equals("cpu") && !execution.backend().equals("cpu")) {
            throw new LuthierException("kernels 'cpu' work in the host's memory, but the backend is "
                    + execution.backend() + "; use --kernels nd4j or --backend cpu");
        }
        return named(execution.kernels());
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
     * x * scale + offset with one scale and offset for each channel, as a batch norm is where nothing is learnt (Ioffe and Szegedy 2015).
     *
     * @param x [..., channels]
     * @param scale [channels]
     * @param offset [channels]
     * @param output of the shape of x, may be x
     */
    void affine(INDArray x, INDArray scale, INDArray offset, INDArray output);

    /**
     * Means of so many neighbouring frequencies of x = activation(a + b): output[row, time, f, c] is the mean of x[row, time, f * width + i,
     * c], i below width. What is left over at the end is dropped.
     *
     * @param a [rows, time, frequency, channels]
     * @param b of the shape of a
     * @param output [rows, time, frequency / width, channels]; overlaps neither
     */
    void averagePool(INDArray a, INDArray b, Activation activation, int width, INDArray output);

    /**
     * A convolution over time of each channel by itself (a correlation: the kernel is not flipped), with as many zeros before as after:
     * output[row, t, c] = sum over k of x[row, t + k - (taps - 1) / 2, c] * weight[k, c].
     *
     * @param x [rows, length, channels]
     * @param weight [taps, channels], an odd number of taps
     * @param output of the shape of x; does not overlap it
     */
    void depthwise(INDArray x, INDArray weight, INDArray output);

    /**
     * Turns pairs of the columns of each head by angles that depend on the position, in place (Su et al. 2021): (a, b) becomes (a cos - b
     * sin, b cos + a sin). Columns of a head beyond the pairs stay.
     *
     * @param x [rows, length, heads * size]
     * @param halves whether pair i is of columns i and pairs + i; else it is of 2 i and 2 i + 1
     * @param cosines [length, pairs]
     * @param sines [length, pairs]
     */
    void rotate(INDArray x, int heads, boolean halves, INDArray cosines, INDArray sines);

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
    default Projection projection(float[] weight, int inputs, int outputs) {
        return projection(weight, null, inputs, outputs);
    }

    /**
     * Prepares a matrix product with a fixed matrix, plus a bias.
     *
     * @param weight [inputs, outputs], row-major; copied
     * @param bias [outputs]; copied. Null for none
     */
    Projection projection(float[] weight, float[] bias, int inputs, int outputs);

    /**
     * Lines of a table: output[i] = table[ids[i]].
     *
     * @param table [lines, width]
     * @param output [ids.length, width]
     * @throws IllegalArgumentException if the table has no such line
     */
    void lookup(INDArray table, int[] ids, INDArray output);

    /**
     * Adds weighted lines to some of a table: table[ids[i]] += factors[i] * x[i], in the order of i; the way back of {@link #lookup}.
     *
     * @param x [ids.length, width]
     * @param factors as many as ids
     * @param ids may have one repeatedly
     * @param table [lines, width]; does not overlap x
     * @throws IllegalArgumentException if the table has no such line
     */
    void scatterAdd(INDArray x, float[] factors, int[] ids, INDArray table);

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
     * (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + offset over the last axis (Ba et al. 2016).
     *
     * @param scale [width]
     * @param offset [width]
     * @param output of the shape of x, may be x
     */
    void layerNorm(INDArray x, INDArray scale, INDArray offset, float epsilon, INDArray output);

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
     * @param values [rows, length, width of the values]
     */
    KeyValues keyValues(Heads heads, INDArray keys, INDArray values);

    /**
     * An empty cache of keys and values. Those that the steps of a decoder read again and again, as of cross-attention, belong here too,
     * appended once: they are copied to where they are read best.
     */
    KeyValueCache cache(Heads heads, int rows);
}
