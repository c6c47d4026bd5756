package org.luthier.debug;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.model.Computation;

/**
 * What a trace of ours tells of the model that it was made with, so that it can be explained without being told again.
 *
 * @param definition id of the model
 * @param checkpoint where the weights were; null if nobody said so
 * @param sha256 of the weights, lower-case hexadecimal; null likewise
 * @param cached whether the decoder was fed its ids one by one, with its cache, and not all at once
 * @param computations how the tensors are made, in order of execution
 */
public record Origin(
        String definition, Path checkpoint, String sha256, boolean cached, List<Computation> computations) {
    /** Of a trace that tells nothing. */
    static final Origin UNKNOWN = new Origin(null, null, null, false, List.of());

    public Origin {
        computations = List.copyOf(computations);
    }
}
