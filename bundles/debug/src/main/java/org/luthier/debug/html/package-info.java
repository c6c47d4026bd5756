/** What the debugger found, as one page to look at in a browser. */
@Export
@Version("1.0.0")
package org.luthier.debug.html;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
