package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares every tensor with a reference's while the model runs, and keeps only the numbers. May be tapped by several workers. */
public final class ComparingProbe implements Probe {
    private final Reference reference;
    private final Map<String, TensorComparison> comparisons = new LinkedHashMap<>();

    /** @param reference stays open while the model runs */
    public ComparingProbe(Reference reference, Thresholds thresholds) {
        this.reference = reference;
        for (String name : reference.names()) {
            comparisons.put(
                    name,
                    new TensorComparison(
                            reference.tensor(name), reference.header().segments(), thresholds));
        }
    }

    @Override
    public boolean wants(String name) {
        return comparisons.containsKey(name);
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        List<Integer> shape = new ArrayList<>();
        for (int size : Tensors.shape(tensor)) {
            shape.add(size);
        }
        boolean integers = tensor.dataType().isIntType();
        boolean steps = at.step() >= 0;
        // Ids come as whole rows.
        RecordedTensor tapped = new RecordedTensor(
                name,
                List.copyOf(shape),
                Tensors.floats(tensor),
                steps && !integers ? slices(shape, at.step()) : List.of(),
                Double.NaN,
                integers,
                steps);
        TensorComparison comparison = comparisons.get(name);
        synchronized (comparison) {
            comparison.add(tapped, RecordingProbe.segments(at));
        }
    }

    /** What part of all steps the tensor of one call is: its own positions, and of scores the keys so far. */
    private static List<Slice> slices(List<Integer> shape, int step) {
        int stepAxis = RecordedTensor.stepAxis(shape.size());
        List<Slice> slices = new ArrayList<>();
        slices.add(Slice.range(stepAxis, step, shape.get(stepAxis)));
        if (stepAxis > 1) {
            int keys = shape.size() - 1;
            slices.add(Slice.range(keys, 0, shape.get(keys)));
        }
        return slices;
    }

    /**
     * What was found, once the model has run.
     *
     * @throws org.luthier.api.LuthierException if nothing of the reference was tapped
     */
    public TraceDiff result() {
        List<TensorDiff> tensors = new ArrayList<>();
        for (TensorComparison comparison : comparisons.values()) {
            synchronized (comparison) {
                tensors.add(comparison.result(tensors.size()));
            }
        }
        return TraceDiff.of("this run", reference.title(), tensors);
    }
}
