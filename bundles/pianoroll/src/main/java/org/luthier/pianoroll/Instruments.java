package org.luthier.pianoroll;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The names of the 128 programs of General MIDI, level 1: {@code instruments.txt}, one a line. */
final class Instruments {
    private final List<String> names;

    Instruments() throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                Instruments.class.getResourceAsStream("instruments.txt"), StandardCharsets.US_ASCII))) {
            names = reader.lines().toList();
        }
    }

    /** What a legend calls an instrument. */
    String name(int program, boolean drum) {
        return drum ? "Drums" : names.get(program);
    }
}
