/** Converts checkpoints to safetensors with canonical names and an account of every tensor. */
@Export
@Version("1.0.0")
package org.luthier.converter;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
