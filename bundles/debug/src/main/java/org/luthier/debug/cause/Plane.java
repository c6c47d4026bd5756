package org.luthier.debug.cause;

import java.util.Arrays;
import org.luthier.debug.RecordedTensor;

/** One row of a recorded tensor; NaN stands for what was not recorded. */
final class Plane extends Field {
    private final float[] values;

    private Plane(float[] values, int[] shape) {
        super(shape);
        this.values = values;
    }

    /**
     * Lays out what was recorded of one row.
     *
     * @param row in the whole tensor
     * @param least sizes that it has at least, where slices do not tell; without rows, or null
     * @return null if the row was not recorded, or the tensor has no rows
     */
    static Plane of(RecordedTensor tensor, int row, int[] least) {
        int rank = tensor.shape().size();
        if (rank < 2) {
            return null;
        }
        int stored = places(tensor, 0, row);
        if (stored < 0) {
            return null;
        }
        int[] from = new int[rank - 1];
        int[][] kept = new int[rank - 1][];
        int[] shape = new int[rank - 1];
        for (int axis = 1; axis < rank; axis++) {
            from[axis - 1] = tensor.shape().get(axis);
            kept[axis - 1] = tensor.kept(axis);
            int[] places = kept[axis - 1];
            shape[axis - 1] = places == null
                    ? from[axis - 1]
                    : Math.max(
                            places.length == 0 ? 0 : places[places.length - 1] + 1,
                            least == null ? 0 : least[axis - 1]);
        }
        int size = product(from);
        if (Arrays.equals(from, shape)) {
            return new Plane(Arrays.copyOfRange(tensor.values(), stored * size, (stored + 1) * size), shape);
        }
        float[] values = new float[product(shape)];
        Arrays.fill(values, Float.NaN);
        int[] index = new int[from.length];
        for (int i = 0; i < size; i++) {
            int to = 0;
            for (int axis = 0; axis < index.length; axis++) {
                to = to * shape[axis] + (kept[axis] == null ? index[axis] : kept[axis][index[axis]]);
            }
            values[to] = tensor.values()[stored * size + i];
            for (int axis = index.length - 1; axis >= 0 && ++index[axis] == from[axis]; axis--) {
                index[axis] = 0;
            }
        }
        return new Plane(values, shape);
    }

    /** What stands at a place of the first two axes together. */
    static Plane part(RecordedTensor tensor, int place) {
        int[] shape =
                tensor.shape().stream().skip(2).mapToInt(Integer::intValue).toArray();
        int size = product(shape);
        return new Plane(Arrays.copyOfRange(tensor.values(), place * size, (place + 1) * size), shape);
    }

    /** All rows of a tensor that was recorded whole, the first axis being rows; else null. */
    static Plane whole(RecordedTensor tensor) {
        return tensor.slices().isEmpty()
                ? new Plane(
                        tensor.values(),
                        tensor.shape().stream().mapToInt(Integer::intValue).toArray())
                : null;
    }

    private static int places(RecordedTensor tensor, int axis, int row) {
        int[] kept = tensor.kept(axis);
        int place = kept == null ? row : Arrays.binarySearch(kept, row);
        return place < tensor.shape().get(axis) ? place : -1;
    }

    private static int product(int[] sizes) {
        return Arrays.stream(sizes).reduce(1, Math::multiplyExact);
    }

    /** This one, with another's numbers where this one has none; the other has the same shape. */
    Plane or(Plane other) {
        if (!Arrays.equals(shape(), other.shape())) {
            return this;
        }
        float[] merged = values.clone();
        for (int i = 0; i < merged.length; i++) {
            merged[i] = Float.isNaN(merged[i]) ? other.values[i] : merged[i];
        }
        return new Plane(merged, shape());
    }

    /** All numbers, row-major; not to be changed. */
    float[] values() {
        return values;
    }

    @Override
    double[] compute(int[] index) {
        int from = 0;
        for (int axis = 0; axis < index.length; axis++) {
            from = from * shape()[axis] + index[axis];
        }
        from *= width();
        double[] vector = new double[width()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = values[from + i];
        }
        return vector;
    }
}
