package org.luthier.debug;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.map.primitive.MutableIntIntMap;
import org.eclipse.collections.impl.factory.primitive.IntIntMaps;

/**
 * The places of a whole tensor that a trace and a reference both hold, however each of them was cut: the same segments, the same entries
 * of every dimension. Of ids, the shorter rows have zeros behind them.
 */
public final class CommonPlaces {
    /** A score from here down is masked, and how far down is nobody's business. */
    static final float MASKED = -1e9f;

    /** Of a tensor without dimensions. */
    private static final Axis SINGLE = Axis.of(new int[1], new int[1]);

    private final RecordedTensor trace;
    private final RecordedTensor reference;
    private final List<Axis> axes;
    private final String contradiction;
    private final String missing;

    private CommonPlaces(
            RecordedTensor trace, RecordedTensor reference, List<Axis> axes, String contradiction, String missing) {
        this.trace = trace;
        this.reference = reference;
        this.axes = axes;
        this.contradiction = contradiction;
        this.missing = missing;
    }

    /** Places along one dimension that both tensors hold: where in the trace, where in the reference, where in the whole. */
    record Axis(int[] trace, int[] reference, int[] whole) {
        static Axis of(int[] inTrace, int[] inReference) {
            int[] places = IntStream.range(0, inReference.length)
                    .filter(at -> position(inTrace, inReference[at]) >= 0)
                    .toArray();
            return new Axis(
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

        /** Where in the trace a place of the reference is. */
        int inTrace(int inReference) {
            return trace[Arrays.binarySearch(reference, inReference)];
        }
    }

    /** Takes the lines along the last dimension, one after another. */
    interface Lines {
        /**
         * Takes one line.
         *
         * @param index of each dimension but the last, among the common places; not to be kept
         * @param inTrace where the line begins in the trace's values
         * @param inReference where it begins in the reference's
         */
        void accept(int[] index, int inTrace, int inReference);
    }

    /** Takes the values of both sides, one place after another. */
    public interface Pairs {
        /**
         * Takes one place.
         *
         * @param index of each dimension, among the common places; not to be kept
         */
        void accept(int[] index, float trace, float reference);
    }

    /**
     * Lays two recordings of one tensor side by side.
     *
     * @param traceSegments numbers of the segments in the trace, whose rows are their channels, or a number for each row: segment *
     *     channels + channel; empty if not known
     * @param segments the same of the reference
     */
    public static CommonPlaces of(
            RecordedTensor trace, List<Integer> traceSegments, RecordedTensor reference, List<Integer> segments) {
        int rank = reference.shape().size();
        if (trace.shape().size() != rank) {
            return contradict(trace, reference, reference.shape());
        }
        RecordedTensor mine = trace;
        RecordedTensor theirs = reference;
        if (reference.integers() && (reference.steps() || trace.steps())) {
            // Rows of ids are as long as the longest that was recorded beside them.
            int longest =
                    Math.max(trace.shape().get(rank - 1), reference.shape().get(rank - 1));
            mine = padded(trace, longest);
            theirs = padded(reference, longest);
        }
        List<Axis> axes = new ArrayList<>();
        for (int axis = 0; axis < rank; axis++) {
            Axis common = axis == 0 ? rows(mine, traceSegments, theirs, segments) : places(mine, theirs, axis);
            if (common == null) {
                return contradict(mine, theirs, reference.shape());
            }
            if (common.size() == 0 && theirs.values().length > 0) {
                String missing = axis == 0 ? "no segment in common" : "kept parts have nothing in common";
                return new CommonPlaces(mine, theirs, List.of(), null, missing);
            }
            axes.add(common);
        }
        return new CommonPlaces(mine, theirs, List.copyOf(axes), null, null);
    }

    private static CommonPlaces contradict(RecordedTensor trace, RecordedTensor reference, List<Integer> shape) {
        String contradiction = "shape differs: trace " + trace.shape() + ", reference " + shape;
        return new CommonPlaces(trace, reference, List.of(), contradiction, null);
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

    private static Axis rows(
            RecordedTensor trace, List<Integer> traceSegments, RecordedTensor reference, List<Integer> segments) {
        int[] kept = reference.kept(0);
        int channels = kept == null ? channels(reference, segments) : channels(trace, traceSegments);
        int[] mine = slots(trace, traceSegments, channels);
        int[] theirs = slots(reference, segments, channels);
        if (mine == null || theirs == null || kept == null && Arrays.equals(mine, theirs)) {
            return places(trace, reference, 0);
        }
        MutableIntIntMap inTrace = IntIntMaps.mutable.empty();
        for (int row = mine.length - 1; row >= 0; row--) {
            inTrace.put(mine[row], row);
        }
        int[] places = IntStream.range(0, theirs.length)
                .filter(row -> inTrace.containsKey(theirs[row]))
                .toArray();
        return new Axis(
                IntStream.of(places).map(row -> inTrace.get(theirs[row])).toArray(),
                places,
                kept == null
                        ? places
                        : IntStream.of(places).map(row -> kept[row]).toArray());
    }

    /** Rows of a segment; 0 if not known. */
    private static int channels(RecordedTensor tensor, List<Integer> segments) {
        int rows = tensor.shape().get(0);
        return tensor.kept(0) != null || segments.isEmpty() || rows % segments.size() != 0 ? 0 : rows / segments.size();
    }

    /** What each row is, segment * channels + channel; null if not known. */
    private static int[] slots(RecordedTensor tensor, List<Integer> segments, int channels) {
        int rows = tensor.shape().get(0);
        int[] kept = tensor.kept(0);
        if (kept == null) {
            if (segments.size() == rows) {
                return segments.stream().mapToInt(Integer::intValue).toArray();
            }
            kept = channels == 0 || channels(tensor, segments) != channels
                    ? null
                    : IntStream.range(0, rows).toArray();
        } else if (IntStream.range(0, segments.size()).allMatch(i -> segments.get(i) == i)) {
            // Segments from the first on: whole rows are numbered so, however many channels they have.
            return segments.isEmpty() ? null : kept;
        }
        return kept == null || channels == 0 || last(kept) >= segments.size() * channels
                ? null
                : IntStream.of(kept)
                        .map(row -> segments.get(row / channels) * channels + row % channels)
                        .toArray();
    }

    /** The common places of a dimension, or null if its sizes contradict each other. */
    private static Axis places(RecordedTensor trace, RecordedTensor reference, int axis) {
        int[] inTrace = trace.kept(axis);
        int[] inReference = reference.kept(axis);
        int traceSize = trace.shape().get(axis);
        int referenceSize = reference.shape().get(axis);
        if (inTrace == null && inReference == null && traceSize != referenceSize
                || inTrace == null && inReference != null && last(inReference) >= traceSize
                || inReference == null && inTrace != null && last(inTrace) >= referenceSize) {
            return null;
        }
        return Axis.of(
                inTrace == null ? IntStream.range(0, traceSize).toArray() : inTrace,
                inReference == null ? IntStream.range(0, referenceSize).toArray() : inReference);
    }

    private static int last(int[] indices) {
        return indices.length == 0 ? -1 : indices[indices.length - 1];
    }

    /** Why the two cannot be of one tensor; null if they can. */
    public String contradiction() {
        return contradiction;
    }

    /** Why they have no place in common; null if they have. */
    public String missing() {
        return missing;
    }

    /** How many places of each dimension both hold; empty if there are none. */
    public List<Integer> sizes() {
        return axes.stream().map(Axis::size).toList();
    }

    /** Where in the whole tensor a common place of a dimension is. */
    public int whole(int axis, int index) {
        return axes.get(axis).whole()[index];
    }

    RecordedTensor trace() {
        return trace;
    }

    RecordedTensor reference() {
        return reference;
    }

    /** The last dimension. */
    Axis last() {
        return axes.isEmpty() ? SINGLE : axes.get(axes.size() - 1);
    }

    /** A place in the whole tensor. */
    List<Integer> whole(int[] index, int inLast) {
        List<Integer> whole = new ArrayList<>();
        for (int axis = 0; axis < axes.size(); axis++) {
            whole.add(whole(axis, axis == axes.size() - 1 ? inLast : index[axis]));
        }
        return List.copyOf(whole);
    }

    void forEachLine(Lines lines) {
        if (contradiction != null || missing != null) {
            return;
        }
        int rank = axes.size();
        int[] index = new int[Math.max(0, rank - 1)];
        int outer = 1;
        for (int axis = 0; axis < index.length; axis++) {
            outer = Math.multiplyExact(outer, axes.get(axis).size());
        }
        for (int line = 0; line < outer; line++) {
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
            lines.accept(index, inTrace, inReference);
            for (int axis = index.length - 1;
                    axis >= 0 && ++index[axis] == axes.get(axis).size();
                    axis--) {
                index[axis] = 0;
            }
        }
    }

    /** Every place of which both sides say something: none that is masked, none that was never computed. */
    public void forEach(Pairs pairs) {
        Axis last = last();
        int[] place = new int[axes.size()];
        forEachLine((index, inTrace, inReference) -> {
            System.arraycopy(index, 0, place, 0, index.length);
            for (int i = 0; i < last.size(); i++) {
                float mine = trace.values()[inTrace + last.trace()[i]];
                float theirs = reference.values()[inReference + last.reference()[i]];
                if (!saysNothing(mine, theirs)) {
                    if (place.length > 0) {
                        place[place.length - 1] = i;
                    }
                    pairs.accept(place, mine, theirs);
                }
            }
        });
    }

    /** An infinity may be a mask, and may be the logarithm of nothing: only against a mask it counts as one. */
    static boolean saysNothing(float trace, float reference) {
        return RecordedTensor.isAbsent(trace)
                || RecordedTensor.isAbsent(reference)
                || reference <= MASKED && (Float.isFinite(reference) || Float.isFinite(trace) && trace <= MASKED);
    }
}
