/** Layers, probes, models, sessions, front ends and decoders: the contracts that see tensors. */
@Export
@Version("1.0.0")
package org.luthier.api.model;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
