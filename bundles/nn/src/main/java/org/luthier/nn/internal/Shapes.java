package org.luthier.nn.internal;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Checks of what callers give, before memory outside of it is touched. A failure is a defect of the caller, never a user's doing. */
final class Shapes {
    private Shapes() {}

    /**
     * Checks a shape.
     *
     * @param what the tensor, for the message
     * @param shape the sizes; -1 for any
     * @throws IllegalArgumentException if it is another
     */
    static void check(String what, INDArray x, long... shape) {
        boolean fits = x.rank() == shape.length;
        for (int d = 0; fits && d < shape.length; d++) {
            fits = shape[d] == -1 || shape[d] == x.size(d);
        }
        if (!fits) {
            throw new IllegalArgumentException(
                    what + ": expected " + Arrays.toString(shape) + " (-1 is any), got " + Arrays.toString(x.shape()));
        }
    }

    /** Checks what is added to scores [rows, heads, queries, keys]; may be null. */
    static void bias(INDArray bias, INDArray scores) {
        if (bias != null) {
            check("bias of scores", bias, scores.size(1), scores.size(2), scores.size(3));
        }
    }

    /** Checks what {@link org.luthier.nn.Kernels#averagePool} is given. */
    static void pooled(INDArray x, INDArray y, int width, INDArray output) {
        check("input of a pooling", x, -1, -1, -1, -1);
        check("other input of a pooling", y, x.shape());
        check("output of a pooling", output, x.size(0), x.size(1), x.size(2) / width, x.size(3));
    }

    /** Checks what {@link org.luthier.nn.Kernels#depthwise} is given. */
    static void depthwise(INDArray x, INDArray weight, INDArray output) {
        check("input of a depthwise convolution", x, -1, -1, -1);
        check("weight of a depthwise convolution", weight, -1, x.size(2));
        check("output of a depthwise convolution", output, x.shape());
        if (weight.size(0) % 2 == 0) {
            throw new IllegalArgumentException(
                    "a depthwise convolution has an odd number of taps, not " + weight.size(0));
        }
    }

    /** Checks what {@link org.luthier.nn.Kernels#rotate} is given. */
    static void rotated(INDArray x, int heads, INDArray cosines, INDArray sines) {
        check("what is rotated", x, -1, -1, -1);
        check("cosines", cosines, x.size(1), -1);
        check("sines", sines, cosines.shape());
        if (x.size(2) % heads != 0 || 2 * cosines.size(1) > x.size(2) / heads) {
            throw new IllegalArgumentException(
                    cosines.size(1) + " pairs in each of " + heads + " heads of " + x.size(2) + " columns");
        }
    }

    /** Checks what {@link org.luthier.nn.Kernels#scatterAdd} is given. */
    static void scattered(INDArray x, float[] factors, int[] ids, INDArray table) {
        check("lines to add", x, ids.length, table.size(1));
        if (factors.length != ids.length) {
            throw new IllegalArgumentException(ids.length + " lines to add, but " + factors.length + " factors");
        }
        for (int id : ids) {
            index("id", id, table.size(0));
        }
    }

    /**
     * Checks an index.
     *
     * @return the index
     * @throws IllegalArgumentException if it is not from 0 to size - 1
     */
    static int index(String what, int index, long size) {
        if (index < 0 || index >= size) {
            throw new IllegalArgumentException(what + " " + index + " is not among the " + size + " there are");
        }
        return index;
    }

    /**
     * The rows of a batch after others took their places.
     *
     * @param rows what the rows were
     * @param sources for each new row its old one
     */
    static int[] select(int[] rows, int[] sources) {
        int[] selected = new int[sources.length];
        for (int i = 0; i < sources.length; i++) {
            selected[i] = rows[index("row", sources[i], rows.length)];
        }
        return selected;
    }
}
