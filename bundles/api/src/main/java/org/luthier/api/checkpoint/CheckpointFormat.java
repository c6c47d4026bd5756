package org.luthier.api.checkpoint;

import java.nio.file.Path;
import org.luthier.api.plugin.Part;

/** One file format that checkpoints come in. */
public interface CheckpointFormat extends Part {
    /** Whether the content (never the name) looks like this format. Reads a few bytes; false for what cannot be read. */
    boolean recognises(Path path);

    /**
     * Opens a checkpoint and checks its structure.
     *
     * @throws CheckpointException if a rule of the format is broken
     */
    Checkpoint open(Path path);
}
