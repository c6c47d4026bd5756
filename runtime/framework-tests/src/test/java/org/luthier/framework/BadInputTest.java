package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are not what they should be: one clear line, or a documented result, and nothing half-written. */
class BadInputTest {
    private static final int RATE = 22050;
    private static final short PCM = 1;
    private static final short FLOAT = 3;

    @TempDir
    static Path home;

    private static Luthier luthier;

    @TempDir
    Path folder;

    private Path output;

    @BeforeAll
    static void start() {
        luthier = Luthier.start(home);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    @BeforeEach
    void name() {
        output = folder.resolve("out.mid");
    }

    /** Could not: one line that names the file and says why, exit 1, no file. */
    private void refused(Path audio, String why) throws IOException {
        Words words = transcribed(audio);
        assertEquals(1, words.code(), words.toString());
        assertEquals(List.of(), words.out());
        assertEquals(1, words.complaints().size(), words.toString());
        String line = words.complaints().get(0);
        assertTrue(line.startsWith("luthier: " + audio + ": "), line);
        assertTrue(line.contains(why), line);
        nothingIsWritten();
    }

    /** Done: a MIDI file, and a warning if there is something to know. */
    private void done(Path audio, String notes, String... warnings) throws IOException {
        Words words = transcribed(audio);
        assertEquals(0, words.code(), words.toString());
        assertEquals(1, words.out().size(), words.toString());
        assertTrue(
                words.out().get(0).startsWith(audio + " -> " + output + ": "),
                words.out().get(0));
        assertTrue(words.out().get(0).contains(notes), words.out().get(0));
        assertEquals(warnings.length, words.complaints().size(), words.toString());
        for (String warning : warnings) {
            assertTrue(words.complaints().stream().anyMatch(line -> line.contains(warning)), words.toString());
        }
        byte[] midi = Files.readAllBytes(output);
        assertEquals("MThd", new String(midi, 0, 4, StandardCharsets.US_ASCII));
    }

    private Words transcribed(Path audio) {
        // The limit that is promised; the slowest of these takes a few seconds.
        return assertTimeout(Duration.ofMinutes(1), () -> Words.of(luthier, "transcribe", audio, "-o", output));
    }

    private void nothingIsWritten() throws IOException {
        try (var files = Files.walk(folder)) {
            List<Path> strange = files.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("in."))
                    .toList();
            assertEquals(List.of(), strange);
        }
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("in.wav"), bytes);
    }

    /** A WAV file whose header says what is wanted of it. */
    private static byte[] wav(int format, int channels, int rate, int bits, byte[] data, int statedLength) {
        ByteBuffer wav = ByteBuffer.allocate(44 + data.length).order(ByteOrder.LITTLE_ENDIAN);
        wav.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + statedLength);
        wav.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
        wav.putShort((short) format).putShort((short) channels).putInt(rate);
        wav.putInt(rate * channels * bits / 8).putShort((short) (channels * bits / 8));
        wav.putShort((short) bits);
        wav.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(statedLength).put(data);
        return wav.array();
    }

    private static byte[] pcm(int channels, int rate, byte[] data) {
        return wav(PCM, channels, rate, 16, data, data.length);
    }

    /** A second of A at {@code RATE}, in every channel. */
    private static byte[] tone(int channels) {
        ByteBuffer data = ByteBuffer.allocate(2 * channels * RATE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < RATE; i++) {
            short sample = (short) (8000 * Math.sin(2 * Math.PI * 440 * i / RATE));
            for (int channel = 0; channel < channels; channel++) {
                data.putShort(sample);
            }
        }
        return data.array();
    }

    @Test
    void emptyFile() throws IOException {
        refused(file(new byte[0]), "empty");
    }

    @Test
    void textNamedWav() throws IOException {
        refused(file("This is not audio.\n".repeat(50).getBytes(StandardCharsets.UTF_8)), "not audio");
    }

    @Test
    void truncatedFlac() throws IOException {
        byte[] whole = Files.readAllBytes(Luthier.LAYOUT.resolve("samples/bach-prelude.flac"));
        refused(file(Arrays.copyOf(whole, whole.length / 2)), "cut short");
    }

    @Test
    void headerThatStatesTooMuch() throws IOException {
        done(file(wav(PCM, 1, RATE, 16, tone(1), 0x7fffff00)), "1.0 s of audio", "the header states no valid length");
    }

    @Test
    void headerThatStatesTooLittle() throws IOException {
        // What the header does not count may be anything; it is not read.
        done(
                file(wav(PCM, 1, RATE, 16, tone(1), RATE)),
                "0.5 s of audio",
                RATE + " bytes behind them, which it does not account for, were not");
    }

    @Test
    void noSamples() throws IOException {
        refused(file(pcm(1, RATE, new byte[0])), "no samples");
    }

    @Test
    void oneSample() throws IOException {
        done(file(pcm(1, RATE, new byte[] {0, 1})), ": 0 notes, 0.0 s of audio");
    }

    @Test
    void eightHertz() throws IOException {
        refused(file(pcm(1, 8, tone(1))), "8 Hz");
    }

    @Test
    void sevenHundredAndSixtyEightKilohertz() throws IOException {
        done(file(pcm(1, 768_000, tone(1))), ": 0 notes, 0.0 s of audio");
    }

    @Test
    void noChannels() throws IOException {
        refused(file(pcm(0, RATE, tone(1))), "0 channels");
    }

    @Test
    void sixtyFourChannels() throws IOException {
        done(file(pcm(64, RATE, tone(64))), ": 1 note, 1.0 s of audio");
    }

    @Test
    void samplesThatAreNoNumbers() throws IOException {
        ByteBuffer data = ByteBuffer.allocate(4 * RATE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < RATE; i++) {
            data.putFloat(i >= 100 && i < 200 ? Float.NaN : (float) (0.25 * Math.sin(2 * Math.PI * 440 * i / RATE)));
        }
        byte[] bytes = data.array();
        done(
                file(wav(FLOAT, 1, RATE, 32, bytes, bytes.length)),
                ": 1 note, 1.0 s of audio",
                "100 samples are no numbers");
    }

    @Test
    void folder() throws IOException {
        refused(Files.createDirectory(folder.resolve("in.folder")), "folder");
    }

    @Test
    void noSuchFile() throws IOException {
        refused(folder.resolve("in.nowhere"), "no such file");
    }

    @Test
    void unreadableFile() throws IOException {
        Path audio = file(pcm(1, RATE, tone(1)));
        permit(audio, "---------");
        Assumptions.assumeFalse(Files.isReadable(audio), "whoever runs this may read everything");
        refused(audio, "permission");
    }

    private static void permit(Path path, String permissions) throws IOException {
        Assumptions.assumeTrue(
                path.getFileSystem().supportedFileAttributeViews().contains("posix"), "no POSIX permissions here");
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void outputInAFolderThatCannotBeWritten() throws IOException {
        Path audio = file(pcm(1, RATE, tone(1)));
        Path closed = Files.createDirectory(folder.resolve("closed"));
        permit(closed, "r-xr-xr-x");
        try {
            Assumptions.assumeFalse(Files.isWritable(closed), "whoever runs this may write everywhere");
            output = closed.resolve("out.mid");
            outputRefused(audio, "no permission");
        } finally {
            permit(closed, "rwxr-xr-x");
        }
    }

    @Test
    void outputInAFolderThatIsNone() throws IOException {
        Path audio = file(pcm(1, RATE, tone(1)));
        output = audio.resolve("out.mid");
        outputRefused(audio, "is not a folder");
        output = folder.resolve("nowhere/out.mid");
        outputRefused(audio, "does not exist");
    }

    private void outputRefused(Path audio, String why) throws IOException {
        Words words = transcribed(audio);
        assertEquals(1, words.code(), words.toString());
        assertEquals(1, words.complaints().size(), words.toString());
        assertTrue(words.complaints().get(0).contains(output.toString()), words.toString());
        assertTrue(words.complaints().get(0).contains(why), words.toString());
        assertFalse(Files.exists(output));
        nothingIsWritten();
    }

    @Test
    void outputThatExists() throws IOException {
        Path audio = file(pcm(1, RATE, tone(1)));
        byte[] mine = "mine".getBytes(StandardCharsets.UTF_8);
        Files.write(output, mine);
        Words words = transcribed(audio);
        assertEquals(1, words.code(), words.toString());
        assertEquals(List.of("luthier: " + output + " exists; use --force to replace it"), words.complaints());
        assertArrayEquals(mine, Files.readAllBytes(output));

        words = Words.of(luthier, "transcribe", audio, "-o", output, "--force");
        assertEquals(0, words.code(), words.toString());
        assertEquals("MThd", new String(Files.readAllBytes(output), 0, 4, StandardCharsets.US_ASCII));
    }

    @Test
    void outputOverTheInput() throws IOException {
        Path audio = file(pcm(1, RATE, tone(1)));
        Words words = Words.of(luthier, "transcribe", audio, "-o", audio, "--force");
        assertEquals(1, words.code(), words.toString());
        assertArrayEquals(pcm(1, RATE, tone(1)), Files.readAllBytes(audio));
    }

    @Test
    void oneBadFileAmongGoodOnes() throws IOException {
        Path bad = Files.write(folder.resolve("in.bad.wav"), new byte[0]);
        Path good = Files.write(folder.resolve("in.good.wav"), pcm(1, RATE, tone(1)));
        Path results = Files.createDirectory(folder.resolve("results"));
        Words words = Words.of(luthier, "transcribe", bad, good, "-o", results, "--notes", results);
        assertEquals(1, words.code(), words.toString());
        assertEquals(1, words.out().size(), words.toString());
        assertTrue(words.complaints().get(0).contains("in.bad.wav"), words.toString());
        assertEquals(
                "luthier: 1 of 2 files could not be transcribed",
                words.complaints().get(1));
        try (var files = Files.list(results)) {
            assertEquals(
                    List.of("in.good.json", "in.good.mid"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void checkpointsTracesAndMidiFilesThatAreNone() throws IOException {
        Path text = Files.writeString(folder.resolve("in.text"), "text");
        Path audio = file(pcm(1, RATE, tone(1)));
        for (Object[] line : new Object[][] {
            {"checkpoint:inspect", text},
            {"checkpoint:convert", text, "-o", output},
            {"checkpoint:diff", text, text},
            {"checkpoint:doctor", text},
            {"transcribe", audio, "-o", output, "--checkpoint", text},
            {"layer:tree", "--checkpoint", text},
            {"layer:trace", "--input", text, "-o", output},
            {"layer:diff", text, text},
            {"layer:isolate", text},
            {"layer:patch", text, "--bisect"},
            {"score:compare", text, text},
            {"plugin:install", text},
            {"plugin:swap", "basic-pitch-notes", text},
            {"plugin:remove", "nothing"},
            {"model:info", "nothing"},
        }) {
            Words words = Words.of(luthier, line);
            assertEquals(1, words.code(), List.of(line) + " gave " + words);
            assertEquals(List.of(), words.out(), List.of(line) + " gave " + words);
            assertEquals(1, words.complaints().size(), List.of(line) + " gave " + words);
            assertFalse(words.complaints().get(0).contains("internal error"), List.of(line) + " gave " + words);
        }
        nothingIsWritten();
    }
}
