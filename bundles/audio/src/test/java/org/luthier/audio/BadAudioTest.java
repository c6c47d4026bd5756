package org.luthier.audio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.Recording;

/** Whatever is wrong with a file: one clear line, or a documented result. */
@Timeout(60)
class BadAudioTest {
    private static final List<String> SOUNDS =
            List.of("chirp.flac", "chirp.mp3", "chirp.ogg", "chirp.opus", "chirp.m4a", "chirp.aac");

    @TempDir
    Path folder;

    @Test
    void missingFile() {
        refused(folder.resolve("nothing.wav"), "no such file");
    }

    @Test
    void folderInsteadOfFile() {
        refused(folder, "is a folder");
    }

    @Test
    void unreadableFile() throws IOException {
        Path file = sound();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
        Assumptions.assumeFalse(Files.isReadable(file), "this user may read everything");
        refused(file, "no permission");
    }

    @Test
    void deviceInsteadOfFile() {
        Path device = Path.of("/dev/zero");
        Assumptions.assumeTrue(Files.exists(device), "no devices here");
        refused(device, "pipe or device");
    }

    @Test
    void emptyFile() throws IOException {
        refused(write("empty.wav", new byte[0]), "is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text.wav", "text.mp3", "text.flac", "text"})
    void textFile(String name) throws IOException {
        refused(write(name, "This is no sound, only words.\n".repeat(500).getBytes()), "not audio", "expected WAV");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "RIFF",
                "fLaC",
                "OggS",
                "ID3\3",
                "\377\373\220",
                "\0\0\0\40ftypM4A ",
                "FORM",
                "caff",
                "\32E\337\243"
            })
    void randomBytes(String magic) throws IOException {
        byte[] bytes = new byte[300_000];
        new Random(3).nextBytes(bytes);
        byte[] start = magic.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(start, 0, bytes, 0, start.length);
        refused(write("random.wav", bytes), "expected WAV");
    }

    /** A playlist may name other files and other machines: none is a container that is opened, by whatever suffix. */
    @ParameterizedTest
    @ValueSource(strings = {"list.m3u8", "list.wav"})
    void playlists(String name) throws IOException {
        Path secret = sound();
        refused(write(name, ("ffconcat version 1.0\nfile " + secret + "\n").getBytes()), "not audio");
        String hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
        refused(write(name, hls.getBytes()), "not audio");
    }

    @Test
    void noSamples() throws IOException {
        refused(Wav.of(Wav.INTEGER, 16).write(folder.resolve("none.wav")), "no samples");
    }

    @Test
    void oneSample() throws IOException {
        Recording recording = read(Wav.of(Wav.INTEGER, 16).codes(16384).write(folder.resolve("one.wav")));
        assertEquals(1, recording.facts().frames());
        assertEquals(1, recording.samples().length);
        assertEquals(0.5 * 0.957 / 2, recording.samples()[0], 1e-3); // an impulse through the low-pass filter
    }

    @Test
    void halfASample() throws IOException {
        Path file = Wav.of(Wav.INTEGER, 16).bytes(new byte[4097]).write(folder.resolve("odd.wav"));
        assertEquals(2048, read(file).facts().frames());
    }

    @Test
    void absurdRates() throws IOException {
        byte[] second = new byte[16_000];
        refused(Wav.of(Wav.INTEGER, 16).rate(8).bytes(second).write(folder.resolve("a.wav")), "8 Hz", "1000 to 768000");
        refused(Wav.of(Wav.INTEGER, 16).rate(768_001).bytes(second).write(folder.resolve("b.wav")), "768001 Hz");
        refused(Wav.of(Wav.INTEGER, 16).rate(0).bytes(second).write(folder.resolve("c.wav")), "not audio");
        refused(Wav.of(Wav.INTEGER, 16).rate(-5).bytes(second).write(folder.resolve("d.wav")), "not audio");
        Recording fast =
                read(Wav.of(Wav.INTEGER, 16).rate(768_000).bytes(second).write(folder.resolve("e.wav")));
        assertEquals((8000 * 22_050L + 767_999) / 768_000, fast.samples().length);
    }

    @Test
    void absurdChannels() throws IOException {
        refused(Wav.of(Wav.INTEGER, 16).channels(0).bytes(new byte[8000]).write(folder.resolve("a.wav")), "0 channels");
        refused(
                Wav.of(Wav.INTEGER, 16).channels(60_000).bytes(new byte[8000]).write(folder.resolve("b.wav")),
                "not audio");
        Recording wide = read(
                Wav.of(Wav.INTEGER, 16).channels(64).bytes(new byte[128 * 100]).write(folder.resolve("c.wav")));
        assertEquals(64, wide.facts().channels());
        assertEquals(100, wide.facts().frames());
    }

    @Test
    void unknownCoding() throws IOException {
        refused(Wav.of(0x31, 16).bytes(new byte[8000]).write(folder.resolve("a.wav")), "gsm_ms", "not supported");
        refused(Wav.of(0x1234, 16).bytes(new byte[8000]).write(folder.resolve("b.wav")), "unknown", "not supported");
    }

    /** Headers that lie: too long, endless (as streaming writers leave it), zero. What is there is read, with a remark. */
    @ParameterizedTest
    @ValueSource(ints = {1_000_000, 0x7fffffff, -1, 0})
    void headerWithAnotherLength(int stated) throws IOException {
        Path file = Wav.of(Wav.INTEGER, 16)
                .bytes(new byte[20_000])
                .statedBytes(stated)
                .write(folder.resolve("a.wav"));
        Recording recording = read(file);
        assertEquals(10_000, recording.facts().frames());
        assertEquals(1, recording.facts().remarks().size());
        assertTrue(
                recording.facts().remarks().get(0).contains("10000 samples found"),
                recording.facts().remarks().get(0));
    }

    /** What follows the stated length may be anything and is not read; unless it is what a WAV file may have there, that is told. */
    @Test
    void headerWithASmallerLength() throws IOException {
        byte[] samples = new byte[20_000];
        Path file = Wav.of(Wav.INTEGER, 16).bytes(samples).statedBytes(8000).write(folder.resolve("a.wav"));
        assertEquals(4000, read(file).facts().frames());
        assertEquals(
                List.of(
                        "the header states 4000 samples, and these were read; 12000 bytes behind them, which it does not"
                                + " account for, were not"),
                read(file).facts().remarks());
        new Random(5).nextBytes(samples);
        Wav.of(Wav.INTEGER, 16).bytes(samples).statedBytes(8000).write(file);
        assertEquals(1, read(file).facts().remarks().size());
    }

    /** A title, of an odd length, and a place of samples; the filling byte is missing in the second file. */
    @Test
    void chunksBehindTheSamples() throws IOException {
        for (String title : List.of("LIST\15\0\0\0INFOINAM\1\0\0\0x\0", "LIST\15\0\0\0INFOINAM\1\0\0\0x")) {
            byte[] chunks = (title + "cue \4\0\0\0\0\0\0\0").getBytes(StandardCharsets.ISO_8859_1);
            Path file = Wav.of(Wav.INTEGER, 16)
                    .bytes(Arrays.copyOf(new byte[8000], 8000 + chunks.length))
                    .statedBytes(8000)
                    .write(folder.resolve("a.wav"));
            byte[] bytes = Files.readAllBytes(file);
            System.arraycopy(chunks, 0, bytes, bytes.length - chunks.length, chunks.length);
            Files.write(file, bytes);
            assertEquals(4000, read(file).facts().frames());
            assertEquals(List.of(), read(file).facts().remarks());
        }
    }

    /** As a recorder leaves it that ran for too long: 5 GB, of which none is decoded to find out that they are too many. */
    @Test
    void endlessHeaderOfAFileThatIsTooLong() throws IOException {
        Path file = Wav.of(Wav.INTEGER, 16).statedBytes(-1).write(folder.resolve("a.wav"));
        try (RandomAccessFile holes = new RandomAccessFile(file.toFile(), "rw")) {
            holes.setLength(5L << 30);
        }
        List<Long> decoded = new ArrayList<>();
        LuthierException refusal = assertThrows(
                LuthierException.class,
                () -> new FfmpegAudioReader()
                        .read(file, 22_050, (phase, done, total) -> decoded.add(done), Cancellation.NONE));
        assertTrue(refusal.getMessage().contains("is too long"), refusal.getMessage());
        assertEquals(List.of(0L), decoded);
    }

    /** W64 counts samples in 64 bits: a header of millions of years at 48 kHz, whose samples no long can count after resampling. */
    @Test
    void absurdLength() throws IOException {
        String suffix = "f3acd3118cd100c04f8edb8a";
        ByteBuffer file = ByteBuffer.allocate(40 + 40 + 32 + 24 + 1000).order(ByteOrder.LITTLE_ENDIAN);
        file.put("riff".getBytes())
                .put(HexFormat.of().parseHex("2e91cf11a5d628db04c10000"))
                .putLong(file.capacity());
        file.put("wave".getBytes()).put(HexFormat.of().parseHex(suffix));
        file.put("fmt ".getBytes()).put(HexFormat.of().parseHex(suffix)).putLong(24 + 16);
        file.putShort((short) 1).putShort((short) 1).putInt(48_000).putInt(96_000);
        file.putShort((short) 2).putShort((short) 16);
        file.put("fact".getBytes())
                .put(HexFormat.of().parseHex(suffix))
                .putLong(24 + 8)
                .putLong(Long.MAX_VALUE / 2);
        file.put("data".getBytes()).put(HexFormat.of().parseHex(suffix)).putLong(24 + 1000);
        refused(write("a.w64", file.array()), "too long");
    }

    @Test
    void absurdChunk() throws IOException {
        byte[] bytes = Files.readAllBytes(sound());
        Arrays.fill(bytes, 16, 20, (byte) 0x7f); // the format chunk claims 2 GB
        refused(write("a.wav", bytes), "not audio");
    }

    @Test
    void truncatedFlac() throws IOException {
        byte[] whole = Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.flac"));
        refused(write("a.flac", Arrays.copyOf(whole, whole.length / 2)), "cut short", "of 0.80 s could be decoded");
        refused(write("b.flac", Arrays.copyOf(whole, whole.length - 10)), "cut short");
        refused(write("c.flac", Arrays.copyOf(whole, 90)), "expected WAV");
    }

    @Test
    void damagedFlac() throws IOException {
        byte[] bytes = Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.flac"));
        bytes[bytes.length / 2] ^= 0x10;
        refused(write("a.flac", bytes), "damaged", "of 0.80 s could be decoded");
    }

    @ParameterizedTest
    @ValueSource(strings = {"chirp.mp3", "chirp.m4a"})
    void truncatedFilesThatStateTheirLength(String name) throws IOException {
        byte[] whole = Files.readAllBytes(FfmpegAudioReaderTest.resource(name));
        LuthierException e = refused(write(name, Arrays.copyOf(whole, whole.length / 2)));
        assertTrue(e.getMessage().contains("cut short") || e.getMessage().contains("damaged"), e.getMessage());
    }

    @Test
    void damagedPacketOfALossyFileIsLeftOutWithARemark() throws IOException {
        byte[] bytes = Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.aac"));
        Recording recording = read(write("a.aac", Arrays.copyOf(bytes, bytes.length - 100))); // the last packet is cut
        assertTrue(
                recording.facts().remarks().get(0).startsWith("1 of 36 packets"),
                recording.facts().remarks().toString());
    }

    @Test
    void pictureWithoutSound() throws IOException {
        byte[] gif = {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0, 0, 0, ';'};
        refused(write("a.gif", gif), "not audio");
    }

    /** Any byte may be wrong: a recording or one line, never a crash, a hang or another exception. */
    @Test
    void manyDamagedFiles() throws IOException {
        Random random = new Random(11);
        for (String name : SOUNDS) {
            damage(name, random, 60);
        }
    }

    @Tag("full")
    @Test
    @Timeout(600)
    void veryManyDamagedFiles() throws IOException {
        Random random = new Random(12);
        for (String name : SOUNDS) {
            damage(name, random, 3000);
        }
    }

    private void damage(String name, Random random, int times) throws IOException {
        byte[] whole = Files.readAllBytes(FfmpegAudioReaderTest.resource(name));
        for (int i = 0; i < times; i++) {
            byte[] bytes =
                    Arrays.copyOf(whole, random.nextInt(4) == 0 ? 1 + random.nextInt(whole.length) : whole.length);
            int reach =
                    random.nextBoolean() ? Math.min(400, bytes.length) : bytes.length; // headers more often than data
            for (int changes = random.nextInt(20); changes > 0; changes--) {
                bytes[random.nextInt(reach)] = (byte) random.nextInt();
            }
            Path file = write(name, bytes);
            try {
                Recording recording = read(file);
                assertTrue(recording.samples().length > 0);
                for (float sample : recording.samples()) {
                    assertTrue(Float.isFinite(sample));
                }
            } catch (LuthierException e) {
                assertOneLine(e);
            }
        }
    }

    /**
     * Native memory after many files, good ones and bad ones: in a process of its own, whose heap is resident from the start, so that
     * nothing else grows. Memory settles at 6 to 13 MB more (arenas, compiled code); a container or a codec left open each time would take
     * more than 80 MB.
     */
    @Test
    void nativeMemoryIsFreed() throws Exception {
        byte[] flac = Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.flac"));
        byte[] m4a = Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.m4a"));
        write("whole.mp3", Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.mp3")));
        write("whole.ogg", Files.readAllBytes(FfmpegAudioReaderTest.resource("chirp.ogg")));
        write("whole.m4a", m4a);
        write("cut.flac", Arrays.copyOf(flac, flac.length / 2));
        write("cut.m4a", Arrays.copyOf(m4a, m4a.length / 2));
        write("zeros.wav", new byte[5000]);
        Wav.of(Wav.INTEGER, 16).rate(8).bytes(new byte[100]).write(folder.resolve("slow.wav"));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xms64m",
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:+AlwaysPreTouch",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ReadOften.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, process.waitFor(), output);
        long grown = Long.parseLong(output);
        System.out.println("resident memory after 1400 more files: " + (grown >> 10) + " KB more");
        assertTrue(grown < 30L << 20, "resident memory grew by " + (grown >> 10) + " KB in 1400 files");
    }

    /** Reads the files of a folder often and prints by how much the process has grown since it was warm. */
    static final class ReadOften {
        public static void main(String[] arguments) throws IOException {
            List<Path> files;
            try (Stream<Path> list = Files.list(Path.of(arguments[0]))) {
                files = list.toList();
            }
            long before = 0;
            for (int round = 0; round < 300; round++) {
                if (round == 100) {
                    before = Pointer.physicalBytes();
                }
                for (Path file : files) {
                    try {
                        read(file);
                    } catch (LuthierException e) {
                        assertOneLine(e);
                    }
                }
            }
            System.out.println(Pointer.physicalBytes() - before);
        }
    }

    private LuthierException refused(Path file, String... words) {
        LuthierException e = assertThrows(LuthierException.class, () -> read(file));
        assertOneLine(e);
        assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), "expected '" + word + "' in: " + e.getMessage());
        }
        return e;
    }

    private static void assertOneLine(LuthierException e) {
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
        assertFalse(e.getMessage().isBlank());
    }

    private static Recording read(Path file) {
        return new FfmpegAudioReader().read(file, 22_050, Progress.NONE, Cancellation.NONE);
    }

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private Path sound() throws IOException {
        return Wav.of(Wav.INTEGER, 16).bytes(new byte[8000]).write(folder.resolve("sound.wav"));
    }
}
