/**
 * The vocabularies of YourMT3+ (Chang et al., MLSP 2024), one for each task that a checkpoint names: ids, events and notes.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.tokenizer.yourmt3;
