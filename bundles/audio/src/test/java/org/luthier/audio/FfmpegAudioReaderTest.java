package org.luthier.audio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jtransforms.fft.FloatFFT_1D;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;

class FfmpegAudioReaderTest {
    private static final int LENGTH = 35_280;

    private final FfmpegAudioReader reader = new FfmpegAudioReader();

    @TempDir
    Path folder;

    @Test
    void integersAreDividedByTheirFullScale() throws IOException {
        float[] bytes =
                read(Wav.of(Wav.INTEGER, 8).codes(0, 64, 127, 128, 129, 255)).samples();
        assertArrayEquals(new float[] {-1, -0.5f, -1 / 128f, 0, 1 / 128f, 127 / 128f}, bytes);
        float[] shorts =
                read(Wav.of(Wav.INTEGER, 16).codes(-32768, -1, 0, 1, 32767)).samples();
        assertArrayEquals(new float[] {-1, -0x1p-15f, 0, 0x1p-15f, 32767 / 32768f}, shorts);
        float[] threes = read(Wav.of(Wav.INTEGER, 24).codes(-(1 << 23), -1, 0, 1, (1 << 23) - 1))
                .samples();
        assertArrayEquals(new float[] {-1, -0x1p-23f, 0, 0x1p-23f, 1 - 0x1p-23f}, threes);
        float[] fours = read(Wav.of(Wav.INTEGER, 32).codes(-(1L << 31), 1L << 30, 1, 0, 12345 << 8))
                .samples();
        assertArrayEquals(new float[] {-1, 0.5f, 0x1p-31f, 0, (12345 << 8) * 0x1p-31f}, fours);
    }

    @Test
    void floatsAreTakenAsTheyAre() throws IOException {
        float[] expected = {0, -1, 0.1f, 1.5f, 1e-30f};
        double[] values = {0, -1, 0.1f, 1.5f, 1e-30f};
        assertArrayEquals(expected, read(Wav.of(Wav.FLOAT, 32).floats(values)).samples());
        assertArrayEquals(expected, read(Wav.of(Wav.FLOAT, 64).floats(values)).samples());
    }

    @Test
    void channelsAreAveraged() throws IOException {
        Recording stereo = read(Wav.of(Wav.INTEGER, 16).channels(2).codes(100, 300, -32768, 32767, 7, 7));
        assertArrayEquals(new float[] {200 / 32768f, -0.5f / 32768f, 7 / 32768f}, stereo.samples());
        assertEquals(2, stereo.facts().channels());

        double[] many = new double[64 * 3];
        for (int i = 0; i < many.length; i++) {
            many[i] = i % 64 == 63 ? 0.64 : 0;
        }
        Recording wide = read(Wav.of(Wav.FLOAT, 32).channels(64).floats(many));
        assertEquals(64, wide.facts().channels());
        assertArrayEquals(new float[] {0.01f, 0.01f, 0.01f}, wide.samples(), 1e-9f); // 0.64 is not a float
    }

    @Test
    void factsCountWhatWasFound() throws IOException {
        AudioFacts facts = read(Wav.of(Wav.INTEGER, 16)
                        .channels(2)
                        .rate(48_000)
                        .codes(32767, -32768, 32766, -32767, 0, 5))
                .facts();
        assertEquals(new AudioFacts("sound.wav", "wav/pcm_s16le", 48_000, 2, 3, 1.0, 2, 0, false, List.of()), facts);
        assertEquals(
                1,
                read(Wav.of(Wav.INTEGER, 24).codes((1 << 23) - 1, (1 << 23) - 2))
                        .facts()
                        .clipped());
        assertEquals(
                2, read(Wav.of(Wav.INTEGER, 8).codes(0, 255, 1, 254)).facts().clipped());
        assertTrue(read(Wav.of(Wav.INTEGER, 8).codes(128, 128)).facts().silent());

        Recording broken = read(Wav.of(Wav.FLOAT, 32).floats(0.5, Double.NaN, -1, 1.0, 0.999, -3, 1 / 0.0, -1 / 0.0));
        assertEquals(3, broken.facts().replaced());
        assertEquals(3, broken.facts().clipped());
        assertEquals(3, broken.facts().peak());
        assertArrayEquals(new float[] {0.5f, 0, -1, 1, 0.999f, -3, 0, 0}, broken.samples());
        assertEquals(
                2, read(Wav.of(Wav.FLOAT, 64).floats(1e300, 3e12, 1e6)).facts().replaced());
    }

