package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Power in bands whose filters the checkpoint has: x^2 F, F [bins, bands]. */
final class BandsOperation implements Operation {
    /** Filters are the same if what they let through differs by less. */
    private static final double THE_SAME = 1e-3;

    private static final int LOOKED_AT = 8;

    private final Task task;
    private final Field x;
    private final float[] filters;
    private final int bands;

    private BandsOperation(Task task, float[] filters, int bands) {
        this.task = task;
        this.x = task.input();
        this.filters = filters;
        this.bands = bands;
    }

    /** Null if the filters are not known or do not fit. */
    static Operation of(Task task) {
        WeightSource.Weight weight = task.weight("filters");
        return weight == null
                        || weight.shape().size() != 2
                        || weight.shape().get(0) != task.input().width()
                ? null
                : new BandsOperation(task, weight.values(), weight.shape().get(1));
    }

    private Field product(float[] w, double power) {
        int[] shape = x.shape().clone();
        shape[shape.length - 1] = bands;
        return Field.of(shape, index -> {
            double[] in = x.at(index);
            if (in == null) {
                return null;
            }
            double[] y = new double[bands];
            for (int i = 0; i < in.length; i++) {
                double value = power == 2 ? in[i] * in[i] : in[i];
                for (int j = 0; j < bands; j++) {
                    float factor = w[i * bands + j];
                    y[j] += factor == 0 ? 0 : value * factor;
                }
            }
            return y;
        });
    }

    @Override
    public Field plain() {
        return product(filters, 2);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        String name = task.computation().weights().get("filters");
        variants.add(new Variant(
                "magnitude for power",
                "power for magnitude",
                "magnitudes in the bands",
                "their squares",
                "feed the bands with power",
                product(filters, 1)));
        variants.add(new Variant(
                "mel order",
                "bands from high to low",
                "from low to high",
                "turn the bands around",
                plain().map(BandsOperation::reversed)));
        variants.add(new Variant(
                "reshaped instead of transposed",
                name + " with its numbers in the other order",
                "it as it is",
                "the filters are [bins, bands]",
                product(Matrices.transposed(filters, bands, x.width()), 2)));
        Map<String, MelOperation.OtherBands> others = MelOperation.banks(task, bands);
        String usual = String.format(
                Locale.ROOT,
                "filters from %.0f to %.0f Hz, triangles straight over Hz, heights of 1",
                task.number("low"),
                task.number("high"));
        String advice = "take the filters that the model was trained with: " + usual;
        List<int[]> places = Places.all(x, LOOKED_AT);
        Field plain = plain();
        others.forEach((how, other) -> {
            variants.add(new Variant(other.fault(), how, "the filters " + name, advice, other.bands()));
            // Filters of the checkpoint that are otherwise themselves.
            if (Fit.of(other.bands(), plain, places).isWithin(THE_SAME)) {
                variants.add(new Variant(
                        other.fault(),
                        usual,
                        how + ", as " + name + " has them",
                        advice,
                        MelOperation.usual(task, bands)));
            }
        });
        return variants;
    }

    private static double[] reversed(double[] y) {
        double[] turned = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            turned[i] = y[y.length - 1 - i];
        }
        return turned;
    }
}
