/** How well a transcription agrees with the truth. */
@Export
@Version("1.0.0")
package org.luthier.evaluation;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
