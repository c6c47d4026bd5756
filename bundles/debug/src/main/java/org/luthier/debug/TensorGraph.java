package org.luthier.debug;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.model.Computation;

/** Which tensors of a model come from which, as its layers tell. */
public final class TensorGraph {
    /** Of a model that tells nothing. */
    public static final TensorGraph UNKNOWN = new TensorGraph(List.of());

    private final Map<String, Computation> computations = new LinkedHashMap<>();

    /** @param computations of all layers, in order of execution */
    public TensorGraph(List<Computation> computations) {
        computations.forEach(computation -> this.computations.put(computation.output(), computation));
    }

    /** Whether it tells anything. */
    public boolean isKnown() {
        return !computations.isEmpty();
    }

    /** How the tensors are made, in order of execution. */
    public List<Computation> computations() {
        return List.copyOf(computations.values());
    }

    /** How a tensor is made; null if nobody tells. */
    public Computation computation(String name) {
        return computations.get(name);
    }

    /**
     * Whether a departure of a tensor is explained by others that depart: something that it comes from, however far back, is among them.
     * Of a tensor that nobody tells about, everything before it counts.
     *
     * @param departed names of the tensors before it that depart
     */
    public boolean inherits(String name, Collection<String> departed) {
        if (!computations.containsKey(name)) {
            return !departed.isEmpty();
        }
        Set<String> sources = sources(name);
        return departed.stream().anyMatch(sources::contains);
    }

    /** What a tensor comes from, however far back. */
    private Set<String> sources(String name) {
        Set<String> sources = new LinkedHashSet<>();
        Deque<String> open = new ArrayDeque<>(List.of(name));
        while (!open.isEmpty()) {
            for (String source : madeFrom(open.pop())) {
                if (sources.add(source)) {
                    open.push(source);
                }
            }
        }
        sources.remove(name);
        return sources;
    }

    /** The inputs, and what is offered on the way from them: a layer may tell two steps as one, whose first is a tensor too. */
    private List<String> madeFrom(String name) {
        Computation made = computations.get(name);
        if (made == null) {
            return List.of();
        }
        List<String> sources = new ArrayList<>(made.inputs());
        for (Computation other : computations.values()) {
            if (other == made) {
                break;
            }
            boolean known = other.weights().isEmpty()
                    ? other.inputs().equals(made.inputs())
                    : made.inputs().containsAll(other.inputs());
            if (known && made.weights().values().containsAll(other.weights().values())) {
                sources.add(other.output());
            }
        }
        return sources;
    }
}
