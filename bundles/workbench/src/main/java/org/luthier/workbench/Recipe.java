package org.luthier.workbench;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Model;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;

/** How a kind of model makes notes of a recording: which samples form a segment, who works on it, how the results are joined. */
sealed interface Recipe permits FrameRecipe, TokenRecipe {
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
     * @param batch segments a worker gives the model at once, or null for what suits the recipe
     */
    record Run(
            String name, int workers, Integer batch, Phases phases, Listeners listeners, Cancellation cancellation) {}

    /**
     * What came of a recording.
     *
     * @param audio what the file was
     * @param seconds length of the recording
     * @param remarks what is worth knowing and nothing wrong
     * @param warnings what seems wrong
     */
    record Outcome(
            AudioFacts audio,
            double seconds,
            List<Note> notes,
            List<SegmentTokens> segments,
            long invalid,
            long dropped,
            List<String> remarks,
            List<String> warnings) {
        Transcription transcription(Provenance provenance, String midiWriter, Phases phases) {
            return new Transcription(
                    seconds, notes, segments, invalid, dropped, provenance, midiWriter, phases.timing());
        }
    }

    /** Makes notes of a recording; called once. */
    Outcome transcribe(Source source, Run run);

    /**
     * The recipe for a model, after checking that its parts fit.
     *
     * @param settings what a user has set, by name
     * @param tokenizers the ids of those tokenizers that there are and pass a test
     * @throws LuthierException if they do not, with what would
     */
    static Recipe of(
            Model model,
            Ingredients parts,
            Map<String, String> settings,
            Function<Predicate<Tokenizer>, List<String>> tokenizers) {
        String id = model.definition().id();
        NoteAssembler assembler = parts.assembler();
        if (model instanceof TokenModel tokens) {
            if (parts.tokenizer() == null) {
                throw new LuthierException("model " + id
                        + " writes tokens, but its model.json names no tokenizer and no decoder; add both to it");
            }
            if (!(assembler instanceof TokenNoteAssembler tokenAssembler)) {
                throw new LuthierException("note assembler " + assembler.id() + " reads frames, but model " + id
                        + " writes tokens; use --assembler "
                        + model.definition().assembler());
            }
            TokenFit fit = new TokenFit(id, tokens.layout());
            fit.check(parts.tokenizer(), tokenizers);
            return new TokenRecipe(
                    tokens,
                    parts.tokenizer(),
                    parts.decoder(),
                    parts.settings(parts.decoder(), settings),
                    tokenAssembler.begin(parts.tokenizer(), parts.settings(assembler, settings)),
                    fit.remarks(parts.tokenizer()));
        }
        if (parts.tokenizer() != null) {
            throw new LuthierException("model " + id
                    + " puts out frames, but its model.json names a tokenizer and a decoder; take them out of it");
        }
        if (!(assembler instanceof FrameNoteAssembler frameAssembler)) {
            throw new LuthierException("note assembler " + assembler.id() + " reads events of a tokenizer, but model "
                    + id + " puts out frames; use --assembler "
                    + model.definition().assembler());
        }
        FrameModel frames = (FrameModel) model;
        frameAssembler.checkFits(frames.layout());
        return new FrameRecipe(frames, frameAssembler, parts.settings(assembler, settings));
    }
}
