package org.luthier.debug;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Keeps a copy of every tensor whose name is chosen, in order of execution. May be tapped by several workers. */
public final class RecordingProbe implements Probe {
    private record Piece(Position at, int[] shape, float[] values) {}

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
        Piece piece = new Piece(at, Tensors.shape(tensor), Tensors.floats(tensor));
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
            List<Integer> segments = List.of();
            for (Map.Entry<String, List<Piece>> entry : pieces.entrySet()) {
                List<Piece> sorted = new ArrayList<>(entry.getValue());
                sorted.sort(Comparator.comparingInt((Piece piece) -> piece.at().segment(0))
                        .thenComparingInt(piece -> piece.at().step()));
                tensors.add(join(entry.getKey(), sorted));
                segments = sorted.stream()
                        .flatMap(piece -> segments(piece.at()).stream())
                        .toList();
            }
            return Reference.of(title, new Reference.Header(model, "luthier", "float32", "none", segments), tensors);
        }
    }

    static List<Integer> segments(Position at) {
        return IntStream.range(0, at.rows()).mapToObj(row -> at.segment(row)).toList();
    }

    private static RecordedTensor join(String name, List<Piece> pieces) {
        List<Integer> shape =
                new ArrayList<>(IntStream.of(pieces.get(0).shape()).boxed().toList());
        if (pieces.size() == 1) {
            return RecordedTensor.of(name, pieces.get(0).values(), shape);
        }
        int rows = pieces.stream().mapToInt(piece -> piece.shape()[0]).sum();
        long size = pieces.stream().mapToLong(piece -> piece.values().length).sum();
        if (size > MOST_VALUES) {
            throw new LuthierException("the trace of " + name + " in " + rows + " rows has " + size
                    + " values, more than one tensor can hold; choose fewer segments or layers");
        }
        float[] values = new float[(int) size];
        int at = 0;
        for (Piece piece : pieces) {
            System.arraycopy(piece.values(), 0, values, at, piece.values().length);
            at += piece.values().length;
        }
        shape.set(0, rows);
        return RecordedTensor.of(name, values, List.copyOf(shape));
    }
}
