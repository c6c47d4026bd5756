package org.luthier.workbench;

import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Model;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentTokens;

/** How a kind of model makes notes of a recording: which samples form a segment, who works on it, how the results are joined. */
sealed interface Recipe permits FrameRecipe {
    /** Reads the recording, once, at a sample rate. The recipe lets go of the samples when it can. */
    @FunctionalInterface
    interface Source {
        Recording read(int sampleRate);
    }

    /**
     * How a job runs.
     *
     * @param name of the job, for its threads
     * @param workers threads
     * @param batch segments a worker gives the model at once
     */
    record Run(String name, int workers, int batch, Phases phases, Progress progress, Cancellation cancellation) {}

    /**
     * What came of a recording.
     *
     * @param audio what the file was
     * @param seconds length of the recording
     */
    record Outcome(
            AudioFacts audio,
            double seconds,
            List<Note> notes,
            List<SegmentTokens> segments,
            long invalid,
            long dropped) {}

    /** Makes notes of a recording. */
    Outcome transcribe(Source source, Run run);

    /**
     * The recipe for a model, after checking that its parts fit.
     *
     * @throws LuthierException if they do not, with what would
     */
    static Recipe of(Model model, NoteAssembler assembler, Settings assemblerSettings) {
        String id = model.definition().id();
        if (!(model instanceof FrameModel frames)) {
            throw new LuthierException(
                    "model " + id + " writes tokens, and this version of Luthier runs frame models only");
        }
        if (!(assembler instanceof FrameNoteAssembler frameAssembler)) {
            throw new LuthierException("note assembler " + assembler.id() + " reads events of a tokenizer, but model "
                    + id + " puts out frames; use --assembler "
                    + model.definition().assembler());
        }
        frameAssembler.checkFits(frames.layout());
        return new FrameRecipe(frames, frameAssembler, assemblerSettings);
    }
}
