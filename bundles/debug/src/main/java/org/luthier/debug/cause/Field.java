package org.luthier.debug.cause;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * One row of a tensor, recorded or computed, as vectors along its last axis. A vector is computed when it is asked for, and kept.
 *
 * <p>Shapes and indices are without the axis of rows: frames x width, or heads x queries x keys.
 */
abstract class Field {
    private final int[] shape;
    private final Map<Integer, double[]> known = new HashMap<>();

    Field(int... shape) {
        this.shape = shape;
    }

    /** A field that a function makes. */
    static Field of(int[] shape, Function<int[], double[]> vectors) {
        return new Field(shape) {
            @Override
            double[] compute(int[] index) {
                return vectors.apply(index);
            }
        };
    }

    final int[] shape() {
        return shape;
    }

    final int width() {
        return shape[shape.length - 1];
    }

    /** The vector at an index of all axes but the last; null where it is not known or there is none. */
    final double[] at(int... index) {
        if (index.length != shape.length - 1) {
            return null;
        }
        int flat = 0;
        for (int axis = 0; axis < index.length; axis++) {
            if (index[axis] < 0 || index[axis] >= shape[axis]) {
                return null;
            }
            flat = flat * shape[axis] + index[axis];
        }
        if (!known.containsKey(flat)) {
            known.put(flat, compute(index));
        }
        return known.get(flat);
    }

    /** The same where every number is known; else null. */
    final double[] whole(int... index) {
        double[] vector = at(index);
        if (vector != null) {
            for (double value : vector) {
                if (Double.isNaN(value)) {
                    return null;
                }
            }
        }
        return vector;
    }

    abstract double[] compute(int[] index);

    /** A field of the same shape whose vectors are made from this one's. */
    final Field map(Function<double[], double[]> change) {
        return of(shape, index -> {
            double[] vector = at(index);
            return vector == null ? null : change.apply(vector);
        });
    }

    /** A field of the same shape whose vectors stand elsewhere in this one. */
    final Field moved(Function<int[], int[]> from) {
        return of(shape, index -> at(from.apply(index)));
    }

    /** Two axes exchanged. */
    final Field turned() {
        Field from = this;
        return of(new int[] {shape[1], shape[0]}, index -> {
            double[] column = new double[shape[0]];
            for (int i = 0; i < column.length; i++) {
                double[] line = from.at(i);
                column[i] = line == null ? Double.NaN : line[index[0]];
            }
            return column;
        });
    }
}
