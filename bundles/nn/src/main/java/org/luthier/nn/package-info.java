/** Layers shared by model families, and the kernels under them. */
@Export
@Version("1.0.0")
package org.luthier.nn;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
