package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.audio.spectrum.Stft;
import org.luthier.checkpoint.Checkpoints;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Against sums written out, and the spectrograms of the reference. */
class SpectrogramFrontendTest {
    private static final int SEGMENT = 32767;

    /** A Hann window and triangles of 2595 log10(1 + f / 700), as checkpoints have them. */
    private static final class Published implements Weights {
        @Override
        public float[] take(String name, long... shape) {
            if (shape.length == 1) {
                double[] hann = Stft.hann((int) shape[0]);
                float[] window = new float[hann.length];
                for (int i = 0; i < hann.length; i++) {
                    window[i] = (float) hann[i];
                }
                return window;
            }
            return triangles((int) shape[0], (int) shape[1]);
        }

        private static float[] triangles(int bins, int bands) {
            // In float, as torchaudio makes them: neighbouring edges are near each other.
            float[] edges = new float[bands + 2];
            float bottom = (float) (2595 * Math.log10(1 + 50 / 700.0));
            float top = (float) (2595 * Math.log10(1 + 8000 / 700.0));
            for (int i = 0; i < edges.length; i++) {
                float mel = bottom + (top - bottom) / (bands + 1) * i;
                edges[i] = 700 * ((float) Math.pow(10, mel / 2595) - 1);
            }
            float[] matrix = new float[bins * bands];
            for (int bin = 0; bin < bins; bin++) {
                float hertz = 8000f * bin / (bins - 1);
                for (int band = 0; band < bands; band++) {
                    float up = (hertz - edges[band]) / (edges[band + 1] - edges[band]);
                    float down = (edges[band + 2] - hertz) / (edges[band + 2] - edges[band + 1]);
                    matrix[bin * bands + band] = Math.max(0, Math.min(up, down));
                }
            }
            return matrix;
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void finish() {}
    }

    private static SpectrogramFrontend bins(int segment) {
        return new SpectrogramFrontend(
                new YourMt3Configuration.Audio(false, 16000, segment, 2048, 300, 1024), new Published());
    }

    private static SpectrogramFrontend bands(int segment) {
        return new SpectrogramFrontend(
                new YourMt3Configuration.Audio(true, 16000, segment, 2048, 128, 512), new Published());
    }

    private static Variant.Recorder run(SpectrogramFrontend frontend, float[] samples) {
        int rows = samples.length / frontend.framing().window();
        Variant.Recorder recorder = new Variant.Recorder();
        try (Frontend.Session session = frontend.open(rows);
                INDArray sound = Nd4j.create(samples, new long[] {rows, samples.length / rows}, 'c')) {
            session.features(sound, new int[rows], Position.segments(0, rows), recorder);
        }
        return recorder;
    }

    private static float[] noise(int count) {
        Random random = new Random(5);
        float[] samples = new float[count];
        for (int i = 0; i < count; i++) {
            samples[i] = (float) random.nextGaussian() * 0.2f;
        }
        return samples;
    }

    @Test
    void segmentsLieEndToEnd() {
        Framing framing = bins(SEGMENT).framing();
        assertEquals(1, framing.segments(SEGMENT));
        assertEquals(2, framing.segments(SEGMENT + 1));
        assertEquals(2 * SEGMENT / 16000.0, framing.startSeconds(2));
        assertEquals(java.util.List.of(110L, 1024L), bins(SEGMENT).featureShape());
        assertEquals(java.util.List.of(256L, 512L), bands(SEGMENT).featureShape());
    }

    @Test
    void theEndsAreMirroredWithoutTheirLastSample() {
        float[] mirrored = new float[4 + 2 * 3];
        SpectrogramFrontend.mirror(new float[] {9, 1, 2, 3, 4}, 1, 4, 3, mirrored);
        assertArrayEquals(new float[] {4, 3, 2, 1, 2, 3, 4, 3, 2, 1}, mirrored);
    }

