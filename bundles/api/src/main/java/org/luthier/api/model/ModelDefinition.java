package org.luthier.api.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.luthier.api.notes.TranscriptionWriter;

/**
 * A model.json: what a model is made of and where its weights come from.
 *
 * @param id what a user chooses it by; the folder's name
 * @param title one line for listings
 * @param family id of the model family that runs it
 * @param tokenizer default tokenizer, or null for a frame model
 * @param decoder default decoder, or null for a frame model
 * @param assembler default note assembler
 * @param midiWriter default writer of MIDI files; null becomes {@link TranscriptionWriter#MIDI}
 * @param configuration the family's own settings: text, numbers, flags, lists and maps as JSON gives them
 * @param weights file name of the weights inside the folder
 * @param sources where the weights can be had
 * @param licence licence of the weights
 * @param citation what to cite
 * @param folder the folder of the model.json
 */
public record ModelDefinition(
        String id,
        String title,
        String family,
        String tokenizer,
        String decoder,
        String assembler,
        String midiWriter,
        Map<String, Object> configuration,
        String weights,
        List<Source> sources,
        String licence,
        String citation,
        Path folder) {
    public ModelDefinition {
        midiWriter = midiWriter == null ? TranscriptionWriter.MIDI : midiWriter;
    }

    /**
     * One file, or one folder, that the weights come from.
     *
     * @param url where; of a folder it ends with a slash
     * @param bytes size, of a folder that of all files; 0 if not known
     * @param sha256 checksum, lower-case hexadecimal; of a folder that of its sorted sha256sum lines. Null if not known
     */
    public record Source(String url, long bytes, String sha256) {}

    /** Where the weights are, or would be. */
    public Path weightsPath() {
        return folder.resolve(weights);
    }
}
