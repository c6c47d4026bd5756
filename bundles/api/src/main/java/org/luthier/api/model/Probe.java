package org.luthier.api.model;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sees the intermediates of a forward pass, and may overwrite them: recording, comparing and patching are probes, and no layer knows
 * which one it has.
 *
 * <p>{@code if (probe.wants(name)) probe.tap(name, at, tensor)}. May be called from several workers at once. A layer that fuses
 * several steps must run them one by one when a tap inside is wanted.
 */
public interface Probe {
    /** Wants nothing and costs nothing. */
    Probe NONE = new Probe() {
        @Override
        public boolean wants(String name) {
            return false;
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            throw new IllegalStateException("tapped unasked: " + name);
        }
    };

    /** Whether a tensor should be offered. The name is built once, at construction of the layer. */
    boolean wants(String name);

    /**
     * Offers a tensor.
     *
     * @param name canonical name
     * @param at where in the recording the rows are
     * @param tensor the layer's own memory: read it now, copy what is kept, write to replace it; the first dimension is rows
     */
    void tap(String name, Position at, INDArray tensor);

    /** Offers a tensor if it is wanted. */
    default void offer(String name, Position at, INDArray tensor) {
        if (wants(name)) {
            tap(name, at, tensor);
        }
    }
}
