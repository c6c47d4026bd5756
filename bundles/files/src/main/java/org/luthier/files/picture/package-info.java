/** Pictures written without AWT: the same bytes on every machine, no display and no fonts. */
@Export
@Version("1.0.0")
package org.luthier.files.picture;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
