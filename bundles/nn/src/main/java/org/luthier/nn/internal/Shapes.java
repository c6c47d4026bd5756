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
