package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;
import org.luthier.audio.spectrum.MelFilterbank;
import org.luthier.audio.spectrum.Stft;

/** Faults of a log-mel front end. */
class FrontendCausesTest {
    private static final int RATE = 16000;
    private static final int SIZE = 512;
    private static final int HOP = 128;
    private static final int FRAMES = 30;
    private static final int BINS = SIZE / 2 + 1;
    private static final int BANDS = 64;
    private static final float[] SOUND = sound();

    private static float[] sound() {
        float[] sound = Bench.random(1, FRAMES * HOP, 0.1);
        for (int i = 0; i < sound.length; i++) {
            sound[i] += (float) (0.5 * Math.sin(i * 0.2 + i * i * 1e-5));
        }
        return sound;
    }

    private static float[] magnitudes(float[] sound, double[] window, int hop) {
        float[] magnitudes = new float[FRAMES * BINS];
        new Stft(window, hop).magnitudes(sound, 0, sound.length, FRAMES, magnitudes, 0);
        return magnitudes;
    }

    private static float[] good() {
        return magnitudes(SOUND, Stft.hann(SIZE), HOP);
    }

    /** With librosa's names: the bands of its mel filter bank, frame by frame. */
    private static float[] mel(
            float[] magnitudes, double rate, double low, double high, boolean slaney, boolean hertz, boolean areas) {
        DoubleUnaryOperator toMel = slaney
                ? f -> f < 1000 ? f / (200.0 / 3) : 15 + Math.log(f / 1000) / (Math.log(6.4) / 27)
                : f -> 2595 * Math.log10(1 + f / 700) / 2595 * 1127 * Math.log(10);
        double[] edges = new double[BANDS + 2];
        double from = toMel.applyAsDouble(low);
        double to = toMel.applyAsDouble(high);
        for (int i = 0; i < edges.length; i++) {
            edges[i] = from + (to - from) * i / (BANDS + 1);
        }
        float[] y = new float[FRAMES * BANDS];
        for (int band = 0; band < BANDS; band++) {
            double a = edges[band];
            double b = edges[band + 1];
            double c = edges[band + 2];
            double area = 2 / (hertz(c, slaney) - hertz(a, slaney));
            for (int bin = 1; bin < BINS; bin++) {
                double f = bin * rate / SIZE;
                double place = hertz ? f : toMel.applyAsDouble(f);
                double left = hertz
                        ? (place - hertz(a, slaney)) / (hertz(b, slaney) - hertz(a, slaney))
                        : (place - a) / (b - a);
                double right = hertz
                        ? (hertz(c, slaney) - place) / (hertz(c, slaney) - hertz(b, slaney))
                        : (c - place) / (c - b);
                double weight = Math.max(0, Math.min(left, right)) * (areas ? area : 1);
                for (int t = 0; t < FRAMES; t++) {
                    y[t * BANDS + band] += (float) (weight * magnitudes[t * BINS + bin]);
                }
            }
        }
        return y;
    }

    private static double hertz(double mel, boolean slaney) {
        if (!slaney) {
            return 700 * (Math.exp(mel / 1127) - 1);
        }
        return mel < 15 ? mel * 200 / 3 : 1000 * Math.exp((mel - 15) * Math.log(6.4) / 27);
    }

    private static float[] goodMel() {
        return mel(good(), RATE, 20, 7600, false, false, false);
    }

    private static Bench bench() {
        return new Bench()
                .computation(
                        "frontend.magnitudes",
                        Computation.MAGNITUDES,
                        List.of("frontend.in"),
                        Map.of(),
                        Map.of("sampleRate", (long) RATE, "window", (long) SIZE, "hop", (long) HOP, "fft", (long) SIZE))
                .computation(
                        "frontend.mel",
                        Computation.MEL_BANDS,
                        List.of("frontend.magnitudes"),
                        Map.of(),
                        Map.of("sampleRate", (long) RATE, "bands", (long) BANDS, "low", 20.0, "high", 7600.0))
                .computation(
                        "frontend.logmel",
                        Computation.LOGARITHM,
                        List.of("frontend.mel"),
                        Map.of(),
                        Map.of("floor", 1e-5))
                .given("frontend.in", SOUND, 1, SOUND.length);
    }

    private static void spectrum(String cause, float[] run) {
        bench().made("frontend.magnitudes", run, good(), 1, FRAMES, BINS).assertCause(cause, "frontend.magnitudes");
    }

