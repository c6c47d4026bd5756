package org.luthier.nn.t5;

import org.luthier.nn.Heads;
import org.luthier.nn.Norm;

/**
 * Sizes of a stack.
 *
 * @param model width of the residual stream
 * @param heads of every attention; their width need not be that of the stream
 * @param hidden width inside the gated layers
 */
public record T5Sizes(int model, Heads heads, int hidden) {
    /** All norms of a stack. */
    static final Norm.Kind NORM = new Norm.Kind(true, 1e-6);
}
