/** From an audio file to the samples a model takes: decoding, averaging of channels, resampling. */
@Export
@Version("1.0.0")
package org.luthier.audio;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
