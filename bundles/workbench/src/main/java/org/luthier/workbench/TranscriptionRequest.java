package org.luthier.workbench;

import java.nio.file.Path;
import java.util.Map;
import org.luthier.api.UsageException;
import org.luthier.api.model.Execution;

/**
 * What a job shall do; null stands for the default.
 *
 * @param audio the audio file
 * @param model id of a model of the catalog; by default the one that {@code checkpoint} fits, else {@code basic-pitch}
 * @param checkpoint weights to use in place of the model's own
 * @param tokenizer id of the tokenizer, of a token model
 * @param decoder id of the decoder, of a token model
 * @param assembler id of the note assembler
 * @param batch segments a worker gives the model at once, 1 to 1024; by default one of a frame model, and of a token model a worker's
 *     share of them, in several rounds if they are many
 * @param settings values as a user wrote them, by the names of {@link Workbench#parameters}
 * @param execution what to run on
 */
public record TranscriptionRequest(
        Path audio,
        String model,
        Path checkpoint,
        String tokenizer,
        String decoder,
        String assembler,
        Integer batch,
        Map<String, String> settings,
        Execution execution) {
    /** A batch of this many segments is far beyond what is faster, and still fits into an array. */
    private static final int MOST_SEGMENTS = 1024;

    public TranscriptionRequest {
        settings = Map.copyOf(settings);
        if (batch != null && (batch < 1 || batch > MOST_SEGMENTS)) {
            throw new UsageException("--batch: expected a whole number from 1 to " + MOST_SEGMENTS + ", got " + batch);
        }
    }

    /** Transcribes a file with every default. */
    public static TranscriptionRequest of(Path audio) {
        return new TranscriptionRequest(audio, null, null, null, null, null, null, Map.of(), null);
    }

    /** The same with another audio file. */
    public TranscriptionRequest withAudio(Path value) {
        return new TranscriptionRequest(
                value, model, checkpoint, tokenizer, decoder, assembler, batch, settings, execution);
    }

    /** The same with another model. */
    public TranscriptionRequest withModel(String value) {
        return new TranscriptionRequest(
                audio, value, checkpoint, tokenizer, decoder, assembler, batch, settings, execution);
    }

    /** The same with another checkpoint. */
    public TranscriptionRequest withCheckpoint(Path value) {
        return new TranscriptionRequest(audio, model, value, tokenizer, decoder, assembler, batch, settings, execution);
    }

    /** The same with another tokenizer. */
    public TranscriptionRequest withTokenizer(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, value, decoder, assembler, batch, settings, execution);
    }

    /** The same with another decoder. */
    public TranscriptionRequest withDecoder(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, value, assembler, batch, settings, execution);
    }

    /** The same with another note assembler. */
    public TranscriptionRequest withAssembler(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, value, batch, settings, execution);
    }

    /** The same with another batch. */
    public TranscriptionRequest withBatch(Integer value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, value, settings, execution);
    }

    /** The same with other settings. */
    public TranscriptionRequest withSettings(Map<String, String> value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, batch, value, execution);
    }

    /** The same on another execution. */
    public TranscriptionRequest withExecution(Execution value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, batch, settings, value);
    }
}
