package org.luthier.debug;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The difference of one tensor from a reference's, piece by piece, in double precision: what both hold of the same place of the whole
 * tensor is compared, and nothing else.
 */
final class TensorComparison {
    /** Below this, relative to max(1, largest value), a difference is rounding of float32 whatever the norms say. */
    private static final double ROUNDING = 1e-6;
    /** A score from here down is masked, and how far down is nobody's business. */
    private static final float MASKED = -1e9f;

    private final List<Integer> shape;
    private RecordedTensor reference;
    private final List<Integer> segments;
    private final Thresholds thresholds;
    private final double scale;
    private final double limit;

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
    private List<Integer> firstIndex;
    private List<Integer> worstIndex;
    private String trouble;
    private String missing = "not in the trace";

    /**
     * @param segments number of the segment in each row of the reference; empty if not known
     */
    TensorComparison(RecordedTensor reference, List<Integer> segments, Thresholds thresholds) {
        this.reference = reference;
        this.shape = reference.shape();
        this.segments = segments;
        this.thresholds = thresholds;
        this.steps = reference.steps();
        double largest = 1;
        for (float value : reference.values()) {
            if (Float.isFinite(value) && value > MASKED) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        scale = largest;
        limit = reference.integers()
                ? 0
                : Double.isNaN(reference.noise())
                        ? thresholds.relativeError() * scale
                        : Math.max(thresholds.noiseFactor() * reference.noise(), ROUNDING * scale);
    }

    /** Places along one dimension that both tensors hold: where in the trace, where in the reference, where in the whole. */
    private record Common(int[] trace, int[] reference, int[] whole) {
        static Common of(int[] inTrace, int[] inReference) {
            int[] places = IntStream.range(0, inReference.length)
                    .filter(at -> position(inTrace, inReference[at]) >= 0)
                    .toArray();
            return new Common(
                    Arrays.stream(places)
                            .map(at -> position(inTrace, inReference[at]))
                            .toArray(),
                    places,
                    Arrays.stream(places).map(at -> inReference[at]).toArray());
        }

        private static int position(int[] sorted, int value) {
            return Arrays.binarySearch(sorted, value);
        }

        int size() {
            return whole.length;
        }
    }

    /**
     * Compares one piece of the trace.
     *
     * @param tapped whole, or with the slices that it is of the whole
     * @param traceSegments number of the segment in each row of it; empty if not known
     */
    void add(RecordedTensor tapped, List<Integer> traceSegments) {
        int rank = reference.shape().size();
        if (tapped.shape().size() != rank) {
            trouble = shapes(tapped);
            return;
        }
        steps |= tapped.steps();
        RecordedTensor trace = tapped;
        if (reference.integers() && steps) {
            // Rows of ids are as long as the longest that was recorded beside them.
            int longest =
                    Math.max(trace.shape().get(rank - 1), reference.shape().get(rank - 1));
            trace = padded(trace, longest);
            reference = padded(reference, longest);
        }
        List<Common> axes = new ArrayList<>();
        for (int axis = 0; axis < rank; axis++) {
            Common common = axis == 0 ? rows(trace, traceSegments) : places(trace, axis);
            if (common == null) {
                trouble = shapes(trace);
                return;
            }
            if (common.size() == 0 && reference.values().length > 0) {
                missing = axis == 0 ? "no segment in common" : "kept parts have nothing in common";
                return;
            }
            axes.add(common);
        }
        compare(trace, axes);
    }

    /** Rows of ids with zeros behind them. */
    private static RecordedTensor padded(RecordedTensor ids, int length) {
        int last = ids.shape().size() - 1;
        int before = ids.shape().get(last);
        if (before == length || !ids.slices().isEmpty()) {
            return ids;
        }
        int rows = ids.shape().subList(0, last).stream().reduce(1, Math::multiplyExact);
        float[] values = new float[rows * length];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(ids.values(), row * before, values, row * length, before);
        }
        List<Integer> shape = new ArrayList<>(ids.shape());
        shape.set(last, length);
        return new RecordedTensor(
                ids.name(), List.copyOf(shape), values, List.of(), ids.noise(), ids.integers(), ids.steps());
    }

    private Common rows(RecordedTensor trace, List<Integer> traceSegments) {
        boolean known = segments.size() == reference.shape().get(0)
                && traceSegments.size() == trace.shape().get(0);
        if (!known || segments.equals(traceSegments)) {
            return places(trace, 0);
        }
        int[] places = IntStream.range(0, segments.size())
                .filter(row -> traceSegments.contains(segments.get(row)))
                .toArray();
        return new Common(
                Arrays.stream(places)
                        .map(row -> traceSegments.indexOf(segments.get(row)))
                        .toArray(),
                places,
                places);
    }

