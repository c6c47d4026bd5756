/** Notes, posteriorgrams and transcriptions: the end of every pipeline. Knows nothing of tensors. */
@Export
@Version("1.0.0")
package org.luthier.api.notes;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
