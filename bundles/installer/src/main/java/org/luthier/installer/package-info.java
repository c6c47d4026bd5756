/** Gets the weights of models: fetched, checked, and put where the workbench looks for them. */
@Export
@Version("1.0.0")
package org.luthier.installer;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
