/**
 * Beam search: several likely beginnings of a row are followed at once.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.decoder.beam;
