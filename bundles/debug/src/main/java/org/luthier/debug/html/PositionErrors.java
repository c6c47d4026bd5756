package org.luthier.debug.html;

import java.util.Arrays;
import java.util.List;
import org.luthier.debug.CommonPlaces;

/**
 * How far a tensor is from the reference's at each position: the largest difference, relative to max(1, largest value of the reference).
 *
 * @param errors of each position, one row of the tensor behind another; NaN where nothing was compared, infinite where only one side is
 *     a number
 * @param first the position that comes first in the whole tensor
 * @param positions how many in a row
 */
record PositionErrors(double[] errors, int first, int positions) {
    /** @param axis the dimension that counts positions */
    static PositionErrors of(CommonPlaces common, int axis) {
        List<Integer> sizes = common.sizes();
        if (sizes.isEmpty() || sizes.contains(0)) {
            return new PositionErrors(new double[0], 0, 0);
        }
        int rows = axis == 0 ? 1 : sizes.get(0);
        int last = sizes.get(axis) - 1;
        int first = common.whole(axis, 0);
        int positions = axis == 0 ? sizes.get(0) : common.whole(axis, last) - first + 1;
        double[] errors = new double[Math.multiplyExact(rows, positions)];
        Arrays.fill(errors, Double.NaN);
        double[] scale = {1};
        common.forEach((index, trace, reference) -> {
            int row = axis == 0 ? 0 : index[0];
            int position = axis == 0 ? index[0] : common.whole(axis, index[axis]) - first;
            int at = row * positions + position;
            double error = difference(trace, reference);
            if (!(errors[at] >= error)) {
                errors[at] = error;
            }
            if (Float.isFinite(reference)) {
                scale[0] = Math.max(scale[0], Math.abs(reference));
            }
        });
        for (int i = 0; i < errors.length; i++) {
            errors[i] /= scale[0];
        }
        return new PositionErrors(errors, first, positions);
    }

    private static double difference(float trace, float reference) {
        if (Float.compare(trace, reference) == 0) {
            return 0;
        }
        double difference = Math.abs((double) trace - reference);
        return Double.isFinite(difference) ? difference : Double.POSITIVE_INFINITY;
    }

    /** Where the largest error is; -1 if nothing was compared. */
    int worst() {
        int worst = -1;
        for (int i = 0; i < errors.length; i++) {
            if (worst < 0 ? !Double.isNaN(errors[i]) : errors[i] > errors[worst]) {
                worst = i;
            }
        }
        return worst;
    }

    /** At most so many numbers, each the largest of its neighbours. */
    double[] pooled(int most) {
        int columns = Math.min(most, errors.length);
        double[] pooled = new double[columns];
        Arrays.fill(pooled, Double.NaN);
        for (int i = 0; i < errors.length; i++) {
            int column = (int) ((long) i * columns / errors.length);
            if (!(pooled[column] >= errors[i])) {
                pooled[column] = Double.isNaN(errors[i]) ? pooled[column] : errors[i];
            }
        }
        return pooled;
    }
}
