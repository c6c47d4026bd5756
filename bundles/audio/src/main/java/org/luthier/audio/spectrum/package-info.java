/** From samples to spectra: the short-time Fourier transform and mel filter banks that front ends are made of. Plain arrays, no tensors. */
@Export
@Version("1.0.0")
package org.luthier.audio.spectrum;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