    @Test
    void faultsOfTheSpectrumAreNamed() {
        spectrum("power for magnitude", Bench.each(good(), v -> v * v));
        float[] padded = new float[SOUND.length + SIZE / 2];
        System.arraycopy(SOUND, 0, padded, SIZE / 2, SOUND.length);
        spectrum("centred window", magnitudes(padded, Stft.hann(SIZE), HOP));
        float[] mirrored = java.util.Arrays.copyOf(padded, padded.length + SIZE / 2);
        for (int i = 0; i < SIZE / 2; i++) {
            mirrored[i] = SOUND[SIZE / 2 - i];
            mirrored[padded.length + i] = SOUND[SOUND.length - 2 - i];
        }
        spectrum("centred window", magnitudes(mirrored, Stft.hann(SIZE), HOP));
        double[] symmetric = new double[SIZE];
        double[] none = new double[SIZE];
        for (int i = 0; i < SIZE; i++) {
            symmetric[i] = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / (SIZE - 1));
            none[i] = 1;
        }
        spectrum("other window", magnitudes(SOUND, symmetric, HOP));
        spectrum("other window", magnitudes(SOUND, none, HOP));
        float[] fast = new float[SOUND.length];
        for (int i = 0; 2 * i < SOUND.length - 1; i++) {
            fast[i] = SOUND[2 * i];
        }
        spectrum("wrong sample rate", magnitudes(fast, Stft.hann(SIZE), HOP));
        spectrum("wrong hop", magnitudes(SOUND, Stft.hann(SIZE), 160));
    }

    private static Cause bands(String cause, float[] run) {
        return bench().given("frontend.magnitudes", good(), 1, FRAMES, BINS)
                .made("frontend.mel", run, goodMel(), 1, FRAMES, BANDS)
                .assertCause(cause, "frontend.mel");
    }

    @Test
    void faultsOfTheBandsAreNamed() {
        bands("wrong mel scale", mel(good(), RATE, 20, 7600, true, false, false));
        bands("wrong mel scale", mel(good(), RATE, 20, 7600, true, true, true));
        bands("triangles straight in Hz", mel(good(), RATE, 20, 7600, false, true, false));
        Cause edge = bands("mel edge", mel(good(), RATE, 20, 8000, false, false, false));
        assertTrue(edge.cause().contains("this run has bands from 20 Hz to 8000 Hz"), edge.cause());
        bands("mel edge", mel(good(), RATE, 50, 7600, false, false, false));
        bands("wrong sample rate", mel(good(), 22050, 20, 7600, false, false, false));
        bands("mel order", Bench.from(goodMel(), i -> i / BANDS * BANDS + BANDS - 1 - i % BANDS));
        bands("power for magnitude", mel(Bench.each(good(), v -> v * v), RATE, 20, 7600, false, false, false));
    }

    private static void logarithm(String cause, DoubleUnaryOperator run) {
        float[] mel = goodMel();
        bench().given("frontend.mel", mel, 1, FRAMES, BANDS)
                .made(
                        "frontend.logmel",
                        Bench.each(mel, run),
                        Bench.each(mel, v -> v > 0 ? Math.log(v) : Math.log(1e-5)),
                        1,
                        FRAMES,
                        BANDS)
                .assertCause(cause, "frontend.logmel");
    }

    @Test
    void faultsOfTheLogarithmAreNamed() {
        logarithm("missing log", v -> v);
        logarithm("other logarithm", v -> Math.log10(v > 0 ? v : 1e-5));
        logarithm("other logarithm", Math::log1p);
        logarithm("power for magnitude", v -> 2 * Math.log(v > 0 ? v : 1e-5));
        logarithm("other logarithm", v -> Math.log(v + 1e-3));
    }

    @Test
    void theOraclesAreTheFrontEnd() {
        float[] mel = new float[FRAMES * BANDS];
        MelFilterbank.straightInMel(RATE, SIZE, BANDS, 20, 7600).apply(good(), FRAMES, mel);
        Bench bench =
                bench().run("frontend.magnitudes", good(), 1, FRAMES, BINS).run("frontend.mel", mel, 1, FRAMES, BANDS);
        // Rounding of float32.
        assertEquals(0, bench.oracleError("frontend.magnitudes"), 1e-6);
        assertEquals(0, bench.oracleError("frontend.mel"), 1e-6);
    }
}
