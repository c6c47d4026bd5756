package org.luthier.debug.doctor;

import org.luthier.api.model.Framing;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The loudest neighbouring segments of a recording: what is there to be heard is heard there.
 *
 * @param first number of the first segment
 * @param count how many
 */
record Excerpt(float[] samples, Framing framing, int first, int count) {
    private static final int MOST = 4;

    static Excerpt of(float[] samples, Framing framing) {
        int segments = framing.segments(samples.length);
        int count = Math.min(MOST, segments);
        double[] energies = new double[segments];
        float[] cut = new float[framing.window()];
        for (int segment = 0; segment < segments; segment++) {
            framing.cut(samples, segment, cut, 0);
            for (float sample : cut) {
                energies[segment] += (double) sample * sample;
            }
        }
        int best = 0;
        double most = -1;
        for (int first = 0; first + count <= segments; first++) {
            double energy = 0;
            for (int i = first; i < first + count; i++) {
                energy += energies[i];
            }
            if (energy > most) {
                most = energy;
                best = first;
            }
        }
        return new Excerpt(samples, framing, best, count);
    }

    /** Samples of one segment, [1, window]. */
    INDArray segment(int segment) {
        float[] cut = new float[framing.window()];
        framing.cut(samples, segment, cut, 0);
        return Nd4j.create(cut, new long[] {1, cut.length}, 'c');
    }

    int length(int segment) {
        return framing.length(samples.length, segment);
    }

    double seconds() {
        return framing.startSeconds(first + count) - framing.startSeconds(first);
    }
}
