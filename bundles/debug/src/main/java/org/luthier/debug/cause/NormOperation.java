package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.luthier.api.model.Computation;

/** x / sqrt(mean(x^2) + epsilon) * scale over the last axis, or the same with the mean subtracted and an offset added. */
final class NormOperation implements Operation {
    private static final String SCALE = "scale";
    private static final String OFFSET = "offset";
    private static final double[] EPSILONS = {0, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

    private final Task task;
    private final String name;
    private final Norm book;

    private NormOperation(Task task, Norm book) {
        this.task = task;
        this.book = book;
        this.name = task.computation().weights().get(SCALE);
    }

    /** Null if a weight is not known or does not fit. */
    static Operation of(Task task) {
        int width = task.input().width();
        float[] scale = task.vector(SCALE, width);
        boolean centred = task.computation().operation().equals(Computation.LAYER_NORM);
        float[] offset = centred ? task.vector(OFFSET, width) : null;
        return scale == null || centred && offset == null
                ? null
                : new NormOperation(task, new Norm(task.number("epsilon"), centred, true, 0, scale, offset));
    }

    /**
     * What may be changed of it.
     *
     * @param less what is taken from the number of entries to divide the sum of squares by
     * @param scale or null
     * @param offset or null
     */
    private record Norm(double epsilon, boolean centred, boolean divided, int less, float[] scale, float[] offset) {
        Norm epsilon(double other) {
            return new Norm(other, centred, divided, less, scale, offset);
        }

        Norm weights(float[] otherScale, float[] otherOffset) {
            return new Norm(epsilon, centred, divided, less, otherScale, otherOffset);
        }

        double[] of(double[] x) {
            double mean = centred ? Arrays.stream(x).average().orElse(0) : 0;
            double squares = 0;
            for (double value : x) {
                squares += (value - mean) * (value - mean);
            }
            double root = divided ? Math.sqrt(squares / (x.length - less) + epsilon) : 1;
            double[] y = new double[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (x[i] - mean) / root * (scale == null ? 1 : scale[i]) + (offset == null ? 0 : offset[i]);
            }
            return y;
        }
    }

    /** Without weights. */
    static double[] normalised(double[] x, boolean centred) {
        return new Norm(centred ? 1e-5 : 1e-6, centred, true, 0, null, null).of(x);
    }

    private Field norm(Norm norm) {
        return task.input().map(norm::of);
    }

    @Override
    public Field plain() {
        return norm(book);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        if (book.centred()) {
            means(variants);
        } else {
            variants.add(new Variant(
                    "mean subtracted",
                    "mean not subtracted",
                    "the mean subtracted first (layer norm)",
                    "no mean (RMS norm)",
                    "use the norm that the model has: T5's subtracts no mean and has no bias",
                    norm(new Norm(book.epsilon(), true, true, 0, book.scale(), null))));
        }
        variants.add(new Variant(
                "weight not applied",
                "weight applied",
                "no weight after the norm",
                "the weight " + name,
                "multiply with " + name,
                norm(book.weights(null, book.offset()))));
        for (int more : new int[] {1, -1}) {
            variants.add(new Variant(
                    "weight applied as 1 + w",
                    more > 0 ? "1 + w" : "w - 1",
                    "w itself, " + name,
                    "look at whether the checkpoint stores the weight less 1",
                    norm(book.weights(changed(w -> w + more), book.offset()))));
        }
        variants.add(new Variant(
                "weight applied twice",
                "the weight " + name + " twice",
                "it once",
                "multiply once",
                norm(book.weights(changed(w -> w * w), book.offset()))));
        variants.add(new Variant(
                "not normalised",
                "the input times the weight only",
                "a norm",
                "normalise before the weight",
                norm(new Norm(0, false, false, 0, book.scale(), book.offset()))));
        for (double other : EPSILONS) {
            if (other != book.epsilon()) {
                variants.add(new Variant(
                        "wrong epsilon",
                        number(other),
                        number(book.epsilon()),
                        "set epsilon to " + number(book.epsilon()),
                        norm(book.epsilon(other))));
            }
        }
        task.inOtherLayers(SCALE).forEach(other -> exchanged("layers swapped", other, variants));
        task.siblings(SCALE).forEach(other -> exchanged("names swapped", other, variants));
        for (Precision precision : Precision.values()) {
            float[] rounded = precision.round(book.scale());
            if (!Arrays.equals(rounded, book.scale())) {
                variants.add(Rounded.variant(precision, name, norm(book.weights(rounded, book.offset()))));
            }
        }
        return variants;
    }

    /** What is of layer norms only. */
    private void means(List<Variant> variants) {
        for (float[] offset : Arrays.asList(book.offset(), null)) {
            variants.add(new Variant(
                    "mean not subtracted",
                    "mean subtracted",
                    "no mean subtracted (RMS norm)" + (offset == null ? ", no bias" : ""),
                    "the mean subtracted first (layer norm)",
                    "use the norm that the model has: with a bias in the checkpoint it is a layer norm",
                    norm(new Norm(book.epsilon(), false, true, 0, book.scale(), offset))));
        }
        variants.add(new Variant(
                "missing bias",
                "extra bias",
                "no bias",
                "the bias " + task.computation().weights().get(OFFSET),
                "add the bias after the weight",
                norm(book.weights(book.scale(), null))));
        variants.add(new Variant(
                "sign",
                "the bias subtracted",
                "it added",
                "add the bias",
                norm(book.weights(book.scale(), negative(book.offset())))));
        variants.add(new Variant(
                "variance of a sample",
                "squares divided by one less than there are",
                "the mean of the squares",
                "divide by the number of entries: the variance is the biased one",
                norm(new Norm(book.epsilon(), true, true, 1, book.scale(), book.offset()))));
    }

    private interface Change {
        double of(double weight);
    }

    private float[] changed(Change change) {
        float[] changed = new float[book.scale().length];
        for (int i = 0; i < changed.length; i++) {
            changed[i] = (float) change.of(book.scale()[i]);
        }
        return changed;
    }

    private static float[] negative(float[] values) {
        float[] negative = new float[values.length];
        for (int i = 0; i < negative.length; i++) {
            negative[i] = -values[i];
        }
        return negative;
    }

    @Override
    public List<Variant> farFetched() {
        List<Variant> variants = new ArrayList<>();
        task.others(SCALE).forEach(other -> exchanged("names swapped", other, variants));
        return variants;
    }

    private void exchanged(String fault, Computation other, List<Variant> variants) {
        float[] scale = alike(other, SCALE);
        if (scale == null) {
            return;
        }
        float[] offset = book.centred() ? alike(other, OFFSET) : null;
        for (float[] either : offset == null ? List.of(scale) : List.of(offset, scale)) {
            boolean both = either == offset;
            variants.add(new Variant(
                    fault,
                    (both ? "weight and bias " : "the weight ")
                            + other.weights().get(SCALE),
                    name,
                    "look at which names the name rules give to "
                            + other.weights().get(SCALE) + " and " + name,
                    norm(book.weights(scale, both ? offset : book.offset()))));
        }
    }

    private float[] alike(Computation other, String role) {
        return other.weights().containsKey(role)
                ? task.alike(other, role).map(WeightSource.Weight::values).orElse(null)
                : null;
    }

    private static String number(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.0e", value);
    }
}
