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
        this(reference, reference.names(), thresholds);
    }

    /** @param names which tensors of the reference to compare */
    ComparingProbe(Reference reference, List<String> names, Thresholds thresholds) {
        this.reference = reference;
        for (String name : names) {
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
        compare(Tap.of(name, at, tensor));
    }

    void compare(Tap tap) {
        TensorComparison comparison = comparisons.get(tap.copy().name());
        synchronized (comparison) {
            comparison.add(tap.copy(), tap.slots());
        }
    }

    /**
     * What was found, once the model has run.
     *
     * @throws org.luthier.api.LuthierException if nothing of the reference was tapped
     */
    public TraceDiff result() {
        return TraceDiff.of("this run", reference.title(), tensors(), reference.graph());
    }

    /** What was found of each tensor; a departure is not yet told from an inherited one. */
    List<TensorDiff> tensors() {
        List<TensorDiff> tensors = new ArrayList<>();
        for (TensorComparison comparison : comparisons.values()) {
            synchronized (comparison) {
                tensors.add(comparison.result(tensors.size()));
            }
        }
        return tensors;
    }
}
