package org.luthier.api.checkpoint;

import java.util.List;

/**
 * The tensors of a checkpoint under the canonical names of a model family, accounted for. A model takes each weight once; what is
 * left over is an error found by {@link #finish()}.
 */
public interface Weights {
    /**
     * Takes a weight.
     *
     * @param name canonical name, for example {@code "contour1.weight"}
     * @param shape the shape the model needs
     * @return its values, row-major
     * @throws CheckpointException if it is missing (with the nearest name) or has another shape (with both)
     */
    float[] take(String name, long... shape);

    /**
     * The weights that there are to take, taken or not, by canonical name and in the order of the checkpoint: a family may hold its
     * configuration against them before it takes any. None, as by default, where a weight is made as it is asked for.
     */
    default List<TensorInfo> tensors() {
        return List.of();
    }

    /** Name of a weight in the checkpoint it came from. */
    String sourceName(String name);

    /** What became of every tensor. */
    Ledger ledger();

    /**
     * Ends the taking.
     *
     * @throws CheckpointException if a weight was never taken, with its name
     */
    void finish();
}
