package org.luthier.api.tokens;

/**
 * What one token means.
 *
 * @param type as in {@link Vocabulary.Range}: shift, pitch, velocity, tie, program, drum, special, invalid
 * @param value for example the MIDI pitch
 */
public record Event(String type, int value) {}
