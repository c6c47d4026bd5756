package org.luthier.debug.html;

import java.util.List;
import org.luthier.api.notes.Note;

/**
 * The notes that came of both sides.
 *
 * @param trace notes of the trace; null where nobody made them, which is not the same as none
 * @param reference notes of the reference, or null likewise
 */
public record Rolls(List<Note> trace, List<Note> reference) {
    /** Nobody made notes. */
    public static final Rolls NONE = new Rolls(null, null);
}
