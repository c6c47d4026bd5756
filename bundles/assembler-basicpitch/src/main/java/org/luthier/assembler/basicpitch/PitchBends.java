package org.luthier.assembler.basicpitch;

import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.list.mutable.primitive.IntArrayList;
import org.luthier.api.notes.Posteriorgram;

/** Where the contour posteriorgram of Basic Pitch is highest around a note, frame by frame. */
final class PitchBends {
    static final int BINS_PER_SEMITONE = 3;
    /** How far from the note's own bin a bend is looked for. */
    private static final int REACH = 25;

    private static final double DEVIATION = 5;

    private final Posteriorgram contour;
    /** Weight of each distance from the note's own bin, [2 * REACH + 1]. */
    private final double[] weights = new double[2 * REACH + 1];

    /** @param contour [frames, 3 bins a semitone] */
    PitchBends(Posteriorgram contour) {
        this.contour = contour;
        for (int i = 0; i < weights.length; i++) {
            double distance = (i - REACH) / DEVIATION;
            weights[i] = Math.exp(-0.5 * distance * distance);
        }
    }

    /** The bends of a note in bins, one a frame, -25..25; the lowest of equal ones. */
    IntList of(FrameNote note) {
        int centre = note.bin() * BINS_PER_SEMITONE;
        int lowest = Math.max(-REACH, -centre);
        int highest = Math.min(REACH, contour.bins() - 1 - centre);
        IntArrayList bends = new IntArrayList(note.endFrame() - note.startFrame());
        for (int frame = note.startFrame(); frame < note.endFrame(); frame++) {
            int best = lowest;
            double most = Double.NEGATIVE_INFINITY;
            for (int bend = lowest; bend <= highest; bend++) {
                double value = contour.at(frame, centre + bend) * weights[bend + REACH];
                if (value > most) {
                    most = value;
                    best = bend;
                }
            }
            bends.add(best);
        }
        return bends;
    }
}
