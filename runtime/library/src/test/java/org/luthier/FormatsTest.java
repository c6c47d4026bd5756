package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.notes.Note;
import org.luthier.audio.FfmpegAudioReader;
import org.luthier.audio.Resampler;
import org.luthier.evaluation.Scores;

/** The same music in other formats and at other rates gives the same notes, or nearly. */
class FormatsTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path QUALITY = ROOT.resolve("../shared/reference/basicpitch/quality");
    private static final int RATE = 22050;

    @TempDir
    static Path folder;

    private static Luthier luthier;

    @BeforeAll
    static void open() {
        luthier = Luthier.open();
    }

    @AfterAll
    static void close() {
        luthier.close();
    }

    static Stream<Path> music() {
        return Stream.of(
                ROOT.resolve("samples/bach-prelude.flac"),
                QUALITY.resolve("q1_piano_mozart_k545_22050.wav"),
                QUALITY.resolve("q2_nylon_bach_bwv66_6_22050.wav"),
                QUALITY.resolve("q3_piano_joplin_maple_leaf_22050.wav"));
    }

    @ParameterizedTest
    @MethodSource("music")
    void losslessIsTheSame(Path music) throws IOException {
        short[] samples = SoundFiles.to16Bits(samples(music));
        Path wave = SoundFiles.stereoWave(folder.resolve("lossless.wav"), samples, RATE);
        Path flac = SoundFiles.encoded(folder.resolve("lossless.flac"), "flac", 0, samples, RATE);
        assertEquals(notes(wave), notes(flac));
    }

    @ParameterizedTest
    @MethodSource("music")
    void mp3IsNearlyTheSame(Path music) throws IOException {
        float[] samples = samples(music);
        List<Note> original = notes(SoundFiles.floatWave(folder.resolve("lossy.wav"), samples, RATE));
        // 192 kbit/s at 44.1 kHz: what is usual.
        short[] doubled = SoundFiles.to16Bits(Resampler.resample(samples, RATE, 44100));
        Path mp3 = SoundFiles.encoded(folder.resolve("lossy.mp3"), "libmp3lame", 192_000, doubled, 44100);
        double f1 = Scores.compare(original, notes(mp3)).onset().f1();
        // What is lost is heard: of a hundred notes three may go, come or move by more than 50 ms.
        assertTrue(f1 >= 0.97, "onset F1 of the MP3 file: " + f1);
    }

    @ParameterizedTest
    @MethodSource("music")
    void otherRatesAreNearlyTheSame(Path music) throws IOException {
        float[] samples = samples(music);
        List<Note> original = notes(SoundFiles.floatWave(folder.resolve("rate.wav"), samples, RATE));
        for (int rate : new int[] {44100, 48000}) {
            short[] other = SoundFiles.to16Bits(Resampler.resample(samples, RATE, rate));
            Path stereo = SoundFiles.stereoWave(folder.resolve(rate + ".wav"), other, rate);
            double f1 = Scores.compare(original, notes(stereo)).onset().f1();
            // Up and down again loses what lies near half the sample rate: of a hundred notes one may be on the border.
            assertTrue(f1 >= 0.99, "onset F1 at " + rate + " Hz: " + f1);
        }
    }

    private static List<Note> notes(Path file) {
        return luthier.transcribe(file).notes();
    }

    private static float[] samples(Path music) {
        Assumptions.assumeTrue(Files.isRegularFile(music), () -> "no reference data at " + music);
        return new FfmpegAudioReader()
                .read(music, RATE, Progress.NONE, Cancellation.NONE)
                .samples();
    }
}
