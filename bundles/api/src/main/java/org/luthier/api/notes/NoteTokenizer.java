package org.luthier.api.notes;

import java.util.List;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;

/** A tokenizer that also writes what a perfect model would say for given notes: training targets, and tests of assemblers. */
public interface NoteTokenizer extends Tokenizer {
    /**
     * The ids of notes.
     *
     * @param notes in any order; two of one pitch and program must not overlap
     * @param seconds length of the recording
     * @return one element a segment, in order of time, end tokens included
     * @throws org.luthier.api.LuthierException for a note that the vocabulary cannot say
     */
    List<SegmentTokens> encode(List<Note> notes, double seconds);
}
