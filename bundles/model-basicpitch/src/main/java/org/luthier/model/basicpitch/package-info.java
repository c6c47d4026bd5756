/** Basic Pitch (Bittner et al., ICASSP 2022): its front end, its layers and the names of its checkpoints. */
@Export
@Version("1.0.0")
package org.luthier.model.basicpitch;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
