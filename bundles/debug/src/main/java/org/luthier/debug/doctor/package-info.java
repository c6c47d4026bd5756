/** Diagnoses a checkpoint without a reference, and with one if there is: where it first looks wrong, why, and what to do next. */
@Export
@Version("1.0.0")
package org.luthier.debug.doctor;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
