package org.luthier.api.model;

import java.util.List;
import org.luthier.api.checkpoint.DType;

/**
 * A piece of a model: immutable once built, with its weights in the constructor and any state passed in.
 *
 * <p>A layer's {@code forward} is its own; this contract is what tools see. A layer offers its inputs to the probe as
 * {@code NAME.in} where they are not another layer's output, and its outputs as {@code NAME} or {@code NAME.part}.
 */
public interface Layer {
    /** Stable dotted canonical name, for example {@code "encoder.layers_0.attention"}. */
    String name();

    /** The layers inside, in order of execution. */
    default List<Layer> children() {
        return List.of();
    }

    /** The names of the tensors that this layer itself offers to a probe, in order of execution. */
    List<String> taps();

    /**
     * How each of the {@link #taps} comes from others, in the same order; of those that no operation describes, nothing.
     */
    default List<Computation> computations() {
        return List.of();
    }

    /** The weights that belong to this layer itself, not to its children. */
    default List<Weight> weights() {
        return List.of();
    }

    /** A layer that is nothing but those inside it. */
    record Group(String name, List<Layer> children) implements Layer {
        @Override
        public List<String> taps() {
            return List.of();
        }
    }

    /**
     * A weight as listings show it.
     *
     * @param name canonical name
     * @param shape sizes of the dimensions
     * @param dtype element type in memory
     * @param source name in the checkpoint it came from
     */
    record Weight(String name, List<Long> shape, DType dtype, String source) {}
}
