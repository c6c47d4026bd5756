package org.luthier.workbench;

import org.luthier.api.notes.Transcription;

/** A transcription that runs, or has run. */
public interface Job {
    /** Where a job stands. */
    enum State {
        RUNNING,
        DONE,
        CANCELLED,
        FAILED
    }

    /** What it does. */
    TranscriptionRequest request();

    /** Where it stands. */
    State state();

    /** Asks it to stop; {@link #await} tells when it has. */
    void cancel();

    /**
     * Waits for its end. Interrupting the waiting thread cancels the job; its end is still waited for.
     *
     * @throws org.luthier.api.CancelledException if it was cancelled
     * @throws org.luthier.api.LuthierException if it could not be done
     */
    Transcription await();
}
