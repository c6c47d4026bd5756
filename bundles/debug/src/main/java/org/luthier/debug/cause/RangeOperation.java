package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** (x - least) / (most - least + epsilon), least and most of a whole row. */
final class RangeOperation implements Operation {
    private static final double[] EPSILONS = {0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

    private final Field x;
    private final double epsilon;
    private double least = Double.POSITIVE_INFINITY;
    private double most = Double.NEGATIVE_INFINITY;
    private double sum;
    private double squares;
    private long count;

    RangeOperation(Task task) {
        x = task.input();
        epsilon = task.number("epsilon");
        for (int[] place : Places.all(x, Integer.MAX_VALUE)) {
            double[] vector = x.at(place);
            for (int i = 0; vector != null && i < vector.length; i++) {
                least = Math.min(least, vector[i]);
                most = Math.max(most, vector[i]);
                sum += vector[i];
                squares += vector[i] * vector[i];
                count++;
            }
        }
    }

    private Field between(double from, double range) {
        return x.map(vector -> {
            double[] y = new double[vector.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (vector[i] - from) / range;
            }
            return y;
        });
    }

    @Override
    public Field plain() {
        return between(least, most - least + epsilon);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        String usual = String.format(Locale.ROOT, "(x - least) / (most - least + %.4g) of the segment", epsilon);
        for (double other : EPSILONS) {
            variants.add(new Variant(
                    "wrong epsilon",
                    String.format(Locale.ROOT, "%.0e", other),
                    String.format(Locale.ROOT, "%.4g", epsilon),
                    "set epsilon to " + epsilon,
                    between(least, most - least + other)));
        }
        add(variants, "range not normalised", "x itself", usual, x);
        add(variants, "other range", "x / most", usual, between(0, most));
        add(variants, "other range", "from -1 to 1", usual, between((least + most) / 2, (most - least) / 2));
        double mean = sum / count;
        add(
                variants,
                "other range",
                "(x - mean) / deviation",
                usual,
                between(mean, Math.sqrt(squares / count - mean * mean)));
        add(variants, "other range", "the least and most of each frame", usual, x.map(vector -> {
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            for (double value : vector) {
                low = Math.min(low, value);
                high = Math.max(high, value);
            }
            double[] y = new double[vector.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (vector[i] - low) / (high - low + epsilon);
            }
            return y;
        }));
        return variants;
    }

    private static void add(List<Variant> variants, String fault, String odd, String usual, Field field) {
        variants.add(new Variant(fault, odd, usual, "take " + usual, field));
    }
}
