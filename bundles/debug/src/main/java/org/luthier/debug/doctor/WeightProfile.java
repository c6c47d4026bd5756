package org.luthier.debug.doctor;

import java.nio.ByteBuffer;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.TensorStatistics;

/**
 * What the values of a weight are like.
 *
 * @param name canonical name
 * @param role the name without the number of the layer
 * @param type narrowest floating-point type that holds all its values
 * @param emptyRows rows that are all zero; 0 of what is no matrix
 * @param emptyColumns the same of columns
 * @param unevenness how much more the rows, or the columns, differ in size than those of independent random numbers would, which is near
 *     1; NaN of what is no matrix, or too small a one
 */
record WeightProfile(
        String name,
        String role,
        TensorInfo tensor,
        DType type,
        TensorStatistics values,
        int emptyRows,
        int emptyColumns,
        double unevenness) {
    /** A matrix with fewer rows or columns than this may be uneven by chance. */
    private static final int LEAST_LINES = 16;

    static WeightProfile of(Checkpoint weights, TensorInfo tensor) {
        ByteBuffer bytes = weights.read(tensor.name());
        float[] floats = weights.floats(tensor.name());
        TensorStatistics values = TensorStatistics.of(tensor, bytes);
        boolean matrix = tensor.shape().size() == 2 && floats.length > 0;
        double[] rows = matrix ? squares(floats, tensor.shape().get(1).intValue(), true) : new double[0];
        double[] columns = matrix ? squares(floats, tensor.shape().get(1).intValue(), false) : new double[0];
        return new WeightProfile(
                tensor.name(),
                tensor.name().replaceFirst("\\d+", "*"),
                tensor,
                narrowest(tensor.dtype(), floats),
                values,
                empty(rows),
                empty(columns),
                unevenness(floats, rows, columns));
    }

    /** Root of the mean square. */
    double size() {
        return values.l2() / Math.sqrt(values.elements());
    }

    boolean isMatrix() {
        return tensor.shape().size() >= 2;
    }

    boolean isZero() {
        return values.zeros() == values.elements();
    }

    boolean isConstant() {
        return values.elements() > 1 && values.min() == values.max() && values.nan() + values.infinite() == 0;
    }

    boolean isFinite() {
        return values.nan() + values.infinite() == 0;
    }

    /** Sums of squares of each row, or of each column. */
    private static double[] squares(float[] values, int columns, boolean ofRows) {
        double[] sums = new double[ofRows ? values.length / columns : columns];
        for (int i = 0; i < values.length; i++) {
            sums[ofRows ? i / columns : i % columns] += (double) values[i] * values[i];
        }
        return sums;
    }

    private static int empty(double[] squares) {
        int count = 0;
        for (double square : squares) {
            count += square == 0 ? 1 : 0;
        }
        return count;
    }

    /**
     * Of independent numbers of variance s and kurtosis k, the mean square of n of them has the standard deviation s sqrt((k - 1) / n).
     * Training makes some rows and columns larger than others.
     */
    private static double unevenness(float[] values, double[] rows, double[] columns) {
        if (Math.min(rows.length, columns.length) < LEAST_LINES) {
            return Double.NaN;
        }
        double second = 0;
        double fourth = 0;
        for (float value : values) {
            double square = (double) value * value;
            second += square / values.length;
            fourth += square * square / values.length;
        }
        double expected = Math.sqrt(fourth - second * second);
        return Math.max(
                deviation(rows, columns.length) / expected * Math.sqrt(columns.length),
                deviation(columns, rows.length) / expected * Math.sqrt(rows.length));
    }

    /** Standard deviation of sums over a number of elements, as means. */
    private static double deviation(double[] sums, int of) {
        double mean = 0;
        for (double sum : sums) {
            mean += sum / of / sums.length;
        }
        double square = 0;
        for (double sum : sums) {
            square += (sum / of - mean) * (sum / of - mean) / sums.length;
        }
        return Math.sqrt(square);
    }

    private static DType narrowest(DType stored, float[] values) {
        if (stored == DType.F16 || stored == DType.BF16) {
            return stored;
        }
        boolean brain = true;
        boolean half = true;
        for (float value : values) {
            int bits = Float.floatToRawIntBits(value);
            brain &= (bits & 0xffff) == 0;
            // An F16 has 10 bits of fraction and steps of 2^-24 below 2^-14.
            float scaled = value * 0x1p24f;
            half &= Math.abs(value) < 0x1p-14f
                    ? scaled == Math.rint(scaled)
                    : (bits & 0x1fff) == 0 && Math.abs(value) < 65520;
        }
        return brain ? DType.BF16 : half ? DType.F16 : stored;
    }
}
