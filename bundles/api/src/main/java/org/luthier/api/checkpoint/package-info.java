/** Checkpoints read without running anything in them, and the ledger of what became of every tensor. */
@Export
@Version("1.0.0")
package org.luthier.api.checkpoint;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
