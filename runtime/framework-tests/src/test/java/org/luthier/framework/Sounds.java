package org.luthier.framework;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes recordings. */
final class Sounds {
    private static final int RATE = 22050;
    private static final int[] CHORD = {60, 64, 67, 72};

    private Sounds() {}

    /** A WAV file with a rising chord, four notes a second. */
    static Path arpeggio(int seconds, Path target) throws IOException {
        int samples = seconds * RATE;
        ByteBuffer wav = ByteBuffer.allocate(44 + 2 * samples).order(ByteOrder.LITTLE_ENDIAN);
        wav.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + 2 * samples);
        wav.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII))
                .putInt(16)
                .putShort((short) 1)
                .putShort((short) 1);
        wav.putInt(RATE).putInt(2 * RATE).putShort((short) 2).putShort((short) 16);
        wav.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(2 * samples);
        for (int i = 0; i < samples; i++) {
            double note = (double) i / RATE * 4;
            double frequency = 440 * Math.pow(2, (CHORD[(int) note % CHORD.length] - 69) / 12.0);
            double loudness = Math.exp(-3 * (note - Math.floor(note)));
            wav.putShort((short) (12000 * loudness * Math.sin(2 * Math.PI * frequency * i / RATE)));
        }
        return Files.write(target, wav.array());
    }
}
