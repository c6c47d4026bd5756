/** Text for people: tables, and what a mistyped word may have meant. */
@Export
@Version("1.0.0")
package org.luthier.files.text;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
