package org.luthier.model.mt3;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Copies what it is offered: by name, then by segment, the values of the newest step. */
final class Recorder implements Probe {
    /**
     * One row of a tensor.
     *
     * @param step of the first position, or -1
     * @param shape without the rows
     */
    record Row(int step, long[] shape, float[] values) {}

    private final Predicate<String> names;
    final Map<String, Map<Integer, Row>> tensors = new LinkedHashMap<>();

    Recorder(Predicate<String> names) {
        this.names = names;
    }

    @Override
    public boolean wants(String name) {
        return names.test(name);
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        if (at.rows() != tensor.size(0)) {
            throw new AssertionError(name + ": " + tensor.size(0) + " rows at " + at);
        }
        float[] values = HostFloats.copy(tensor);
        long[] shape = Arrays.copyOfRange(tensor.shape(), 1, tensor.rank());
        int size = values.length / at.rows();
        for (int row = 0; row < at.rows(); row++) {
            tensors.computeIfAbsent(name, any -> new LinkedHashMap<>())
                    .put(
                            at.segment(row),
                            new Row(at.step(), shape, Arrays.copyOfRange(values, row * size, (row + 1) * size)));
        }
    }
}
