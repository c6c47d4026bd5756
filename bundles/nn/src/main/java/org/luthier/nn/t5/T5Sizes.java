package org.luthier.nn.t5;

import org.luthier.nn.Heads;

/**
 * Sizes of a stack.
 *
 * @param model width of the residual stream
 * @param heads of every attention; their width need not be that of the stream
 * @param hidden width inside the gated layers
 */
public record T5Sizes(int model, Heads heads, int hidden) {}
