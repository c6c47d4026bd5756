package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;

/**
 * One row of a run and of the reference side by side: of a tensor that departs, that in which it departs most.
 *
 * <p>Rows are paired by the numbers of their segments where these are known, else by their places.
 */
final class Rows {
    /** What counts as the same where one recording is to fill the gaps of another. */
    private static final double SAME = 2e-3;
    /** Rows looked at to find the one that departs most. */
    private static final int MOST_ROWS = 16;

    private final Reference trace;
    private final Reference reference;
    private final Map<String, RecordedTensor> read = new HashMap<>();
    private final Map<String, Plane> planes = new HashMap<>();
    private int rowsOfTensor;
    private int inTrace;
    private int inReference;

    /** @param tensor recorded on both sides */
    Rows(Reference trace, Reference reference, String tensor) {
        this.trace = trace;
        this.reference = reference;
        choose(tensor);
    }

    private void choose(String tensor) {
        RecordedTensor a = recorded(trace, tensor);
        RecordedTensor b = recorded(reference, tensor);
        rowsOfTensor = a.shape().isEmpty() ? 0 : a.shape().get(0);
        double worst = -1;
        int bestTrace = 0;
        int bestReference = 0;
        for (int[] pair :
                pairs(rowsOfTensor, b.shape().isEmpty() ? 0 : b.shape().get(0))) {
            Plane x = Plane.of(a, pair[0], null);
            Plane y = Plane.of(b, pair[1], null);
            double difference = x == null || y == null
                    ? -1
                    : Fit.of(x, y, Places.all(y, 64)).error();
            if (difference > worst) {
                worst = difference;
                bestTrace = pair[0];
                bestReference = pair[1];
            }
        }
        inTrace = bestTrace;
        inReference = bestReference;
    }

    private List<int[]> pairs(int ofTrace, int ofReference) {
        List<Integer> numbersA = trace.header().segments();
        List<Integer> numbersB = reference.header().segments();
        boolean known = numbersA.size() == ofTrace && numbersB.size() == ofReference;
        List<int[]> pairs = new ArrayList<>();
        for (int row = 0; row < ofReference && pairs.size() < MOST_ROWS; row++) {
            int other = known ? numbersA.indexOf(numbersB.get(row)) : row < ofTrace ? row : -1;
            if (other >= 0) {
                pairs.add(new int[] {other, row});
            }
        }
        return pairs;
    }

    private RecordedTensor recorded(Reference side, String name) {
        return read.computeIfAbsent((side == trace ? "trace " : "reference ") + name, any -> side.tensor(name));
    }

    /** What the run recorded, or null. */
    Plane trace(String name) {
        return plane(trace, name, trace.has(name) && reference.has(name) ? recorded(reference, name) : null);
    }

    /** What the reference recorded, or null. */
    Plane reference(String name) {
        return plane(reference, name, trace.has(name) && reference.has(name) ? recorded(trace, name) : null);
    }

    /** What the reference recorded, its gaps filled from the run where the two agree; or null. */
    Plane filled(String name) {
        Plane expected = reference(name);
        Plane own = trace(name);
        return expected != null
                        && own != null
                        && Fit.of(own, expected, Places.all(expected, Integer.MAX_VALUE))
                                        .error()
                                < SAME
                ? expected.or(own)
                : expected;
    }

    /** What the reference recorded of a tensor in the other rows of the same segment, its other channels, by their numbers. */
    Map<Integer, Plane> otherChannels(String name) {
        RecordedTensor tensor = recorded(reference, name);
        int rows = tensor.shape().isEmpty() ? 0 : tensor.shape().get(0);
        int segments = reference.header().segments().size();
        int channels = segments == 0 ? 0 : rows / segments;
        Map<Integer, Plane> others = new LinkedHashMap<>();
        if (tensor.kept(0) == null && channels <= MOST_ROWS) {
            for (int channel = 0; channel < channels; channel++) {
                int row = inReference / channels * channels + channel;
                if (row != inReference && row < rows) {
                    others.put(channel, Plane.of(tensor, row, null));
                }
            }
        }
        return others;
    }

    /** Those of other tensors that the reference has, of the same shape as one. */
    List<String> alike(String name, List<String> others) {
        List<Integer> shape = recorded(reference, name).shape();
        return others.stream()
                .filter(other -> !other.equals(name) && reference.has(other))
                .filter(other -> recorded(reference, other).shape().equals(shape))
                .toList();
    }

    /** All rows of the run's tensor, or null. */
    Plane allOfTrace(String name) {
        return trace.has(name) ? Plane.whole(recorded(trace, name)) : null;
    }

    /** All rows of the reference's tensor, or null. */
    Plane allOfReference(String name) {
        return reference.has(name) ? Plane.whole(recorded(reference, name)) : null;
    }

    /** What is known of all rows for the row that is looked at. */
    AllRows all(String name, boolean ofReference, Function<String, Field> tensors) {
        Reference side = (ofReference ? reference.has(name) : !trace.has(name)) ? reference : trace;
        if (!side.has(name)) {
            return AllRows.UNKNOWN;
        }
        int[] shape = recorded(side, name).shape().stream()
                .mapToInt(Integer::intValue)
                .toArray();
        return new AllRows(shape, row(side, shape[0]), tensors);
    }

    /** Whether the rows of the tensor that is looked at are the second axis of this one: channels of a segment, or its times. */
    private boolean isOfParts(RecordedTensor tensor) {
        return tensor.shape().size() > 3
                && tensor.slices().isEmpty()
                && tensor.shape().get(0) < rowsOfTensor
                && tensor.shape().get(0) * tensor.shape().get(1) == rowsOfTensor;
    }

    private int row(Reference side, int rows) {
        int row = side == trace ? inTrace : inReference;
        // The rows of the decoder may be several channels of one segment.
        return rows == rowsOfTensor || rows == 0 ? row : row * rows / Math.max(1, rowsOfTensor);
    }

    private Plane plane(Reference side, String name, RecordedTensor other) {
        if (!side.has(name)) {
            return null;
        }
        return planes.computeIfAbsent((side == trace ? "trace " : "reference ") + name, any -> {
            RecordedTensor tensor = recorded(side, name);
            int rows = tensor.shape().isEmpty() ? 0 : tensor.shape().get(0);
            int[] least = other == null ? null : sizes(other);
            return isOfParts(tensor)
                    ? Plane.part(tensor, side == trace ? inTrace : inReference)
                    : Plane.of(tensor, row(side, rows), least);
        });
    }

    private static int[] sizes(RecordedTensor tensor) {
        if (tensor.shape().isEmpty()) {
            return null;
        }
        int[] sizes = new int[tensor.shape().size() - 1];
        Arrays.setAll(sizes, axis -> tensor.shape().get(axis + 1));
        tensor.slices().stream()
                .filter(slice -> slice.axis() > 0 && !slice.indices().isEmpty())
                .forEach(slice -> sizes[slice.axis() - 1] = slice.indices().getLast() + 1);
        return sizes;
    }
}
