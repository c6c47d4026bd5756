package org.luthier.api.notes;

import java.io.IOException;
import java.io.OutputStream;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.Settings;

/** Writes a transcription in one format. The caller owns the file: it is written beside its place and moved. */
public interface TranscriptionWriter extends Part {
    /** Id of the writer of MIDI files for models that name none. */
    String MIDI = "midi";

    /**
     * Writes everything under the default settings; the same transcription gives the same bytes (timing apart, where the format
     * carries it).
     *
     * @param out not closed
     */
    void write(Transcription transcription, OutputStream out) throws IOException;

    /**
     * Writes everything. A writer that has parameters overrides this.
     *
     * @param settings values for {@link #parameters()}
     * @param out not closed
     */
    default void write(Transcription transcription, Settings settings, OutputStream out) throws IOException {
        write(transcription, out);
    }
}
