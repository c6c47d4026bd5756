/**
 * The vocabularies of MT3 (Gardner et al., ICLR 2022), many instruments or one piano: ids, events and notes.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.tokenizer.mt3;
