/** Joins parts, checks that they fit and runs jobs: the same classes inside the framework and, by plain constructors, without one. */
@Export
@Version("1.0.0")
package org.luthier.workbench;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
