package org.luthier.debug.cause;

import java.util.Collection;
import java.util.List;
import org.luthier.api.model.Computation;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;

/** Finds the likely causes of departures. Runs no model: it computes single tensors again, in double precision, from what was recorded. */
public final class Causes {
    private final List<Computation> computations;
    private final WeightSource weights;
    private final Thresholds thresholds;

    /**
     * @param computations of all layers of the model, in order of execution
     * @param weights the weights that the trace was made with, or {@link WeightSource#NONE}
     * @param thresholds where rounding ends
     */
    public Causes(List<Computation> computations, WeightSource weights, Thresholds thresholds) {
        this.computations = List.copyOf(computations);
        this.weights = weights;
        this.thresholds = thresholds;
    }

    /**
     * The causes of departures in a trace whose layers were fed their own inputs, as a run makes it.
     *
     * @param departed names of the tensors that depart and do not merely inherit it
     * @return the likely causes, of each tensor the likeliest first; none where no known cause fits
     */
    public List<Cause> of(Collection<String> departed, Reference trace, Reference reference) {
        return List.of();
    }

    /**
     * The same of a trace whose layers were each fed the reference's inputs, as isolating makes it: what the trace recorded are outputs
     * only, its inputs are the reference's.
     */
    public List<Cause> isolated(Collection<String> departed, Reference trace, Reference reference) {
        return List.of();
    }
}
