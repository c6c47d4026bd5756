package org.luthier.installer;

import java.nio.file.Path;
import java.util.List;

/**
 * Weights that are in place.
 *
 * @param state how they came there
 * @param weights the file or folder
 * @param arrays tensors in it, counted by opening it
 * @param bytes size of its files together
 * @param sha256 its checksum; of a folder, that of its sorted sha256sum lines
 * @param published whether the checksum is the published one
 * @param remarks what a user should know, each one line
 */
public record Installation(
        State state, Path weights, int arrays, long bytes, String sha256, boolean published, List<String> remarks) {
    /** How weights came to be in place. */
    public enum State {
        /** They were put there now. */
        INSTALLED,
        /** They had been put there before. */
        PRESENT,
        /** They lie beside the model.json. */
        BUILT_IN
    }
}
