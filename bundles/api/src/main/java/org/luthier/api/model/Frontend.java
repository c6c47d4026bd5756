package org.luthier.api.model;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Turns segments of sound into a model's features. Immutable; each worker opens its own {@link Session}. */
public interface Frontend {
    /** How a recording is cut. */
    Framing framing();

    /** The layer of the front end's own taps, the first of the model's tree. */
    Layer layer();

    /** Shape of the features of one segment, without the row dimension. */
    List<Long> featureShape();

    /** Opens the scratch memory of one worker.
     *
     * @param rows most rows of a call */
    Session open(int rows);

    /** The scratch memory of one worker. */
    interface Session extends AutoCloseable {
        /**
         * Computes features.
         *
         * @param samples [rows, window]
         * @param lengths of each row, how many samples come before the recording's end, as {@link Framing#length} gives it
         * @param at which segments the rows are
         * @param probe sees the intermediates
         * @return [rows, feature shape...]; valid until the next call
         */
        INDArray features(INDArray samples, int[] lengths, Position at, Probe probe);

        @Override
        void close();
    }
}
