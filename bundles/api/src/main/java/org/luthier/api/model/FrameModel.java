package org.luthier.api.model;

import java.util.List;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model that maps features to posteriorgrams, one segment at a time. */
public non-sealed interface FrameModel extends Model {
    /** What comes out. */
    FrameLayout layout();

    /** Which of the tensors that its layers offer to probes each output is, in the layout's order; unless told, those of the outputs' names. */
    default List<String> outputTaps() {
        return layout().outputs().stream().map(FrameLayout.Output::name).toList();
    }

    /** How the frames of overlapping segments are joined. */
    Joining joining();

    /** Opens the scratch memory of one worker.
     *
     * @param rows most rows of a call */
    Session open(int rows);

    /** How the frames of overlapping segments make one timeline. */
    interface Joining {
        /** Frames that a segment yields. */
        int segmentFrames();

        /** Frames dropped at either end of every segment; the rest is laid end to end. */
        int trim();

        /** Frames kept in all for a recording of so many samples. */
        int frames(long samples);

        /** When a frame of the joined timeline happens. */
        FrameClock clock();
    }

    /** The scratch memory of one worker. */
    interface Session extends AutoCloseable {
        /**
         * Runs the network.
         *
         * @param features [rows, feature shape...]
         * @param at which segments the rows are
         * @param probe sees the intermediates
         * @return for each output of the layout, in its order, [rows, segment frames, bins]; valid until the next call
         */
        List<INDArray> run(INDArray features, Position at, Probe probe);

        @Override
        void close();
    }
}
