package org.luthier.api.notes;

import java.io.IOException;
import java.io.OutputStream;
import org.luthier.api.plugin.Part;

/** Writes a transcription in one format. The caller owns the file: it is written beside its place and moved. */
public interface TranscriptionWriter extends Part {
    /**
     * Writes everything; the same transcription gives the same bytes (timing apart, where the format carries it).
     *
     * @param out not closed
     */
    void write(Transcription transcription, OutputStream out) throws IOException;
}
