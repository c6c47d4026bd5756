package org.luthier.audio.spectrum;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StftTest {
    /** The sum that a Fourier transform is, in double, with samples past the stretch read as 0. */
    private static double[] naive(double[] window, int hop, float[] samples, int from, int to, int frames) {
        int size = window.length;
        int bins = size / 2 + 1;
        double[] magnitudes = new double[frames * bins];
        for (int t = 0; t < frames; t++) {
            for (int k = 0; k < bins; k++) {
                double re = 0;
                double im = 0;
                for (int i = 0; i < size; i++) {
                    int at = from + hop * t + i;
                    double x = at < to ? samples[at] * window[i] : 0;
                    double angle = 2 * Math.PI * ((long) k * i % size) / size;
                    re += x * Math.cos(angle);
                    im -= x * Math.sin(angle);
                }
                magnitudes[t * bins + k] = Math.hypot(re, im);
            }
        }
        return magnitudes;
    }

    private static float[] noise(int length, double scale) {
        Random random = new Random(length);
        float[] samples = new float[length];
        for (int i = 0; i < length; i++) {
            samples[i] = (float) (scale * random.nextGaussian());
        }
        return samples;
    }

    @ParameterizedTest
    @CsvSource({
        "2,1,9,1",
        "4,3,30,1",
        "16,4,50,1",
        "64,64,200,1",
        "1024,300,2000,1",
        "2048,128,3000,1",
        "256,64,600,1e-30",
        "256,64,600,1e30"
    })
    void isTheSum(int size, int hop, int length, double scale) {
        float[] samples = noise(length, scale);
        int from = length / 10;
        int to = length - length / 20; // what follows is not silent and must not be seen
        int frames = (to - from) / hop + 3; // the last two lie past the end
        Stft stft = new Stft(Stft.hann(size), hop);
        float[] magnitudes = new float[frames * stft.bins()];
        stft.magnitudes(samples, from, to, frames, magnitudes, 0);

        double[] expected = naive(Stft.hann(size), hop, samples, from, to, frames);
        double largest = Arrays.stream(expected).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            // a float's rounding, and that of a double sum for bins that cancel out
            assertEquals(expected[i], magnitudes[i], 6e-8 * expected[i] + 1e-13 * largest, "at " + i);
        }
        for (int i = (frames - 2) * stft.bins(); i < magnitudes.length; i++) {
            assertEquals(0f, magnitudes[i], "past the end everything is exactly 0");
        }
    }

    @Test
    void aFrameLooksAhead() {
        float[] samples = new float[512];
        samples[255] = 1; // the last sample of the first frame of 256, seen by frames 0 to 3 of hop 64 alone
        double[] flat = new double[256];
        Arrays.fill(flat, 1);
        Stft stft = new Stft(flat, 64);
        float[] magnitudes = new float[5 * stft.bins()];
        stft.magnitudes(samples, 0, 512, 5, magnitudes, 0);
        float[] expected = new float[magnitudes.length];
        Arrays.fill(expected, 0, 4 * stft.bins(), 1);
        assertArrayEquals(expected, magnitudes, 1e-7f); // an impulse has magnitude 1 everywhere
    }

    @Test
    void callsDoNotSeeEachOther() {
        float[] samples = noise(4000, 1);
        Stft stft = new Stft(Stft.hann(512), 128);
        float[] first = new float[4 * stft.bins()];
        float[] again = new float[4 * stft.bins()];
        stft.magnitudes(samples, 0, 600, 4, first, 0);
        stft.magnitudes(samples, 1000, 4000, 4, again, 0);
        stft.magnitudes(samples, 0, 600, 2, again, 0);
        stft.magnitudes(samples, 256, 600, 2, again, 2 * stft.bins());
        assertArrayEquals(first, again);
    }

    @Test
    void hannIsThatOfAPeriod() {
        assertArrayEquals(new double[] {0, 0.5, 1, 0.5}, Stft.hann(4), 1e-15);
    }

    /** JTransforms hands large transforms to a pool of its own: the largest that is allowed here must not be one of them. */
    @Test
    void startsNoThreads() {
        float[] samples = noise(Stft.LONGEST, 1);
        Set<Thread> before = new HashSet<>(Thread.getAllStackTraces().keySet());
        Stft stft = new Stft(Stft.hann(Stft.LONGEST), 128);
        stft.magnitudes(samples, 0, samples.length, 8, new float[8 * stft.bins()], 0);
        Set<Thread> started = new HashSet<>(Thread.getAllStackTraces().keySet());
        started.removeAll(before);
        started.removeIf(thread -> !thread.getName().startsWith("pool-"));
        assertTrue(started.isEmpty(), () -> "started " + started);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 1000, 2 * Stft.LONGEST})
    void refusesOtherSizes(int size) {
        assertThrows(IllegalArgumentException.class, () -> new Stft(new double[size], 1));
    }
}
