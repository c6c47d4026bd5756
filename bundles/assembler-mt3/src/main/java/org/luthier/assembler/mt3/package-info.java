/**
 * Notes from the events of MT3.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.assembler.mt3;
