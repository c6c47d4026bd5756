package org.luthier.debug.cause;

import java.util.function.Function;

/**
 * What a computation that moves numbers from row to row has to know: the whole of what it is given and makes.
 *
 * @param shape of the output, rows first; null if nobody recorded it
 * @param row which of its rows is asked for
 * @param tensors all rows of an input as one field, the first axis being rows; null for one that was not recorded whole
 */
record AllRows(int[] shape, int row, Function<String, Field> tensors) {
    /** Where nobody knows. */
    static final AllRows UNKNOWN = new AllRows(null, 0, name -> null);

    /** The shape of one row of the output, or null. */
    int[] shapeOfRow() {
        return shape == null ? null : java.util.Arrays.copyOfRange(shape, 1, shape.length);
    }
}
