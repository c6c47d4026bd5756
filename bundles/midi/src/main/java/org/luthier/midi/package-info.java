/** MIDI files in and out. */
@Export(substitution = Export.Substitution.NOIMPORT)
@Version("1.0.0")
package org.luthier.midi;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
