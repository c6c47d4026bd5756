package org.luthier.api.notes;

import java.util.List;
import org.luthier.api.tokens.SegmentTokens;

/**
 * The result of a job: notes, and what they depend on.
 *
 * @param duration length of the recording in seconds
 * @param notes in the reference's order
 * @param segments the tokens of a token model, in order of time; empty for a frame model
 * @param invalid events that mean nothing
 * @param dropped events that were understood and not used
 * @param provenance what the result depends on
 * @param midiWriter the model's writer of MIDI files
 * @param timing how long it took; the only thing that differs from run to run
 */
public record Transcription(
        double duration,
        List<Note> notes,
        List<SegmentTokens> segments,
        long invalid,
        long dropped,
        Provenance provenance,
        String midiWriter,
        Timing timing) {}
