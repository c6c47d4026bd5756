package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.luthier.api.model.Computation;

/** x / sqrt(mean(x^2) + epsilon) * scale over the last axis. */
final class NormOperation implements Operation {
    private static final String SCALE = "scale";
    private static final double[] EPSILONS = {0, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

    private final Task task;
    private final String name;
    private final double epsilon;
    private final float[] scale;

    private NormOperation(Task task, float[] scale) {
        this.task = task;
        this.scale = scale;
        this.name = task.computation().weights().get(SCALE);
        this.epsilon = task.number("epsilon");
    }

    /** Null if the weight is not known or does not fit. */
    static Operation of(Task task) {
        WeightSource.Weight scale = task.weight(SCALE);
        return scale == null || scale.values().length != task.input().width()
                ? null
                : new NormOperation(task, scale.values());
    }

    private Field norm(double withEpsilon, boolean centred, float[] withScale, double added) {
        return task.input().map(x -> {
            double mean = centred ? Arrays.stream(x).average().orElse(0) : 0;
            double squares = 0;
            for (double value : x) {
                squares += (value - mean) * (value - mean);
            }
            double root = Math.sqrt(squares / x.length + withEpsilon);
            double[] y = new double[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (x[i] - mean) / root * (withScale == null ? 1 : withScale[i] + added);
            }
            return y;
        });
    }

    @Override
    public Field plain() {
        return norm(epsilon, false, scale, 0);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        variants.add(new Variant(
                "mean subtracted",
                "mean not subtracted",
                "the mean subtracted first (layer norm)",
                "no mean (RMS norm)",
                "use the norm that the model has: T5's subtracts no mean and has no bias",
                norm(epsilon, true, scale, 0)));
        variants.add(new Variant(
                "weight not applied",
                "weight applied",
                "no weight after the norm",
                "the weight " + name,
                "multiply with " + name,
                norm(epsilon, false, null, 0)));
        variants.add(new Variant(
                "weight applied as 1 + w",
                "1 + w",
                "w itself, " + name,
                "look at whether the checkpoint stores the weight less 1",
                norm(epsilon, false, scale, 1)));
        variants.add(new Variant(
                "weight applied as 1 + w",
                "w - 1",
                "w itself, " + name,
                "look at whether the checkpoint stores the weight less 1",
                norm(epsilon, false, scale, -1)));
        Field plain = plain();
        variants.add(new Variant(
                "weight applied twice", "the weight " + name + " twice", "it once", "multiply once", plain.map(y -> {
                    double[] twice = y.clone();
                    for (int i = 0; i < twice.length; i++) {
                        twice[i] *= scale[i];
                    }
                    return twice;
                })));
        variants.add(new Variant(
                "not normalised",
                "the input times the weight only",
                "a norm",
                "normalise before the weight",
                task.input().map(x -> {
                    double[] y = x.clone();
                    for (int i = 0; i < y.length; i++) {
                        y[i] *= scale[i];
                    }
                    return y;
                })));
        for (double other : EPSILONS) {
            if (other != epsilon) {
                variants.add(new Variant(
                        "wrong epsilon",
                        number(other),
                        number(epsilon),
                        "set epsilon to " + number(epsilon),
                        norm(other, false, scale, 0)));
            }
        }
        task.inOtherLayers(SCALE).forEach(other -> exchanged("layers swapped", other, variants));
        task.siblings(SCALE).forEach(other -> exchanged("names swapped", other, variants));
        for (Precision precision : Precision.values()) {
            float[] rounded = precision.round(scale);
            if (!Arrays.equals(rounded, scale)) {
                variants.add(Rounded.variant(precision, name, norm(epsilon, false, rounded, 0)));
            }
        }
        return variants;
    }

    @Override
    public List<Variant> farFetched() {
        List<Variant> variants = new ArrayList<>();
        task.others(SCALE).forEach(other -> exchanged("names swapped", other, variants));
        return variants;
    }

    private void exchanged(String fault, Computation other, List<Variant> variants) {
        task.alike(other, SCALE)
                .ifPresent(weight -> variants.add(new Variant(
                        fault,
                        "the weight " + other.weights().get(SCALE),
                        name,
                        "look at which names the name rules give to "
                                + other.weights().get(SCALE) + " and " + name,
                        norm(epsilon, false, weight.values(), 0))));
    }

    private static String number(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.0e", value);
    }
}
