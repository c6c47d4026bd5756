package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An hour of music in a process of its own with 2 GB of heap. */
@Tag("full")
class LongRecordingTest {
    private static final int RATE = 22050;

    @TempDir
    Path folder;

    @Test
    void anHourFinishesWithProgress() throws Exception {
        Path audio = writeHour(folder.resolve("hour.wav"));
        Path midi = folder.resolve("hour.mid");
        Path log = folder.resolve("stderr.txt");
        Process process = new ProcessBuilder(
                        Luthier.LAYOUT.resolve("luthier").toString(),
                        "--heap",
                        "2g",
                        "transcribe",
                        audio.toString(),
                        "-o",
                        midi.toString())
                .redirectError(log.toFile())
                .redirectOutput(folder.resolve("stdout.txt").toFile())
                .start();
        try {
            assertTrue(process.waitFor(20, TimeUnit.MINUTES), "still running");
        } finally {
            process.destroyForcibly();
        }
        String told = Files.readString(log);
        assertEquals(0, process.exitValue(), told);
        assertTrue(told.lines().filter(line -> line.contains("windows")).count() >= 3, told);
        // 3600 s with a note every half second; the network may split or miss some.
        String result = Files.readString(folder.resolve("stdout.txt"));
        int notes = Integer.parseInt(result.replaceAll("(?s).*: ([0-9]+) notes.*", "$1"));
        assertTrue(notes > 5000, result);
        assertTrue(Files.size(midi) > 50_000, "bytes of MIDI: " + Files.size(midi));
        System.out.println("an hour with 2 GB of heap: " + result.strip());
    }

    /** Plucked tones, one each half second, going up and down four octaves; 16 bits, mono. */
    private static Path writeHour(Path file) throws IOException {
        int samples = Math.toIntExact(Duration.ofHours(1).toSeconds()) * RATE;
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            ByteBuffer header = ByteBuffer.allocate(44).order(ByteOrder.LITTLE_ENDIAN);
            header.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + 2 * samples);
            header.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
            header.putShort((short) 1).putShort((short) 1).putInt(RATE).putInt(2 * RATE);
            header.putShort((short) 2).putShort((short) 16);
            header.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(2 * samples);
            out.write(header.array());
            byte[] block = new byte[2 * RATE / 2];
            for (int note = 0; note < samples / (RATE / 2); note++) {
                int pitch = 40 + Math.abs(note * 7 % 96 - 48);
                double step = 2 * Math.PI * 440 * Math.pow(2, (pitch - 69) / 12.0) / RATE;
                for (int i = 0; i < RATE / 2; i++) {
                    double decay = Math.exp(-6.0 * i / RATE);
                    int value = (int) (9000 * decay * (Math.sin(step * i) + 0.5 * Math.sin(2 * step * i)));
                    block[2 * i] = (byte) value;
                    block[2 * i + 1] = (byte) (value >> 8);
                }
                out.write(block);
            }
        }
        return file;
    }
}
