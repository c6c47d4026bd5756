package org.luthier.nn.t5;

import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;

/** What is added to vectors by where they stand. */
interface AddedPositions extends Layer, AutoCloseable {
    /**
     * Computes the layer.
     *
     * @param x [rows, length, width]; changed
     * @param first position of the first vector of each row
     * @throws IllegalArgumentException if there are not so many positions; a defect of the caller
     */
    void forward(Sequences x, int first, Position at, Probe probe);

    /** Frees the table. */
    @Override
    void close();
}
