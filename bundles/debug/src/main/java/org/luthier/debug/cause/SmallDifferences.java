package org.luthier.debug.cause;

import java.util.List;
import java.util.Locale;

/** Differences that nothing undoes: rounding to fewer bits, and noise. */
final class SmallDifferences {
    /** Larger ones are no noise, whatever they look like. */
    private static final double LARGEST = 0.4;
    /** How much a difference may have of the tensor itself. */
    private static final double MOST_CORRELATED = 0.2;
    /** How far the size of a rounding may be from what is expected of it. */
    private static final double LEAST_OF_EXPECTED = 0.1;

    private static final double MOST_OF_EXPECTED = 12;
    /** Noise is normally distributed over the entries: its kurtosis is 3, a little less of few. */
    private static final double LEAST_KURTOSIS = 2;

    private static final double MOST_KURTOSIS = 4.5;
    private static final int LEAST_NUMBERS = 400;

    private SmallDifferences() {}

    /**
     * Whether a difference is what rounding to fewer bits makes, weights or the tensor itself being of such a type.
     *
     * @param weights the weights that have a part in it
     */
    static Cause reducedPrecision(
            String layer,
            List<String> names,
            List<WeightSource.Weight> weights,
            Plane run,
            Plane reference,
            double error) {
        for (Precision precision : Precision.values()) {
            boolean size =
                    error > LEAST_OF_EXPECTED * precision.error() && error < MOST_OF_EXPECTED * precision.error();
            if (!size) {
                continue;
            }
            if (precision.holds(run.values()) || precision.holds(reference.values())) {
                boolean own = precision.holds(run.values());
                return cause(
                        layer, precision, (own ? "this run" : "the reference") + " computes in " + precision, error);
            }
            // What float16 holds is mostly more than bfloat16 does: the first that holds all is it.
            if (weights.stream().allMatch(weight -> precision.fits(weight.values()))
                    && weights.stream().anyMatch(weight -> precision.holds(weight.values()))) {
                return cause(
                        layer,
                        precision,
                        "the numbers of " + String.join(", ", names) + " are all " + precision,
                        error);
            }
        }
        return null;
    }

    private static Cause cause(String layer, Precision precision, String what, double error) {
        return new Cause(
                Rounded.CAUSE + ": " + what
                        + String.format(
                                Locale.ROOT,
                                ", and the difference is of the size of its rounding, %.1e",
                                precision.error()),
                layer,
                error,
                error,
                Rounded.ADVICE);
    }

    /** Whether a difference is small and without structure, as noise on a weight makes it. */
    static Cause noise(
            String layer, Field run, Field reference, List<int[]> places, double error, List<String> weights) {
        if (error > LARGEST || !withoutStructure(run, reference, places)) {
            return null;
        }
        return new Cause(
                String.format(
                        Locale.ROOT, "noise: small differences without structure, %.2g of the tensor's size", error),
                layer,
                error,
                error,
                "compare " + String.join(", ", weights)
                        + " with the original (checkpoint:diff): a checkpoint that was trained further, pruned or"
                        + " quantised differs so");
    }

    /**
     * Noise on a matrix leaves in each place a difference of its own size, normally distributed over the entries. Where an activation cut
     * something off there is nothing to see.
     */
    private static boolean withoutStructure(Field run, Field reference, List<int[]> places) {
        int width = run.width();
        double[] squares = new double[width];
        double fourth = 0;
        double second = 0;
        int[] counts = new int[width];
        double withReference = 0;
        double differences = 0;
        double references = 0;
        long numbers = 0;
        for (int[] place : places) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            double size = size(a, b);
            for (int i = 0; size > 0 && i < width; i++) {
                if (isSeen(a[i], b[i])) {
                    double d = a[i] - b[i];
                    withReference += d * b[i];
                    references += b[i] * b[i];
                    differences += d * d;
                    double square = d * d / (size * size);
                    squares[i] += square;
                    second += square;
                    fourth += square * square;
                    counts[i]++;
                    numbers++;
                }
            }
        }
        if (numbers < LEAST_NUMBERS || differences == 0) {
            return false;
        }
        // Each place's differences have been divided by their size, so that loud places count as others.
        double kurtosis = fourth * numbers / (second * second);
        double most = 0;
        int touched = 0;
        int seen = 0;
        for (int i = 0; i < width; i++) {
            seen += counts[i] > 0 ? 1 : 0;
            if (squares[i] > 0) {
                most = Math.max(most, squares[i] / second);
                touched++;
            }
        }
        double correlation = Math.abs(withReference) / Math.sqrt(differences * references);
        return touched > 0.9 * seen
                && kurtosis > LEAST_KURTOSIS
                && kurtosis < MOST_KURTOSIS
                && correlation < MOST_CORRELATED
                && most < 0.1 + 8.0 / width;
    }

    private static boolean isSeen(double a, double b) {
        return a != 0 && b != 0 && !Double.isNaN(a - b);
    }

    /** Root mean square of the differences of one place; 0 if there are too few to tell. */
    private static double size(double[] a, double[] b) {
        if (a == null || b == null || a.length != b.length) {
            return 0;
        }
        double sum = 0;
        int count = 0;
        for (int i = 0; i < a.length; i++) {
            if (isSeen(a[i], b[i])) {
                sum += (a[i] - b[i]) * (a[i] - b[i]);
                count++;
            }
        }
        return count < Math.min(8, a.length / 2 + 1) ? 0 : Math.sqrt(sum / count);
    }
}
