package org.luthier.debug.cause;

import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.luthier.api.model.Computation;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;

/** Finds the likely causes of departures. Runs no model: it computes single tensors again, in double precision, from what was recorded. */
public final class Causes {
    /** Departing tensors whose causes are searched. */
    public static final int MOST_TENSORS = 16;

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
     * @param departed names of the tensors that depart and do not merely inherit it; of many the first {@link #MOST_TENSORS} are searched
     * @return the likeliest cause of each; none where no known cause fits
     */
    public List<Cause> of(Collection<String> departed, Reference trace, Reference reference) {
        return search(departed, trace, reference, false);
    }

    /**
     * The same of a trace whose layers were each fed the reference's inputs, as isolating makes it: what the trace recorded are outputs
     * only, its inputs are the reference's.
     */
    public List<Cause> isolated(Collection<String> departed, Reference trace, Reference reference) {
        return search(departed, trace, reference, true);
    }

    private List<Cause> search(Collection<String> departed, Reference trace, Reference reference, boolean isolated) {
        return departed.stream()
                .filter(name -> trace.has(name) && reference.has(name))
                .limit(MOST_TENSORS)
                .map(name -> new Search(
                                computations, weights, thresholds, isolated, name, new Rows(trace, reference, name))
                        .cause())
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }
}
