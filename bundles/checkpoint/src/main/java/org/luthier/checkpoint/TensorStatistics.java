package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * What the values of a tensor are like; infinities and NaN are counted and left out of the rest.
 *
 * @param elements all of them
 * @param zeros of either sign
 * @param nan that are no number
 * @param infinite of either sign
 * @param min NaN if no value is finite, as are max, mean and std
 * @param std of the values themselves, not an estimate for others
 * @param l2 square root of the sum of squares
 */
public record TensorStatistics(
        long elements,
        long zeros,
        long nan,
        long infinite,
        double min,
        double max,
        double mean,
        double std,
        double l2) {
    /**
     * Reads a tensor's values, all in double precision.
     *
     * @param bytes as {@link org.luthier.api.checkpoint.Checkpoint#read} gives them
     */
    public static TensorStatistics of(TensorInfo tensor, ByteBuffer bytes) {
        Elements values = new Elements(tensor, bytes);
        long zeros = 0;
        long nan = 0;
        long infinite = 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < values.size(); i++) {
            double value = values.at(i);
            if (Double.isNaN(value)) {
                nan++;
            } else if (Double.isInfinite(value)) {
                infinite++;
            } else {
                zeros += value == 0 ? 1 : 0;
                min = Math.min(min, value);
                max = Math.max(max, value);
                sum += value;
                squares += value * value;
            }
        }
        long finite = values.size() - nan - infinite;
        double mean = sum / finite;
        // A second time: the difference of two large sums would be all rounding where the mean is far from zero.
        double deviations = 0;
        for (int i = 0; i < values.size(); i++) {
            double value = values.at(i);
            if (Double.isFinite(value)) {
                deviations += (value - mean) * (value - mean);
            }
        }
        return new TensorStatistics(
                values.size(),
                zeros,
                nan,
                infinite,
                finite == 0 ? Double.NaN : min,
                finite == 0 ? Double.NaN : max,
                mean,
                Math.sqrt(deviations / finite),
                Math.sqrt(squares));
    }

    /** For JSON: what is no number is null. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("min", number(min));
        map.put("max", number(max));
        map.put("mean", number(mean));
        map.put("std", number(std));
        map.put("l2", number(l2));
        map.put("nan", nan);
        map.put("inf", infinite);
        map.put("zeros", zeros);
        return map;
    }

    private static Double number(double value) {
        return Double.isFinite(value) ? (Double) value : null;
    }
}