    /**
     * Compressed chirps against the formula they were made from. Lossy error: their encoders leave -30 to -52 dB here; a shift by one
     * sample alone would give about -20 dB, so that -28 dB also proves the alignment.
     */
    @ParameterizedTest
    @CsvSource({
        "chirp.flac,flac/flac,44100,0,-90", // 16 bits: quantised at -94 dB
        "chirp.mp3,mp3/mp3,44100,0,-28",
        "chirp.ogg,ogg/vorbis,44100,0,-28",
        "chirp.opus,ogg/opus,48000,0,-28",
        "chirp.m4a,m4a/aac,44100,560,-28" // padded to whole packets of 1024 samples
    })
    void compressedSoundIsWhereItWas(String name, String format, int rate, int padding, double largestError)
            throws IOException {
        Recording recording = reader.read(resource(name), 44_100, Progress.NONE, Cancellation.NONE);
        assertEquals(format, recording.facts().format());
        assertEquals(rate, recording.facts().sampleRate());
        assertEquals(2, recording.facts().channels());
        assertEquals(LENGTH + padding, recording.samples().length);
        assertEquals(List.of(), recording.facts().remarks());
        assertEquals(0, delay(recording.samples()));
        double error = error(recording.samples());
        assertTrue(error < largestError, "error " + error + " dB");
    }

    @Test
    void rawAacStatesNoDelayAndSaysSo() throws IOException {
        Recording recording = reader.read(resource("chirp.aac"), 44_100, Progress.NONE, Cancellation.NONE);
        assertEquals(1024, delay(recording.samples()));
        assertEquals(1, recording.facts().remarks().size());
        assertTrue(
                recording.facts().remarks().get(0).contains("delay"),
                recording.facts().remarks().get(0));
    }

    @Test
    void resamplesAfterAveraging() throws IOException {
        Recording recording = reader.read(resource("chirp.flac"), 22_050, Progress.NONE, Cancellation.NONE);
        float[] whole = reader.read(resource("chirp.flac"), 44_100, Progress.NONE, Cancellation.NONE)
                .samples();
        assertEquals(LENGTH / 2, recording.samples().length);
        assertEquals(22_050, recording.sampleRate());
        assertArrayEquals(Resampler.resample(whole, 44_100, 22_050), recording.samples());
    }

