package org.luthier.workbench;

import java.nio.file.Path;
import java.util.Map;
import org.luthier.api.LuthierException;
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
 * @param batch segments a worker gives the model at once, at least 1
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
        int batch,
        Map<String, String> settings,
        Execution execution) {
    public TranscriptionRequest {
        settings = Map.copyOf(settings);
        if (batch < 1) {
            throw new LuthierException("--batch: expected at least 1, got " + batch);
        }
    }

    /** Transcribes a file with every default. */
    public static TranscriptionRequest of(Path audio) {
        return new TranscriptionRequest(audio, null, null, null, null, null, 1, Map.of(), null);
    }

    public TranscriptionRequest withAudio(Path value) {
        return new TranscriptionRequest(
                value, model, checkpoint, tokenizer, decoder, assembler, batch, settings, execution);
    }

    public TranscriptionRequest withModel(String value) {
        return new TranscriptionRequest(
                audio, value, checkpoint, tokenizer, decoder, assembler, batch, settings, execution);
    }

    public TranscriptionRequest withCheckpoint(Path value) {
        return new TranscriptionRequest(audio, model, value, tokenizer, decoder, assembler, batch, settings, execution);
    }

    public TranscriptionRequest withTokenizer(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, value, decoder, assembler, batch, settings, execution);
    }

    public TranscriptionRequest withDecoder(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, value, assembler, batch, settings, execution);
    }

    public TranscriptionRequest withAssembler(String value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, value, batch, settings, execution);
    }

    public TranscriptionRequest withBatch(int value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, value, settings, execution);
    }

    public TranscriptionRequest withSettings(Map<String, String> value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, batch, value, execution);
    }

    public TranscriptionRequest withExecution(Execution value) {
        return new TranscriptionRequest(
                audio, model, checkpoint, tokenizer, decoder, assembler, batch, settings, value);
    }
}
