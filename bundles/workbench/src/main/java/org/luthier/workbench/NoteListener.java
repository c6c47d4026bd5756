package org.luthier.workbench;

import java.util.List;
import org.luthier.api.notes.Note;

/** Told of notes while a job still runs, as soon as they can no longer change. Told by one thread at a time, never by two at once. */
@FunctionalInterface
public interface NoteListener {
    /** Ignores what it is told. */
    NoteListener NONE = notes -> {};

    /**
     * Says which notes have come. In the end every note has been told once; the order is that in which they end, not always that of the
     * transcription. A frame model's come all at once.
     *
     * @param notes what is new; the job waits for the return
     */
    void told(List<Note> notes);
}
