package org.luthier.workbench;

import java.util.Arrays;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Cuts the segments of a recording and puts them through the front end: what every worker begins with. Used by one thread. */
final class SegmentFeatures implements AutoCloseable {
    private final float[] samples;
    private final Framing framing;
    private final Frontend.Session frontend;
    private final float[] cut;
    private INDArray segments;

    /** @param rows most segments of a call */
    SegmentFeatures(Frontend frontend, float[] samples, int rows) {
        this.samples = samples;
        this.framing = frontend.framing();
        this.cut = new float[Math.multiplyExact(rows, framing.window())];
        this.frontend = frontend.open(rows);
    }

    /**
     * The features of some segments.
     *
     * @return [rows, feature shape...]; valid until the next call
     */
    INDArray of(Position at, Probe probe) {
        release();
        int window = framing.window();
        int[] lengths = new int[at.rows()];
        for (int row = 0; row < at.rows(); row++) {
            framing.cut(samples, at.segment(row), cut, row * window);
            lengths[row] = framing.length(samples.length, at.segment(row));
        }
        float[] filled = at.rows() * window == cut.length ? cut : Arrays.copyOf(cut, at.rows() * window);
        // [rows, window]
        segments = Nd4j.create(filled, new long[] {at.rows(), window}, 'c');
        return frontend.features(segments, lengths, at, probe);
    }

    @Override
    public void close() {
        release();
        frontend.close();
    }

    /** Not before the features are done with: a front end may give back its input. */
    private void release() {
        if (segments != null) {
            segments.close();
            segments = null;
        }
    }
}
