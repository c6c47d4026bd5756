package org.luthier.debug.cause;

import java.util.List;

/**
 * How well a field fits another.
 *
 * @param error norm of the difference over the target's norm
 * @param count numbers that both have
 */
record Fit(double error, long count) {
    /** A score from here down is masked, and how far down is nobody's business. */
    static final double MASKED = -1e9;

    /** Compares at some places. */
    static Fit of(Field field, Field target, List<int[]> places) {
        double difference = 0;
        double norm = 0;
        long count = 0;
        for (int[] place : places) {
            double[] a = field.at(place);
            double[] b = target.at(place);
            if (a == null || b == null) {
                continue;
            }
            for (int i = 0; i < Math.min(a.length, b.length); i++) {
                boolean masked = a[i] <= MASKED || b[i] <= MASKED;
                if (!masked && !Double.isNaN(a[i]) && !Double.isNaN(b[i])) {
                    difference += (a[i] - b[i]) * (a[i] - b[i]);
                    norm += b[i] * b[i];
                    count++;
                }
            }
        }
        double error = difference == 0 ? 0 : Math.sqrt(difference / norm);
        return new Fit(count == 0 || Double.isNaN(error) ? Double.POSITIVE_INFINITY : error, count);
    }

    boolean isWithin(double limit) {
        return count > 0 && error <= limit;
    }
}
