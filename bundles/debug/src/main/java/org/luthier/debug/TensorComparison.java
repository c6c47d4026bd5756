package org.luthier.debug;

import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * The difference of one tensor from a reference's, piece by piece, in double precision: what both hold of the same place of the whole
 * tensor is compared, and nothing else.
 */
final class TensorComparison {
    /** Below this, relative to max(1, largest value), a difference is rounding of float32 whatever the norms say. */
    private static final double ROUNDING = 3e-6;

    private final List<Integer> shape;
    private final RecordedTensor reference;
    private final List<Integer> segments;
    private final Thresholds thresholds;
    private final double scale;
    private final double limit;

    private final RoundingRange range;

    private boolean steps;
    private long compared;
    private long skipped;
    private double maxAbs;
    private double squaredDifference;
    private double squaredReference;
    private double squaredTrace;
    private double product;
    private long rows;
    private long sameArgmax;
    private long notFinite;
    private boolean outOfRange;
    private List<Integer> firstIndex;
    private List<Integer> worstIndex;
    /** Largest difference at each decoding step. */
    private double[] atStep = {};

    private int stepsSeen;

    private String trouble;
    private String missing = "not in the trace";

    /**
     * @param segments numbers of the segments in the reference; empty if not known
     */
    TensorComparison(RecordedTensor reference, List<Integer> segments, Thresholds thresholds) {
        this(reference, segments, thresholds, null);
    }

    /**
     * @param segments as above
     * @param range where rounding may have brought the values of the trace, which is to come in one piece; null if that is little
     */
    TensorComparison(RecordedTensor reference, List<Integer> segments, Thresholds thresholds, RoundingRange range) {
        this.range = range;
        this.reference = reference;
        this.shape = reference.shape();
        this.segments = segments;
        this.thresholds = thresholds;
        this.steps = reference.steps();
        scale = reference.scale();
        limit = reference.integers()
                ? 0
                : Double.isNaN(reference.noise())
                        ? thresholds.relativeError() * scale
                        : Math.max(thresholds.noiseFactor() * reference.noise(), ROUNDING * scale);
    }

    /**
     * Compares one piece of the trace.
     *
     * @param tapped whole, or with the slices that it is of the whole
     * @param traceSegments numbers of the segments in it, or of each row, as {@link CommonPlaces#of} takes them
     */
    void add(RecordedTensor tapped, List<Integer> traceSegments) {
        steps |= tapped.steps();
        CommonPlaces common = CommonPlaces.of(tapped, traceSegments, reference, segments);
        if (common.contradiction() != null) {
            trouble = common.contradiction();
        } else if (common.missing() != null) {
            missing = common.missing();
        } else {
            common.forEachLine((index, inTrace, inReference) -> compareLine(common, index, inTrace, inReference));
        }
    }

    private void compareLine(CommonPlaces common, int[] index, int inTrace, int inReference) {
        CommonPlaces.Axis last = common.last();
        int stepAxis = RecordedTensor.stepAxis(shape.size());
        boolean within = stepAxis < index.length;
        int step = steps && within ? common.whole(stepAxis, index[stepAxis]) : 0;
        int largestTrace = -1;
        int largestReference = -1;
        float[] a = common.trace().values();
        float[] b = common.reference().values();
        for (int i = 0; i < last.size(); i++) {
            int atTrace = inTrace + last.trace()[i];
            int atReference = inReference + last.reference()[i];
            if (CommonPlaces.saysNothing(a[atTrace], b[atReference])) {
                skipped++;
                continue;
            }
            double x = a[atTrace];
            double y = b[atReference];
            compared++;
            if (Double.isFinite(x) && Double.isFinite(y)) {
                double difference = Math.abs(x - y);
                outOfRange |= range != null && !range.explains(atTrace, x, y, ROUNDING * scale);
                if (steps) {
                    note(within ? step : last.whole()[i], difference);
                }
                if (difference > maxAbs) {
                    maxAbs = difference;
                    worstIndex = common.whole(index, i);
                }
                squaredDifference += difference * difference;
                squaredTrace += x * x;
                squaredReference += y * y;
                product += x * y;
                if (difference > limit && firstIndex == null) {
                    firstIndex = common.whole(index, i);
                }
            } else if (Double.compare(x, y) != 0) {
                // Equal infinities, as in a mask, are no difference, and neither are two NaNs.
                notFinite++;
                if (steps) {
                    note(within ? step : last.whole()[i], Double.POSITIVE_INFINITY);
                }
                if (firstIndex == null) {
                    firstIndex = common.whole(index, i);
                }
            }
            largestTrace = largestTrace < 0 || x > a[largestTrace] ? atTrace : largestTrace;
            largestReference = largestReference < 0 || y > b[largestReference] ? atReference : largestReference;
        }
        if (largestReference >= 0) {
            rows++;
            int column = largestTrace - inTrace;
            sameArgmax += column == last.inTrace(largestReference - inReference) ? 1 : 0;
        }
    }

    private void note(int step, double difference) {
        if (step >= atStep.length) {
            atStep = Arrays.copyOf(atStep, Math.max(step + 1, 2 * atStep.length));
        }
        atStep[step] = Math.max(atStep[step], difference);
        stepsSeen = Math.max(stepsSeen, step + 1);
    }

    /** What the pieces so far add up to; a departure is not yet told from an inherited one. */
    TensorDiff result(int order) {
        String name = reference.name();
        if (trouble != null) {
            return TensorDiff.of(name, order, shape, Verdict.DEPARTED, trouble);
        }
        if (compared == 0) {
            return TensorDiff.notJudged(
                    name, order, shape, skipped > 0 ? "every value is masked or was never computed" : missing);
        }
        double normReference = Math.sqrt(squaredReference);
        double normTrace = Math.sqrt(squaredTrace);
        boolean bothZero = normReference == 0 && normTrace == 0;
        double relL2 = bothZero ? 0 : normReference == 0 ? Double.NaN : Math.sqrt(squaredDifference) / normReference;
        double ratio = bothZero ? 1 : normReference == 0 ? Double.NaN : normTrace / normReference;
        double cosine = bothZero ? 1 : normReference == 0 || normTrace == 0 ? 0 : product / normReference / normTrace;
        boolean tooFar = maxAbs > limit;
        boolean tooDifferent =
                Double.isNaN(reference.noise()) && maxAbs > ROUNDING * scale && !(relL2 <= thresholds.relativeL2());
        boolean outside = notFinite > 0 || tooFar || tooDifferent;
        boolean rounded = outside && range != null && !outOfRange && notFinite == 0;
        boolean departed = outside && !rounded;
        List<Integer> index = rounded ? null : departed && firstIndex == null ? worstIndex : firstIndex;
        return new TensorDiff(
                name,
                order,
                shape,
                maxAbs,
                relL2,
                cosine,
                ratio,
                reference.integers() ? Double.NaN : (double) sameArgmax / rows,
                index,
                steps && index != null ? index.get(RecordedTensor.stepAxis(shape.size())) : -1,
                departed ? Verdict.DEPARTED : Verdict.SAME,
                notFinite == 0
                        ? rounded ? RoundingRange.NOTE : null
                        : notFinite + " of " + compared + " values are NaN or infinite in one of the two only",
                DoubleStream.of(atStep)
                        .limit(stepsSeen)
                        .map(difference -> difference == 0 ? 0 : difference / limit)
                        .boxed()
                        .toList());
    }
}
