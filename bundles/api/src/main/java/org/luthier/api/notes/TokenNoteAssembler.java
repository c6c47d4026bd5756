package org.luthier.api.notes;

import java.util.List;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.Tokenizer;

/** Makes notes of the events of consecutive segments, ties and borders included. */
public non-sealed interface TokenNoteAssembler extends NoteAssembler {
    /**
     * Starts a recording.
     *
     * @param tokenizer what the events come from: its vocabulary says which kinds there are, and its clock what a step is
     * @throws org.luthier.api.LuthierException if it has no events that notes could be made of
     */
    Assembly begin(Tokenizer tokenizer, Settings settings);

    /** The state of one recording; used by one thread. */
    interface Assembly {
        /**
         * Takes the next segment, in order of time.
         *
         * @return the notes that can no longer change, so that they can be shown at once
         */
        List<Note> accept(SegmentEvents segment);

        /** Ends what still sounds.
         *
         * @return every note of the recording, in the reference's order, with what was refused on the way */
        Assembled finish();
    }

    /**
     * What came of a recording.
     *
     * @param notes every note, in the reference's order
     * @param invalid events that mean nothing
     * @param dropped events that were understood and not used
     */
    record Assembled(List<Note> notes, long invalid, long dropped) {}
}
