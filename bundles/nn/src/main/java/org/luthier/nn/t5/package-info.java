/**
 * The layers of T5 (Raffel et al. 2020) in the form of version 1.1: norms without mean before every part, attention without scale, gated
 * activations, no biases. For model families to build on; the names of layers, tensors and weights are theirs.
 *
 * <p>A stack runs on a {@link org.luthier.nn.t5.Batch}: views of a session's memory, in which one residual stream is added to from layer to
 * layer. Where a product goes straight into the stream, and where three products are one, the parts can still be seen: a layer computes
 * them by themselves as soon as a probe wants one.
 */
@Export
@Version("1.0.0")
package org.luthier.nn.t5;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