    /** The common places of a dimension, or null if its sizes contradict each other. */
    private Common places(RecordedTensor trace, int axis) {
        int[] inTrace = trace.kept(axis);
        int[] inReference = reference.kept(axis);
        int traceSize = trace.shape().get(axis);
        int referenceSize = reference.shape().get(axis);
        if (inTrace == null && inReference == null && traceSize != referenceSize
                || inTrace == null && inReference != null && last(inReference) >= traceSize
                || inReference == null && inTrace != null && last(inTrace) >= referenceSize) {
            return null;
        }
        return Common.of(
                inTrace == null ? IntStream.range(0, traceSize).toArray() : inTrace,
                inReference == null ? IntStream.range(0, referenceSize).toArray() : inReference);
    }

    private static int last(int[] indices) {
        return indices.length == 0 ? -1 : indices[indices.length - 1];
    }

    private String shapes(RecordedTensor trace) {
        return "shape differs: trace " + trace.shape() + ", reference " + shape;
    }

    private void compare(RecordedTensor trace, List<Common> axes) {
        int rank = axes.size();
        Common last = rank == 0 ? Common.of(new int[1], new int[1]) : axes.get(rank - 1);
        int[] index = new int[Math.max(0, rank - 1)];
        int outer = 1;
        for (int axis = 0; axis < index.length; axis++) {
            outer = Math.multiplyExact(outer, axes.get(axis).size());
        }
        for (int row = 0; row < outer; row++) {
            int inTrace = 0;
            int inReference = 0;
            for (int axis = 0; axis < index.length; axis++) {
                inTrace = inTrace * trace.shape().get(axis) + axes.get(axis).trace()[index[axis]];
                inReference = inReference * reference.shape().get(axis)
                        + axes.get(axis).reference()[index[axis]];
            }
            if (rank > 0) {
                inTrace *= trace.shape().get(rank - 1);
                inReference *= reference.shape().get(rank - 1);
            }
            compareRow(trace, inTrace, inReference, last, axes, index);
            for (int axis = index.length - 1;
                    axis >= 0 && ++index[axis] == axes.get(axis).size();
                    axis--) {
                index[axis] = 0;
            }
        }
    }

    private void compareRow(
            RecordedTensor trace, int inTrace, int inReference, Common last, List<Common> axes, int[] index) {
        int largestTrace = -1;
        int largestReference = -1;
        float[] a = trace.values();
        float[] b = reference.values();
        for (int i = 0; i < last.size(); i++) {
            int atTrace = inTrace + last.trace()[i];
            int atReference = inReference + last.reference()[i];
            if (saysNothing(a[atTrace], b[atReference])) {
                skipped++;
                continue;
            }
            double x = a[atTrace];
            double y = b[atReference];
            compared++;
            if (Double.isFinite(x) && Double.isFinite(y)) {
                double difference = Math.abs(x - y);
                if (difference > maxAbs) {
                    maxAbs = difference;
                    worstIndex = whole(axes, index, i);
                }
                squaredDifference += difference * difference;
                squaredTrace += x * x;
                squaredReference += y * y;
                product += x * y;
                if (difference > limit && firstIndex == null) {
                    firstIndex = whole(axes, index, i);
                }
            } else if (Double.compare(x, y) != 0) {
                // Equal infinities, as in a mask, are no difference, and neither are two NaNs.
                notFinite++;
                if (firstIndex == null) {
                    firstIndex = whole(axes, index, i);
                }
            }
            largestTrace = largestTrace < 0 || x > a[largestTrace] ? atTrace : largestTrace;
            largestReference = largestReference < 0 || y > b[largestReference] ? atReference : largestReference;
        }
        if (largestReference >= 0) {
            rows++;
            int column = largestTrace - inTrace;
            sameArgmax += column == columnInTrace(last, largestReference - inReference) ? 1 : 0;
        }
    }

    /** An infinity may be a mask, and may be the logarithm of nothing: only against a mask it counts as one. */
    private static boolean saysNothing(float trace, float reference) {
        return RecordedTensor.isAbsent(trace)
                || RecordedTensor.isAbsent(reference)
                || reference <= MASKED && (Float.isFinite(reference) || Float.isFinite(trace) && trace <= MASKED);
    }

    private static int columnInTrace(Common last, int columnInReference) {
        return last.trace()[Arrays.binarySearch(last.reference(), columnInReference)];
    }

    private static List<Integer> whole(List<Common> axes, int[] index, int inLast) {
        List<Integer> whole = new ArrayList<>();
        for (int axis = 0; axis < axes.size(); axis++) {
            whole.add(axes.get(axis).whole()[axis == axes.size() - 1 ? inLast : index[axis]]);
        }
        return List.copyOf(whole);
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
        boolean departed = notFinite > 0 || tooFar || tooDifferent;
        List<Integer> index = departed && firstIndex == null ? worstIndex : firstIndex;
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
                        ? null
                        : notFinite + " of " + compared + " values are NaN or infinite in one of the two only");
    }
}
