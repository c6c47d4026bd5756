package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.audio.spectrum.MelFilterbank;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class Mt3FrontendTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/mt3/golden_compact.safetensors");
    private static final int BINS = 1025;
    private static final int BANDS = 512;
    private static final float SILENCE = -11.512925f;

    /** All segments of a recording, in batches: [segments][frames * 512]. */
    private static float[][] logMel(int frames, float[] recording, int batch, Probe probe) {
        Mt3Frontend frontend = new Mt3Frontend(frames);
        Framing framing = frontend.framing();
        float[][] segments = new float[framing.segments(recording.length)][];
        try (Frontend.Session session = frontend.open(batch)) {
            for (int first = 0; first < segments.length; first += batch) {
                int rows = Math.min(batch, segments.length - first);
                float[] samples = new float[rows * framing.window()];
                int[] lengths = new int[rows];
                for (int row = 0; row < rows; row++) {
                    framing.cut(recording, first + row, samples, row * framing.window());
                    lengths[row] = framing.length(recording.length, first + row);
                }
                INDArray features = session.features(
                        Nd4j.create(samples, new long[] {rows, framing.window()}, 'c'),
                        lengths,
                        Position.segments(first, rows),
                        probe);
                assertArrayEquals(new long[] {rows, frames, BANDS}, features.shape());
                float[] values = HostFloats.copy(features);
                int size = frames * BANDS;
                for (int row = 0; row < rows; row++) {
                    segments[first + row] = Arrays.copyOfRange(values, row * size, (row + 1) * size);
                }
            }
        }
        return segments;
    }

    private static float[][] logMel(float[] recording) {
        return logMel(256, recording, 3, Probe.NONE);
    }

    /** Keeps copies, or halves what it is offered. */
    private record Taps(Set<String> wanted, Map<String, INDArray> seen, boolean halve) implements Probe {
        @Override
        public boolean wants(String name) {
            return wanted.contains(name);
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            assertEquals(at.rows(), tensor.size(0));
            assertEquals(null, seen.put(name, tensor.dup('c')), "offered twice: " + name);
            if (halve) {
                tensor.muli(0.5);
            }
        }
    }

    private static float[] noise(int length, double scale) {
        Random random = new Random(length);
        float[] samples = new float[length];
        for (int i = 0; i < length; i++) {
            samples[i] = (float) (scale * random.nextGaussian());
        }
        return samples;
    }

    /** Waveform to log-mel of one segment as TensorFlow computed it, within the bounds that another correct program needs. */
    @Test
    void golden() {
        Assumptions.assumeTrue(Files.exists(GOLDEN), "no goldens beside the checkout");
        float[] waveform;
        float[] golden;
        try (Checkpoint file = Checkpoints.builtIn().open(GOLDEN)) {
            waveform = file.floats("waveform");
            golden = file.floats("logmel");
        }
        float[] segment = logMel(waveform)[0];

        double largest = 0;
        for (float x : golden) {
            largest = Math.max(largest, Math.exp(x));
        }
        double magnitude = 0;
        double strong = 0;
        double weak = 0;
        for (int i = 0; i < golden.length; i++) {
            // TensorFlow's float logarithm of 1e-5 is the next float below ours.
            assertEquals(golden[i] == Math.nextDown(SILENCE), segment[i] == SILENCE, "floored at " + i);
            double mel = Math.exp(golden[i]);
            double difference = Math.abs(segment[i] - golden[i]);
            magnitude = Math.max(magnitude, Math.abs(Math.exp(segment[i]) - mel) / largest);
            if (mel > 1e-3) {
                strong = Math.max(strong, difference);
            } else {
                weak = Math.max(weak, difference);
            }
        }
        System.out.printf(
                "magnitudes within %.1e of the largest, logarithms within %.1e, of weak bands %.1e%n",
                magnitude, strong, weak);
        assertTrue(magnitude < 1e-4, "mel magnitudes differ by " + magnitude + " of the largest");
        assertTrue(strong < 5e-3, "logarithms differ by " + strong);
        assertTrue(weak < 0.05, "logarithms of weak bands differ by " + weak);
    }

    @Test
    void goldenMatrix() {
        Assumptions.assumeTrue(Files.exists(GOLDEN), "no goldens beside the checkout");
        float[] expected = new float[BINS * BANDS];
        try (Checkpoint file = Checkpoints.builtIn().open(GOLDEN)) {
            float[] bin = file.floats("melmatrix.bin");
            float[] band = file.floats("melmatrix.band");
            float[] weight = file.floats("melmatrix.weight");
            assertEquals(1934, weight.length);
            for (int i = 0; i < weight.length; i++) {
                expected[(int) bin[i] * BANDS + (int) band[i]] = weight[i];
            }
        }
        MelFilterbank bank = new Mt3Frontend(256).bank;
        for (int i = 0; i < expected.length; i++) {
            // TensorFlow's mel values of up to 2800 in floats, over widths of 5
            assertEquals(expected[i], bank.weight(i / BANDS, i % BANDS), 1e-4, "weight " + i);
            assertEquals(expected[i] > 0, bank.weight(i / BANDS, i % BANDS) > 0, "weight " + i);
        }
    }

    /** The description, step by step, with a Fourier transform that is a sum. */
    @Test
    void isItsDescription() {
        float[] recording = noise(32768 + 128 * 20 + 5, 0.1);
        float[][] segments = logMel(recording);
        assertEquals(2, segments.length);
        for (int frame : new int[] {0, 1, 100, 240, 241, 255}) {
            assertFrame(recording, 0, 32768, frame, segments[0]);
        }
        for (int frame : new int[] {0, 5, 19, 20}) {
            assertFrame(recording, 32768, recording.length, frame, segments[1]);
        }
    }

    private static void assertFrame(float[] recording, int from, int to, int frame, float[] segment) {
        double[] edges = new double[BANDS + 2];
        double bottom = 1127 * Math.log(1 + 20 / 700.0);
        double top = 1127 * Math.log(1 + 7600 / 700.0);
        for (int e = 0; e < edges.length; e++) {
            edges[e] = bottom + (top - bottom) * e / (BANDS + 1);
        }
        double[] sums = new double[BANDS];
        for (int k = 1; k < BINS; k++) {
            double re = 0;
            double im = 0;
            for (int i = 0; i < 2048; i++) {
                int at = from + 128 * frame + i;
                double x = at < to ? recording[at] * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / 2048)) : 0;
                re += x * Math.cos(2 * Math.PI * k * i / 2048);
                im += x * Math.sin(2 * Math.PI * k * i / 2048);
            }
            double m = 1127 * Math.log(1 + k * 8000 / 1024.0 / 700);
            for (int b = 0; b < BANDS; b++) {
                double rising = (m - edges[b]) / (edges[b + 1] - edges[b]);
                double falling = (edges[b + 2] - m) / (edges[b + 2] - edges[b + 1]);
                sums[b] += Math.max(0, Math.min(rising, falling)) * Math.hypot(re, im);
            }
        }
        for (int b = 0; b < BANDS; b++) {
            float expected = sums[b] > 0 ? (float) Math.log(sums[b]) : SILENCE;
            // sums of floats, and weights rounded to floats: some 1e-7 of each
            assertEquals(expected, segment[frame * BANDS + b], 1e-5, "frame " + frame + ", band " + b);
        }
    }

    /** floor(n / 128) + 1 frames count; the rest of the last segment is 0 after the logarithm. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 127, 128, 129, 32639, 32640, 32767, 32768, 32769, 65535, 65536, 100000})
    void countsFrames(int length) {
        float[][] segments = logMel(noise(length, 0.1));
        int frames = length / 128 + 1;
        assertEquals((frames + 255) / 256, segments.length);
        for (int frame = 0; frame < 256 * segments.length; frame++) {
            float[] segment = segments[frame / 256];
            int from = frame % 256 * BANDS;
            float[] bands = Arrays.copyOfRange(segment, from, from + BANDS);
            if (frame < frames) {
                assertEquals(SILENCE, bands[1], "band 1 is empty, frame " + frame);
                assertEquals(SILENCE, bands[10], "band 10 is empty, frame " + frame);
                // A frame at the very end sees nothing, or one sample through the window's first value, 0.
                boolean silent = frame * 128 >= length - 1;
                assertEquals(silent, bands[100] == SILENCE, "frame " + frame);
            } else {
                assertArrayEquals(new float[BANDS], bands, "frame " + frame + " of " + frames);
            }
        }
    }

    @Test
    void silenceIsFlooredAndWhisperIsNot() {
        float[] silence = logMel(new float[32767])[0];
        for (float x : silence) {
            assertEquals(SILENCE, x);
        }
        for (double scale : new double[] {1e-6, 1e-12, 1e-25}) {
            float[] whisper = logMel(noise(32767, scale))[0];
            double mean = IntStream.range(0, 240 * BANDS)
                    .filter(i -> i % BANDS != 1 && i % BANDS != 10)
                    .mapToDouble(i -> whisper[i])
                    .average()
                    .orElseThrow();
            double loud = -13.8 + Math.log(20); // 1e-6 in a window of energy 768, through weights of about 1
            assertEquals(loud + Math.log(scale / 1e-6), mean, 2.5, "mean at " + scale);
        }
    }

    /** A segment's last frames see zeros where the recording goes on. */
    @Test
    void segmentsAreAnalysedByThemselves() {
        float[] recording = noise(70000, 0.1);
        float[] first = logMel(recording)[0];
        float[] alone = logMel(Arrays.copyOf(recording, 32768))[0];
        assertArrayEquals(alone, first);
    }

    @Test
    void aBatchIsItsRows() {
        float[] recording = noise(5 * 32768 + 999, 0.1);
        float[][] alone = logMel(256, recording, 1, Probe.NONE);
        for (int batch : new int[] {2, 4, 6, 9}) {
            float[][] together = logMel(256, recording, batch, Probe.NONE);
            for (int i = 0; i < alone.length; i++) {
                assertArrayEquals(alone[i], together[i], "segment " + i + " in batches of " + batch);
            }
        }
    }

    /** The piano model's segments are twice as long: the same frames, but for those that look over a border. */
    @Test
    void longerSegments() {
        float[] recording = noise(3 * 32768 + 77, 0.1);
        float[][] shorter = logMel(recording);
        float[][] longer = logMel(512, recording, 2, Probe.NONE);
        assertEquals(2, longer.length);
        for (int i = 0; i < 4; i++) {
            int valid = i == 3 ? 1 : 256;
            for (int cell = 0; cell < 241 * BANDS; cell++) {
                float expected = i == 3 && cell >= valid * BANDS ? 0 : shorter[i][cell];
                assertEquals(expected, longer[i / 2][i % 2 * 256 * BANDS + cell], "segment " + i + ", cell " + cell);
            }
        }
    }

    @Test
    void tapsAreTheStepsBetween() {
        float[] recording = noise(32768 + 128 * 10, 0.1);
        float[][] plain = logMel(256, recording, 2, Probe.NONE);
        List<String> names = new Mt3Frontend(256).layer().taps();
        assertEquals(List.of("frontend.magnitudes", "frontend.mel", "frontend.logmel"), names);

        Taps all = new Taps(Set.copyOf(names), new HashMap<>(), false);
        float[][] tapped = logMel(256, recording, 2, all);
        assertArrayEquals(plain, tapped);
        assertEquals(Set.copyOf(names), all.seen().keySet());
        float[] magnitudes = HostFloats.copy(all.seen().get("frontend.magnitudes"));
        float[] mel = HostFloats.copy(all.seen().get("frontend.mel"));
        float[] logmel = HostFloats.copy(all.seen().get("frontend.logmel"));
        assertEquals(2 * 256 * BINS, magnitudes.length);
        float[] expected = new float[mel.length];
        new Mt3Frontend(256).bank.apply(magnitudes, 2 * 256, expected);
        assertArrayEquals(expected, mel);
        for (int i = 0; i < mel.length; i++) {
            boolean valid = i < (256 + 11) * BANDS;
            float level = mel[i] > 0 ? (float) Math.log(mel[i]) : SILENCE;
            assertEquals(valid ? level : 0, logmel[i], "cell " + i);
        }
        assertArrayEquals(plain[1], Arrays.copyOfRange(logmel, 256 * BANDS, 512 * BANDS));
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend.magnitudes", "frontend.mel"})
    void whatAProbeWritesIsUsed(String name) {
        float[] recording = noise(32768 + 128 * 10, 0.1);
        float[][] plain = logMel(256, recording, 2, Probe.NONE);
        float[][] halved = logMel(256, recording, 2, new Taps(Set.of(name), new HashMap<>(), true));
        for (int i = 0; i < (256 + 11) * BANDS; i++) {
            float was = plain[i / (256 * BANDS)][i % (256 * BANDS)];
            float is = halved[i / (256 * BANDS)][i % (256 * BANDS)];
            assertEquals(was == SILENCE ? SILENCE : was - Math.log(2), is, 2e-6, "cell " + i); // floats of up to 12
        }
    }
}