    /**
     * The reference's own decoding and resampling (soxr HQ). Both filters are flat and stop at the same place to -120 dB; what is left
     * is float rounding and the last milliseconds, where the recording stops in full sound and the filters ring differently: measured
     * 2.7e-6 and 6.2e-6, and 2e-8 RMS inside. Between soxr's own HQ and VHQ there are 6e-5 and 2.6e-5.
     */
    @ParameterizedTest
    @ValueSource(strings = {"guitar", "vocadito14"})
    void agreesWithTheReferenceResampler(String name) throws IOException {
        Path golden = Path.of(System.getProperty("luthier.root"))
                .resolve("../shared/reference/basicpitch")
                .resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(golden), "no reference data at " + golden);
        float[] expected = npy(golden.resolve("wave_22050.npy"));
        float[] actual = reader.read(golden.resolve("source_44100.wav"), 22_050, Progress.NONE, Cancellation.NONE)
                .samples();
        assertEquals(expected.length, actual.length);
        double largest = 0;
        double squares = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs(expected[i] - actual[i]);
            largest = Math.max(largest, difference);
            squares += difference * difference;
        }
        assertTrue(largest < 1e-5, "largest difference " + largest);
        assertTrue(
                Math.sqrt(squares / expected.length) < 2e-7, "RMS difference " + Math.sqrt(squares / expected.length));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a b;c$.wav",
                "100%41 'q' \"d\".wav",
                "h\u00f6r \u97f3\u697d \ud83c\udfb8.wav",
                "-n.wav",
                "no suffix",
                "x.mp3",
                "http:a.wav"
            })
    void readsFilesOfAnyName(String name) throws IOException {
        Path file;
        try {
            file = folder.resolve(name);
        } catch (InvalidPathException e) {
            Assumptions.abort("this system cannot name a file " + name);
            return;
        }
        Wav.of(Wav.INTEGER, 16).codes(1, 2, 3).write(file);
        Recording recording = reader.read(file, 44_100, Progress.NONE, Cancellation.NONE);
        assertEquals(3, recording.samples().length);
        assertEquals(name, recording.facts().file());
    }

    @Test
    void tellsProgressInDecodedSamples() throws IOException {
        Path file = Wav.of(Wav.INTEGER, 16).bytes(new byte[400_000]).write(folder.resolve("long.wav"));
        List<Long> done = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        reader.read(
                file,
                22_050,
                (phase, d, total) -> {
                    assertEquals("decode audio", phase);
                    done.add(d);
                    totals.add(total);
                },
                Cancellation.NONE);
        assertEquals(0L, done.get(0));
        assertEquals(200_000L, done.get(done.size() - 1));
        assertEquals(200_000L, totals.get(totals.size() - 1));
        assertEquals(200_000L, totals.get(1));
        assertTrue(done.size() >= 4, done.toString());
        assertEquals(done.stream().sorted().toList(), done);
    }

    @Test
    void stopsWhenAsked() throws IOException {
        Path file = Wav.of(Wav.INTEGER, 16).bytes(new byte[4_000_000]).write(folder.resolve("long.wav"));
        long[] reached = {0};
        Progress progress = (phase, done, total) -> reached[0] = done;
        assertThrows(CancelledException.class, () -> reader.read(file, 22_050, progress, () -> reached[0] > 0));
        assertTrue(reached[0] < 200_000, "went on until sample " + reached[0]);
    }

    @Test
    void severalThreadsMayReadAtOnce() throws Exception {
        List<Path> files =
                List.of(resource("chirp.flac"), resource("chirp.mp3"), resource("chirp.ogg"), resource("chirp.m4a"));
        List<float[]> alone = new ArrayList<>();
        for (Path file : files) {
            alone.add(
                    reader.read(file, 16_000, Progress.NONE, Cancellation.NONE).samples());
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<float[]>> tasks = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                Path file = files.get(i % files.size());
                tasks.add(() -> reader.read(file, 16_000, Progress.NONE, Cancellation.NONE)
                        .samples());
            }
            List<Future<float[]>> results = threads.invokeAll(tasks);
            for (int i = 0; i < results.size(); i++) {
                assertArrayEquals(alone.get(i % files.size()), results.get(i).get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private Recording read(Wav wav) throws IOException {
        Path file = wav.write(folder.resolve("sound.wav"));
        Recording atItsOwnRate = reader.read(file, 44_100, Progress.NONE, Cancellation.NONE);
        int rate = atItsOwnRate.facts().sampleRate();
        return rate == 44_100 ? atItsOwnRate : reader.read(file, rate, Progress.NONE, Cancellation.NONE);
    }

    static Path resource(String name) {
        try {
            return Path.of(FfmpegAudioReaderTest.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    /** The chirp of the test sounds, its two channels averaged. */
    private static float[] chirp() {
        float[] chirp = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            double t = i / 44_100.0;
            chirp[i] = (float) (0.375 * Math.sin(2 * Math.PI * (220 * t + 500 * t * t)));
        }
        return chirp;
    }

    /** By how many samples a decoded chirp comes late: where its cross-correlation with the formula is largest. */
    private static int delay(float[] decoded) {
        int size = 1 << 17;
        float[] a = new float[2 * size];
        float[] b = new float[2 * size];
        System.arraycopy(decoded, 0, a, 0, decoded.length);
        System.arraycopy(chirp(), 0, b, 0, LENGTH);
        FloatFFT_1D fft = new FloatFFT_1D(size);
        fft.realForwardFull(a);
        fft.realForwardFull(b);
        for (int k = 0; k < a.length; k += 2) {
            float real = a[k] * b[k] + a[k + 1] * b[k + 1];
            a[k + 1] = a[k + 1] * b[k] - a[k] * b[k + 1];
            a[k] = real;
        }
        fft.complexInverse(a, true);
        int best = 0;
        for (int k = 1; k < size; k++) {
            best = a[2 * k] > a[2 * best] ? k : best;
        }
        return best > size / 2 ? best - size : best;
    }

    private static double error(float[] decoded) {
        float[] chirp = chirp();
        double noise = 0;
        double signal = 0;
        for (int i = 0; i < LENGTH; i++) {
            noise += Math.pow(decoded[i] - chirp[i], 2);
            signal += Math.pow(chirp[i], 2);
        }
        return 10 * Math.log10(noise / signal);
    }

    /** A one-dimensional npy file of float32. */
    private static float[] npy(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(10 + bytes.getShort(8));
        assertFalse((bytes.remaining() & 3) != 0);
        float[] values = new float[bytes.remaining() / 4];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
