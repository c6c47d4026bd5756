/** A recording in memory and what is known about the file it came from. */
@Export
@Version("1.0.0")
package org.luthier.api.audio;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
