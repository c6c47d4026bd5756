package org.luthier.workbench;

import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.notes.Transcription;

/** Transcribes files to files: one failure does not stop the others, and nothing half-written is left. */
public final class TranscribeFiles {
    private final Workbench workbench;

    public TranscribeFiles(Workbench workbench) {
        this.workbench = workbench;
    }

    /** Told what becomes of each file, by the thread that runs them. */
    public interface Listener {
        /** A file is begun.
         *
         * @return told how far it is */
        Progress begun(OutputPlan.Entry entry);

        /** A file is done and everything written. */
        void done(OutputPlan.Entry entry, Transcription transcription);

        /** A file could not be done. */
        void failed(OutputPlan.Entry entry, LuthierException trouble);
    }

    /**
     * Transcribes every entry of a plan, in order.
     *
     * @param request everything but the audio file
     * @return how many could not be done
     * @throws LuthierException before any work if a setting or an id is wrong
     * @throws org.luthier.api.CancelledException if it was cancelled; what was finished stays
     */
    public int run(OutputPlan plan, TranscriptionRequest request, Listener listener, Cancellation cancellation) {
        throw new UnsupportedOperationException("not written yet");
    }
}
