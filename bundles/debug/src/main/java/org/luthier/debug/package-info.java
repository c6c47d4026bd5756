/** The layer-by-layer debugger: the tree of a model, recordings of its intermediates, and where they depart from a reference. */
@Export
@Version("1.0.0")
package org.luthier.debug;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
