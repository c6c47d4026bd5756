package org.luthier.debug.html;

import java.util.List;
import org.luthier.api.model.FrameModel;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.debug.Reference;

/**
 * The notes that came of both sides.
 *
 * @param trace notes of the trace; null where nobody made them, which is not the same as none
 * @param reference notes of the reference, or null likewise
 */
public record Rolls(List<Note> trace, List<Note> reference) {
    /** Nobody made notes. */
    public static final Rolls NONE = new Rolls(null, null);

    /**
     * The notes of the tokens that the decoders said by themselves, of the segments that both sides have. A side that did not record them
     * has null.
     *
     * @param tokenizer of the model that was recorded
     * @param assembler one that understands its events
     */
    public static Rolls ofTokens(
            Reference trace, Reference reference, Tokenizer tokenizer, TokenNoteAssembler assembler) {
        return new Rolls(
                RecordedNotes.of(trace, reference).ofTokens(tokenizer, assembler),
                RecordedNotes.of(reference, trace).ofTokens(tokenizer, assembler));
    }

    /**
     * The notes of the posteriorgrams of a model without a decoder, of the segments that both sides have. A side that did not record all of them whole, of one segment after
     * another, has null.
     *
     * @param model the model that was recorded, or another one of the same family
     * @param assembler one that fits its layout
     */
    public static Rolls ofPosteriorgrams(
            Reference trace, Reference reference, FrameModel model, FrameNoteAssembler assembler) {
        return new Rolls(
                RecordedNotes.of(trace, reference).ofPosteriorgrams(model, assembler),
                RecordedNotes.of(reference, trace).ofPosteriorgrams(model, assembler));
    }

    boolean isEmpty() {
        return trace == null && reference == null;
    }
}
