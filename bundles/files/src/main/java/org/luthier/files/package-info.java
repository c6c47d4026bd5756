/** Files written whole or not at all, and checksums. */
@Export
@Version("1.0.0")
package org.luthier.files;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
