package org.luthier.workbench;

import org.luthier.api.Progress;

/**
 * Who follows a job while it runs.
 *
 * @param progress told how far it is
 * @param notes told of notes as they come
 * @param keeper told what a token model makes of the recording, or null; a frame model's job cannot be kept
 */
public record Listeners(Progress progress, NoteListener notes, Keeper keeper) {
    /** Nobody. */
    public static final Listeners NONE = of(Progress.NONE);

    /** Who wants to know how far the job is, and nothing else. */
    public static Listeners of(Progress progress) {
        return new Listeners(progress, NoteListener.NONE, null);
    }

    /** The same with another one who is told of notes. */
    public Listeners withNotes(NoteListener value) {
        return new Listeners(progress, value, keeper);
    }

    /** The same with another one who keeps what the model makes. */
    public Listeners withKeeper(Keeper value) {
        return new Listeners(progress, notes, value);
    }
}
