package org.luthier.assembler.yourmt3;

import java.util.Comparator;

/**
 * The start (velocity 1) or end (0) of a note, or a drum's hit.
 *
 * @param time in seconds
 * @param program of drums {@link #DRUMS}
 */
record NoteEvent(double time, boolean drum, int program, int velocity, int pitch) {
    /** Stands for all drums, behind every program. */
    static final int DRUMS = 128;

    /** In a segment, and in a MIDI file: at one time and program ends come before starts. */
    static final Comparator<NoteEvent> BY_PROGRAM = Comparator.comparingDouble(NoteEvent::time)
            .thenComparing(NoteEvent::drum)
            .thenComparingInt(NoteEvent::program)
            .thenComparingInt(NoteEvent::velocity)
            .thenComparingInt(NoteEvent::pitch);

    /** When notes are made. */
    static final Comparator<NoteEvent> BY_PITCH = Comparator.comparingDouble(NoteEvent::time)
            .thenComparing(NoteEvent::drum)
            .thenComparingInt(NoteEvent::pitch)
            .thenComparingInt(NoteEvent::velocity)
            .thenComparingInt(NoteEvent::program);
}
