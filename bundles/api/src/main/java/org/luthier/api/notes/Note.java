package org.luthier.api.notes;

import org.eclipse.collections.api.list.primitive.IntList;

/**
 * One sounded note.
 *
 * @param start seconds from the beginning of the recording
 * @param end seconds; not before {@code start}
 * @param pitch MIDI note number 0..127
 * @param velocity MIDI velocity 1..127
 * @param program MIDI program 0..127; 0 for drums
 * @param drum whether it is a hit on the drum channel
 * @param amplitude loudness 0..1 as the model sees it, or NaN where the model has none
 * @param bends deviation from {@code pitch} in thirds of a semitone, one value a frame of the model; null where the model has none
 */
public record Note(
        double start, double end, int pitch, int velocity, int program, boolean drum, double amplitude, IntList bends) {

    /** A note without amplitude and bends. */
    public static Note of(double start, double end, int pitch, int velocity, int program, boolean drum) {
        return new Note(start, end, pitch, velocity, program, drum, Double.NaN, null);
    }
}
