package org.luthier.debug.cause;

import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.luthier.api.model.Computation;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.Tracer;

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
        return search(departed, trace, name -> reference, false);
    }

    /**
     * The same where each layer was fed the reference's inputs: what it made are outputs only, its inputs are the reference's.
     *
     * @param reference that was isolated with
     */
    public List<Cause> isolated(Tracer.Isolation isolation, Reference reference) {
        return search(
                isolation.diff().departed(),
                isolation.made(),
                // A tensor whose inputs were moved: it may be the moving that the reference does otherwise.
                name -> reference.has(name) ? reference : isolation.expected(),
                true);
    }

    List<Cause> search(
            Collection<String> departed, Reference trace, Function<String, Reference> references, boolean isolated) {
        return departed.stream()
                .filter(name -> trace.has(name) && references.apply(name).has(name))
                .limit(MOST_TENSORS)
                .map(name -> new Search(
                                computations,
                                weights,
                                thresholds,
                                isolated,
                                name,
                                new Rows(trace, references.apply(name), name))
                        .cause())
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }
}
