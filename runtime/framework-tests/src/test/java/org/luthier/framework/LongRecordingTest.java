package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Long recordings, each in a process of its own with 2 GB of heap. */
@Tag("full")
class LongRecordingTest {
    private static final int RATE = 22050;
    private static final int RATE_16K = 16000;
    private static final int HALF_AN_HOUR = 1800;
    private static final int HEADER = 44;

    /** Of a process with MT3, 2 GB of heap and two workers, in and outside the heap. */
    private static final long MOST_MEGABYTES = 2048;

    @TempDir
    Path folder;

    @Test
    void anHourFinishesWithProgress() throws Exception {
        Path audio = writeHour(folder.resolve("hour.wav"));
        Path midi = folder.resolve("hour.mid");
        Said said = transcribe(audio, midi, "windows");
        // 3600 s with a note every half second; the network may split or miss some.
        assertTrue(said.notes() > 5000, said.out);
        assertTrue(Files.size(midi) > 50_000, "bytes of MIDI: " + Files.size(midi));
        System.out.println("an hour with 2 GB of heap: " + said.out.strip());
    }

    /** Half an hour of the corpus, piece after piece. */
    @Test
    void halfAnHourOfTokensFinishesWithProgress() throws Exception {
        Path shared = Path.of(System.getProperty("luthier.root")).resolve("../shared");
        Path checkpoint = shared.resolve("checkpoints/mt3");
        Assumptions.assumeTrue(Files.isDirectory(checkpoint), "the checkpoint of MT3 is not here: " + checkpoint);
        Path audio = writeHalfAnHour(shared.resolve("reference/mt3/corpus"), folder.resolve("half.wav"));
        Path midi = folder.resolve("half.mid");
        Path notes = folder.resolve("half.json");
        Said said = transcribe(audio, midi, "segments", "--model", "mt3", "--checkpoint", checkpoint, "--notes", notes);
        JsonObject json = Luthier.json(notes);
        int segments = json.getJsonArray("segments").size();
        assertEquals((HALF_AN_HOUR * RATE_16K + 1 + 32767) / 32768, segments);
        assertEquals(said.notes(), json.getJsonArray("notes").size());
        // The corpus has more than ten notes a second.
        assertTrue(said.notes() > 10 * HALF_AN_HOUR, said.out);
        assertEquals(
                "[]", json.getJsonObject("provenance").getJsonArray("warnings").toString());
        System.out.printf(
                "half an hour of tokens with 2 GB of heap: %s; at most %d MB of memory; timing %s%n",
                said.out.strip(), said.kilobytes >> 10, json.get("timing"));
        assertTrue(said.kilobytes < MOST_MEGABYTES << 10, said.kilobytes + " KB");
    }

    /**
     * What a command said.
     *
     * @param kilobytes most memory that its process had, in and outside the heap; 0 where the system does not tell
     */
    private record Said(String out, long kilobytes) {
        /** How many notes it found. */
        int notes() {
            return Integer.parseInt(out.replaceAll("(?s).*: ([0-9]+) notes.*", "$1"));
        }
    }

    /** Transcribes in a process of its own and looks how much memory that takes.
     *
     * @param unit what its progress counts */
    private Said transcribe(Path audio, Path midi, String unit, Object... more) throws Exception {
        Path log = folder.resolve("stderr.txt");
        Path out = folder.resolve("stdout.txt");
        List<String> words =
                new ArrayList<>(List.of(Luthier.LAYOUT.resolve("luthier").toString(), "--heap", "2g"));
        words.addAll(List.of("transcribe", audio.toString(), "-o", midi.toString()));
        Stream.of(more).map(String::valueOf).forEach(words::add);
        Process process = new ProcessBuilder(words)
                .redirectError(log.toFile())
                .redirectOutput(out.toFile())
                .start();
        Instant end = Instant.now().plus(Duration.ofMinutes(20));
        long kilobytes = 0;
        try {
            while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
                kilobytes = Math.max(kilobytes, peak(process));
                assertTrue(Instant.now().isBefore(end), "still running");
            }
        } finally {
            process.destroyForcibly();
        }
        String told = Files.readString(log);
        assertEquals(0, process.exitValue(), told);
        assertTrue(told.lines().filter(line -> line.contains(unit)).count() >= 3, told);
        return new Said(Files.readString(out), kilobytes);
    }

    /** The most memory that a process has had so far, as Linux tells. */
    private static long peak(Process process) {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(process.pid()), "status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .max()
                    .orElse(0);
        } catch (IOException | UncheckedIOException e) {
            // It has just ended, or this is no Linux.
            return 0;
        }
    }

    /** The pieces one after the other, again and again; they have 16 bits, 16000 Hz and one channel. */
    private static Path writeHalfAnHour(Path corpus, Path file) throws IOException {
        ByteBuffer samples = ByteBuffer.allocate(2 * RATE_16K * HALF_AN_HOUR);
        while (samples.hasRemaining()) {
            for (String piece : List.of("08_ragtime_band.wav", "03_maple_leaf_piano.wav", "05_winds.wav")) {
                byte[] wav = Files.readAllBytes(corpus.resolve(piece));
                samples.put(wav, HEADER, Math.min(wav.length - HEADER, samples.remaining()));
            }
        }
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(header(samples.capacity() / 2, RATE_16K));
            out.write(samples.array());
        }
        return file;
    }

    private static byte[] header(int samples, int rate) {
        ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + 2 * samples);
        header.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
        header.putShort((short) 1).putShort((short) 1).putInt(rate).putInt(2 * rate);
        header.putShort((short) 2).putShort((short) 16);
        header.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(2 * samples);
        return header.array();
    }

    /** Plucked tones, one each half second, going up and down four octaves; 16 bits, mono. */
    private static Path writeHour(Path file) throws IOException {
        int samples = Math.toIntExact(Duration.ofHours(1).toSeconds()) * RATE;
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            out.write(header(samples, RATE));
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
