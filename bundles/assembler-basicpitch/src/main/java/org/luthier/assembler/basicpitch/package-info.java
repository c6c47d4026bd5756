/** Notes from the posteriorgrams of Basic Pitch. */
@Export
@Version("1.0.0")
package org.luthier.assembler.basicpitch;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
