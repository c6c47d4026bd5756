package org.luthier.debug;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Keeps a copy of every tensor whose name is chosen, in order of execution. May be tapped by several workers.
 *
 * <p>Rows are put together by their slots, whatever the batches they came in, and decoding steps by their numbers. Where a row had ended
 * while others went on, or a step had fewer keys than a later one, stands {@link RecordedTensor#ABSENT}, and 0 among ids. Of a row that is
 * tapped again at the same step, the last is kept.
 */
public final class RecordingProbe implements Probe {
    private record Piece(Position at, int[] shape, boolean integers, float[] values) {}

    /** What one tensor of a file can be read back as. */
    private static final int MOST_VALUES = Integer.MAX_VALUE / Float.BYTES;

    private final NameGlob names;
    /** In the order in which the names were first tapped: a worker taps a layer only after it has tapped all before it. */
    private final Map<String, List<Piece>> pieces = new LinkedHashMap<>();

    /** @param names which tensors to keep */
    public RecordingProbe(NameGlob names) {
        this.names = names;
    }

    @Override
    public boolean wants(String name) {
        return names.matches(name);
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        keep(name, new Piece(at, Tensors.shape(tensor), tensor.dataType().isIntType(), Tensors.floats(tensor)));
    }

    /** Keeps what another probe has read, which goes on to change it. */
    void keep(String name, Position at, Tap tap) {
        RecordedTensor copy = tap.copy();
        int[] shape = copy.shape().stream().mapToInt(Integer::intValue).toArray();
        keep(name, new Piece(at, shape, copy.integers(), copy.values().clone()));
    }

    private void keep(String name, Piece piece) {
        synchronized (pieces) {
            pieces.computeIfAbsent(name, any -> new ArrayList<>()).add(piece);
        }
    }

    /**
     * What was kept so far, rows put together in order of their segments.
     *
     * @param title what to call it in messages
     * @param model id of the model family
     */
    public Reference recorded(String title, String model) {
        synchronized (pieces) {
            List<RecordedTensor> tensors = new ArrayList<>();
            SortedSet<Integer> segments = new TreeSet<>();
            for (Map.Entry<String, List<Piece>> entry : pieces.entrySet()) {
                tensors.add(join(entry.getKey(), entry.getValue()));
                entry.getValue().forEach(piece -> segments.addAll(segments(piece.at())));
            }
            return Reference.of(
                    title, new Reference.Header(model, "luthier", "float32", "none", List.copyOf(segments)), tensors);
        }
    }

    private static List<Integer> segments(Position at) {
        return IntStream.range(0, at.rows()).mapToObj(row -> at.segment(row)).toList();
    }

    private static RecordedTensor join(String name, List<Piece> pieces) {
        boolean steps = pieces.stream().anyMatch(piece -> piece.at().step() >= 0);
        boolean integers = pieces.get(0).integers();
        int rank = pieces.get(0).shape().length;
        int stepAxis = RecordedTensor.stepAxis(rank);
        int[] slots = pieces.stream()
                .flatMapToInt(piece -> IntStream.of(piece.at().slots().toArray()))
                .sorted()
                .distinct()
                .toArray();
        int[] shape = new int[rank];
        for (Piece piece : pieces) {
            for (int axis = 1; axis < rank; axis++) {
                int first = axis == stepAxis ? Math.max(0, piece.at().step()) : 0;
                shape[axis] = Math.max(shape[axis], first + piece.shape()[axis]);
            }
        }
        shape[0] = slots.length;
        Piece only = pieces.get(0);
        if (pieces.size() == 1
                && only.at().step() <= 0
                && Arrays.equals(slots, only.at().slots().toArray())) {
            return new RecordedTensor(name, sizes(shape), only.values(), List.of(), Double.NaN, integers, steps);
        }
        float[] values = new float[size(name, shape)];
        Arrays.fill(values, integers ? 0 : RecordedTensor.ABSENT);
        for (Piece piece : pieces) {
            int step = Math.max(0, piece.at().step());
            for (int row = 0; row < piece.at().rows(); row++) {
                int to = Arrays.binarySearch(slots, piece.at().slots().get(row));
                copy(piece, row, values, shape, to, step);
            }
        }
        return new RecordedTensor(name, sizes(shape), values, List.of(), Double.NaN, integers, steps);
    }

    private static List<Integer> sizes(int[] shape) {
        return IntStream.of(shape).boxed().toList();
    }

    private static int size(String name, int[] shape) {
        long size = IntStream.of(shape).asLongStream().reduce(1, Math::multiplyExact);
        if (size > MOST_VALUES) {
            throw new LuthierException("the trace of " + name + " in " + shape[0] + " rows has " + size
                    + " values, more than one tensor can hold; choose fewer segments or layers");
        }
        return (int) size;
    }

    /** Copies one row of a piece, line by line along the last dimension, to its place in the whole. */
    private static void copy(Piece piece, int row, float[] values, int[] shape, int to, int step) {
        int rank = shape.length;
        int[] from = piece.shape();
        int stepAxis = RecordedTensor.stepAxis(rank);
        int line = rank == 1 ? 1 : from[rank - 1];
        int lines = line == 0 ? 0 : piece.values().length / from[0] / line;
        int[] index = new int[rank];
        for (int i = 0; i < lines; i++) {
            int at = to;
            for (int axis = 1; axis < rank; axis++) {
                at = at * shape[axis] + index[axis] + (axis == stepAxis ? step : 0);
            }
            System.arraycopy(piece.values(), (row * lines + i) * line, values, at, line);
            for (int axis = rank - 2; axis > 0 && ++index[axis] == from[axis]; axis--) {
                index[axis] = 0;
            }
        }
    }
}
