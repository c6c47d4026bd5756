package org.luthier.debug;

import java.util.Set;
import org.luthier.api.model.Computation;

/**
 * Between what the values of a tensor may lie if a transform's rounding had fallen out otherwise. A logarithm makes much of the little that is
 * in a near-silent bin, which is mostly rounding, and a range is set by the least of all bins; so a front end of these is judged by what
 * the rounding of its magnitudes becomes.
 */
final class RoundingRange {
    /** What it says of a tensor that is outside the limits and within this. */
    static final String NOTE = "differs by what rounding of magnitudes becomes near silence";

    /** Of a bin, over the norm of its frame, of which every bin is a sum: half of what a float can tell of that norm. */
    private static final double ROUNDING = 0x1p-25;

    private static final Set<String> TRANSFORMS = Set.of(Computation.MAGNITUDES, Computation.CENTRED_MAGNITUDES);

    private final double[] low;
    private final double[] exact;
    private final double[] high;

    private RoundingRange(int size) {
        low = new double[size];
        exact = new double[size];
        high = new double[size];
    }

    /**
     * Of one tensor.
     *
     * @param trace what a run has recorded of the steps before it
     * @param graph how tensors are made
     * @return null of other computations, and where the magnitudes were not recorded whole
     */
    static RoundingRange of(String name, Reference trace, TensorGraph graph) {
        Computation made = graph.computation(name);
        if (made == null || !isWhole(name, trace)) {
            return null;
        }
        return switch (made.operation()) {
            case Computation.LOGARITHM_OF_SUM -> logarithm(made, trace, graph);
            case Computation.RANGE -> {
                RoundingRange x = of(made.inputs().get(0), trace, graph);
                yield x == null ? null : x.between(trace.tensor(name).shape().get(0), number(made, "epsilon"));
            }
            default -> null;
        };
    }

    private static boolean isWhole(String name, Reference trace) {
        return trace.has(name) && trace.tensor(name).slices().isEmpty();
    }

    private static double number(Computation made, String setting) {
        return ((Number) made.settings().get(setting)).doubleValue();
    }

    private static RoundingRange logarithm(Computation made, Reference trace, TensorGraph graph) {
        String input = made.inputs().get(0);
        Computation before = graph.computation(input);
        if (before == null || !TRANSFORMS.contains(before.operation()) || !isWhole(input, trace)) {
            return null;
        }
        RecordedTensor magnitudes = trace.tensor(input);
        float[] m = magnitudes.values();
        int bins = magnitudes.shape().get(magnitudes.shape().size() - 1);
        int first = (int) number(made, "first");
        double added = number(made, "added");
        RoundingRange range = new RoundingRange(m.length / bins * (bins - first));
        int at = 0;
        for (int frame = 0; frame < m.length; frame += bins) {
            double squares = 0;
            for (int bin = 0; bin < bins; bin++) {
                squares += (double) m[frame + bin] * m[frame + bin];
            }
            double rounding = ROUNDING * Math.sqrt(squares);
            for (int bin = first; bin < bins; bin++) {
                range.low[at] = Math.log(Math.max(0, m[frame + bin] - rounding) + added);
                range.exact[at] = Math.log(m[frame + bin] + added);
                range.high[at++] = Math.log(m[frame + bin] + rounding + added);
            }
        }
        return range;
    }

    /** (x - least) / (most - least + epsilon) of each row, which falls as the least or the most of it rises. */
    private RoundingRange between(int rows, double epsilon) {
        RoundingRange range = new RoundingRange(low.length);
        int size = low.length / Math.max(1, rows);
        for (int row = 0; row < rows; row++) {
            double leastLow = Double.POSITIVE_INFINITY;
            double least = Double.POSITIVE_INFINITY;
            double leastHigh = Double.POSITIVE_INFINITY;
            double mostLow = Double.NEGATIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            double mostHigh = Double.NEGATIVE_INFINITY;
            for (int i = row * size; i < (row + 1) * size; i++) {
                leastLow = Math.min(leastLow, low[i]);
                least = Math.min(least, exact[i]);
                leastHigh = Math.min(leastHigh, high[i]);
                mostLow = Math.max(mostLow, low[i]);
                most = Math.max(most, exact[i]);
                mostHigh = Math.max(mostHigh, high[i]);
            }
            for (int i = row * size; i < (row + 1) * size; i++) {
                range.low[i] = (low[i] - leastHigh) / (mostHigh - leastHigh + epsilon);
                range.exact[i] = (exact[i] - least) / (most - least + epsilon);
                range.high[i] = (high[i] - leastLow) / (mostLow - leastLow + epsilon);
            }
        }
        return range;
    }

    /**
     * Whether a difference is rounding and no more: the trace has what its magnitudes make, the reference what others may.
     *
     * @param at place in the trace
     * @param rounding of the tensor itself
     */
    boolean explains(int at, double trace, double reference, double rounding) {
        return Math.abs(trace - exact[at]) <= rounding
                && reference >= low[at] - rounding
                && reference <= high[at] + rounding;
    }
}
