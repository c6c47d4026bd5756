package org.luthier.debug.cause;

import java.util.Locale;
import java.util.Map;
import org.luthier.api.model.Computation;

/**
 * (x - mean) / sqrt(variance + epsilon) * scale + offset with constants for each channel. What is null is left out.
 *
 * @param root whether the root is taken of the variance
 */
record BatchNorm(
        String name,
        Task task,
        float[] scale,
        float[] offset,
        float[] mean,
        float[] variance,
        double epsilon,
        boolean root) {
    private static final double[] EPSILONS = {0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

    /** Null if a weight is not known. */
    static BatchNorm of(Task task, int channels) {
        return of(task, task.computation(), channels);
    }

    private static BatchNorm of(Task task, Computation computation, int channels) {
        float[] scale = vector(task, computation, "scale", channels);
        float[] offset = vector(task, computation, "offset", channels);
        float[] mean = vector(task, computation, "mean", channels);
        float[] variance = vector(task, computation, "variance", channels);
        return scale == null || offset == null || mean == null || variance == null
                ? null
                : new BatchNorm(
                        computation.weights().get("scale"),
                        task,
                        scale,
                        offset,
                        mean,
                        variance,
                        task.number("epsilon"),
                        true);
    }

    private static float[] vector(Task task, Computation computation, String role, int length) {
        Map<String, String> roles = computation.weights();
        WeightSource.Weight weight = roles.containsKey(role) ? task.weights().weight(roles.get(role)) : null;
        float[] values = weight == null ? null : weight.values();
        return values == null || values.length != length ? null : values;
    }

    double factor(int channel) {
        double spread = variance == null ? 1 : variance[channel] + epsilon;
        return (scale == null ? 1 : scale[channel]) / (root ? Math.sqrt(spread) : spread);
    }

    double added(int channel) {
        return (offset == null ? 0 : offset[channel]) - (mean == null ? 0 : mean[channel] * factor(channel));
    }

    private BatchNorm with(float[] otherScale, float[] otherOffset, float[] otherMean, float[] otherVariance) {
        return new BatchNorm(name, task, otherScale, otherOffset, otherMean, otherVariance, epsilon, root);
    }

    interface Variants {
        void add(String fault, String reverse, String odd, String usual, String advice, BatchNorm norm);
    }

    /** Norms that are otherwise. */
    void variants(Variants variants) {
        String advice = "apply the running mean and variance, weight and bias of the norm, as in evaluation";
        variants.add(
                "batch norm not applied",
                "batch norm applied",
                "no batch norm",
                "it",
                advice,
                with(null, null, null, null));
        variants.add(
                "mean not subtracted",
                "mean subtracted",
                "no running mean",
                "it",
                advice,
                with(scale, offset, null, variance));
        variants.add(
                "variance not used",
                "variance used",
                "no running variance",
                "it",
                advice,
                with(scale, offset, mean, null));
        variants.add(
                "variance not used",
                "variance used",
                "neither running mean nor variance",
                "both",
                advice,
                with(scale, offset, null, null));
        variants.add("missing bias", "extra bias", "no bias", "it", advice, with(scale, null, mean, variance));
        variants.add(
                "weight not applied", "weight applied", "no weight", "it", advice, with(null, offset, mean, variance));
        variants.add(
                "weight not applied",
                "weight applied",
                "neither weight nor bias",
                "both",
                advice,
                with(null, null, mean, variance));
        variants.add(
                "root of the variance",
                "root of the variance",
                "divided by the variance",
                "by its root",
                advice,
                new BatchNorm(name, task, scale, offset, mean, variance, epsilon, false));
        for (double other : EPSILONS) {
            if (other != epsilon) {
                variants.add(
                        "wrong epsilon",
                        "wrong epsilon",
                        number(other),
                        number(epsilon),
                        "set epsilon to " + number(epsilon),
                        new BatchNorm(name, task, scale, offset, mean, variance, other, root));
            }
        }
        task.others("variance").forEach(other -> {
            BatchNorm its = of(task, other, scale.length);
            if (its != null) {
                variants.add(
                        "names swapped",
                        "names swapped",
                        "the norm " + its.name,
                        name,
                        "look at the names of the two norms",
                        its);
            }
        });
    }

    private static String number(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.0e", value);
    }
}
