/** Why a tensor departs from a reference: the likely causes, each tested on the numbers of the computation that made it. */
@Export
@Version("1.0.0")
package org.luthier.debug.cause;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
