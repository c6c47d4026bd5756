package org.luthier.api.notes;

import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.plugin.Settings;

/** Makes notes of posteriorgrams, by peak picking for instance. */
public non-sealed interface FrameNoteAssembler extends NoteAssembler {
    /**
     * Checks that a model's outputs are what this assembler reads.
     *
     * @throws org.luthier.api.LuthierException if not, with both layouts in the message
     */
    void checkFits(FrameLayout layout);

    /**
     * Makes the notes of a whole recording.
     *
     * @param posteriorgrams all frames; none is fine and gives no notes
     * @param settings values for {@link #parameters()}
     * @param cancellation asked at least every second
     * @return the notes, in the reference's order where there is one
     */
    List<Note> assemble(Posteriorgrams posteriorgrams, Settings settings, Cancellation cancellation);
}
