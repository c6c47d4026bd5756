package org.luthier.workbench;

import org.luthier.api.model.Model;
import org.luthier.api.plugin.PartVersion;

/** A loaded model that stays open until the lease is closed. */
public interface ModelLease extends AutoCloseable {
    /** The model; not to be closed. */
    Model model();

    /** Id of the model and version of the bundle of its family. */
    PartVersion version();

    /** sha256 of the weights, in lower-case hexadecimal. */
    String checkpointSha256();

    @Override
    void close();
}
