/** Readers that trust nothing they read, the safetensors writer, and name rules with their ledger. */
@Export
@Version("1.0.0")
package org.luthier.checkpoint;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