    @Test
    void magnitudesAreThoseOfASumWrittenOut() {
        float[] sound = noise(2399);
        Variant.Recorder.Recorded got = run(bins(2399), sound).tensors.get("frontend.magnitudes");
        assertArrayEquals(new long[] {1, 8, 1025}, got.shape());
        for (int frame : new int[] {0, 3, 7}) {
            for (int bin : new int[] {0, 1, 100, 1024}) {
                double re = 0;
                double im = 0;
                for (int n = 0; n < 2048; n++) {
                    int place = Math.abs(frame * 300 + n - 1024);
                    place = place < 2399 ? place : 2 * 2398 - place;
                    double value = sound[place] * (0.5 - 0.5 * Math.cos(2 * Math.PI * n / 2048));
                    re += value * Math.cos(2 * Math.PI * bin * n / 2048);
                    im -= value * Math.sin(2 * Math.PI * bin * n / 2048);
                }
                // The window in float is 1e-7 off, of up to 100 samples' weight.
                assertEquals(Math.hypot(re, im), got.values()[frame * 1025 + bin], 1e-4);
            }
        }
    }

    @Test
    void theFirstBinIsLeftOutAndTheRangeIsOfASegment() {
        float[] sound = noise(2 * 2399);
        for (int i = 2399; i < sound.length; i++) {
            sound[i] *= 100;
        }
        Variant.Recorder recorder = run(bins(2399), sound);
        float[] log = recorder.tensors.get("frontend.log").values();
        float[] magnitudes = recorder.tensors.get("frontend.magnitudes").values();
        float[] spectrogram = recorder.tensors.get("spectrogram").values();
        assertEquals(Math.log(magnitudes[1] + 1e-5), log[0], 1e-6);
        for (int row = 0; row < 2; row++) {
            float least = Float.MAX_VALUE;
            float most = -Float.MAX_VALUE;
            int size = 8 * 1024;
            for (int i = row * size; i < (row + 1) * size; i++) {
                least = Math.min(least, log[i]);
                most = Math.max(most, log[i]);
            }
            for (int i = row * size; i < (row + 1) * size; i += 97) {
                assertEquals((log[i] - least) / (most - least + 0.008), spectrogram[i], 1e-6);
            }
        }
    }

    @Test
    void silenceIsZero() {
        for (SpectrogramFrontend frontend : new SpectrogramFrontend[] {bins(2399), bands(2399)}) {
            float[] values =
                    run(frontend, new float[2399]).tensors.get("spectrogram").values();
            assertArrayEquals(new float[values.length], values);
        }
    }

    @Test
    void bandsAreSumsOfPowers() {
        Variant.Recorder recorder = run(bands(2399), noise(2399));
        float[] magnitudes = recorder.tensors.get("frontend.magnitudes").values();
        float[] mel = recorder.tensors.get("frontend.mel").values();
        float[] filters = Published.triangles(1025, 512);
        for (int band : new int[] {100, 300, 511}) {
            double sum = 0;
            for (int bin = 0; bin < 1025; bin++) {
                sum += filters[bin * 512 + band] * (double) magnitudes[bin] * magnitudes[bin];
            }
            assertEquals(sum, mel[band], 1e-5 * sum);
        }
    }

    @Test
    void spectrogramsAreThoseOfTheReference() {
        try (Checkpoint golden =
                Checkpoints.builtIn().open(Variant.reference("frontend").resolve("frontend.safetensors"))) {
            float[] audio = golden.floats("audio");
            Variant.Recorder spec = run(bins(SEGMENT), audio);
            // Near-silent bins of a float transform are rounding: ARCHITECTURE, section 12.
            assertClose(
                    golden.floats("spec_hop300"),
                    spec.tensors.get("spectrogram").values(),
                    5e-3,
                    1e-3);
            float[] magnitudes = golden.floats("spec_hop300_magnitude_item0");
            float[] got = spec.tensors.get("frontend.magnitudes").values();
            for (int i = 0; i < magnitudes.length; i++) {
                // Beside the largest, a float transform rounds to some 1e-6.
                assertEquals(magnitudes[i], got[i / 1024 * 1025 + 1 + i % 1024], 2e-4);
            }
            assertClose(
                    golden.floats("melspec_hop128_512"),
                    run(bands(SEGMENT), audio).tensors.get("spectrogram").values(),
                    1e-4,
                    1e-5);
        }
    }

    private static void assertClose(float[] expected, float[] got, double most, double mean) {
        assertTrue(Variant.distance(expected, got) < most, "most: " + Variant.distance(expected, got));
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += Math.abs(expected[i] - got[i]);
        }
        assertTrue(sum / expected.length < mean, "mean: " + sum / expected.length);
    }
}
