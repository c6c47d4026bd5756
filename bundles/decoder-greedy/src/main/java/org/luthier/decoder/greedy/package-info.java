/**
 * Greedy search: the likeliest id at every step, of all or of those that the grammar of events allows, and as YourMT3+ begins and ends it.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.decoder.greedy;
