/**
 * Notes from the events of YourMT3+, and the MIDI file that its reference writes of them.
 *
 * <p>Not exported: a bundle that is swapped for its successor must run its own classes, never those of the one beside it.
 */
package org.luthier.assembler.yourmt3;
