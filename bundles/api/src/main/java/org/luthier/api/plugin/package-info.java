/** What makes a part swappable: an id, its parameters, and the version of the bundle it came from. */
@Export
@Version("1.0.0")
package org.luthier.api.plugin;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
