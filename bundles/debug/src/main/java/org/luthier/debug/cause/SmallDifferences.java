package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Differences that nothing undoes: rounding to fewer bits, and noise. */
final class SmallDifferences {
    /** Larger ones are no noise, whatever they look like. */
    private static final double LARGEST = 0.2;
    /** How far the size of a rounding may be from what is expected of it. */
    private static final double LEAST_OF_EXPECTED = 0.1;

    private static final double MOST_OF_EXPECTED = 12;
    /** Numbers without structure are normally distributed in each column: their kurtosis is 3. */
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
            if (!weights.isEmpty() && weights.stream().allMatch(weight -> precision.holds(weight.values()))) {
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
    static Cause noise(String layer, Field run, Field reference, List<int[]> places, double error, String weight) {
        if (error > LARGEST || !withoutStructure(run, reference, places)) {
            return null;
        }
        return new Cause(
                String.format(
                        Locale.ROOT, "noise: small differences without structure, %.2g of the tensor's size", error),
                layer,
                error,
                error,
                "compare " + weight
                        + " with the original (checkpoint:diff): a checkpoint that was trained further, pruned or"
                        + " quantised differs so");
    }

    private static boolean withoutStructure(Field run, Field reference, List<int[]> places) {
        int width = run.width();
        double[] squares = new double[width];
        double[] fourth = new double[width];
        double withReference = 0;
        double differences = 0;
        double references = 0;
        int rows = 0;
        List<Double> perPlace = new ArrayList<>();
        for (int[] place : places) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            if (a == null || b == null || a.length != b.length) {
                continue;
            }
            double sum = 0;
            for (int i = 0; i < width; i++) {
                double d = Double.isNaN(a[i] - b[i]) ? 0 : a[i] - b[i];
                squares[i] += d * d;
                fourth[i] += d * d * d * d;
                withReference += d * b[i];
                references += b[i] * b[i];
                sum += d * d;
            }
            differences += sum;
            perPlace.add(sum);
            rows++;
        }
        if (rows * width < LEAST_NUMBERS || differences == 0) {
            return false;
        }
        double kurtosis = 0;
        double mostOfColumn = 0;
        int columns = 0;
        for (int i = 0; i < width; i++) {
            if (squares[i] > 0) {
                kurtosis += fourth[i] * rows / (squares[i] * squares[i]);
                mostOfColumn = Math.max(mostOfColumn, squares[i] / differences);
                columns++;
            }
        }
        kurtosis /= columns;
        double correlation = Math.abs(withReference) / Math.sqrt(differences * references);
        // As many columns must be touched, and none much more than the others.
        return columns > 0.9 * width
                && kurtosis > Math.min(LEAST_KURTOSIS, 0.4 * rows)
                && kurtosis < MOST_KURTOSIS
                && correlation < LARGEST
                && mostOfColumn < 0.1 + 8.0 / width;
    }
}
