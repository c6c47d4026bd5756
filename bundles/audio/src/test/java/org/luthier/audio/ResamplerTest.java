package org.luthier.audio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.jtransforms.fft.DoubleFFT_1D;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.audio.internal.SampleBuffer;

class ResamplerTest {
    /** The filter itself, measured through impulses at every phase: what it passes, what it stops, and that it is symmetric. */
    @ParameterizedTest
    @CsvSource({"44100,22050", "48000,22050", "44100,16000", "8000,22050", "22050,16000", "96000,22050", "22050,44100"})
    void passesUpToNineTenthsOfNyquistAndStopsFromNyquistOn(int inputRate, int outputRate) {
        int divisor = gcd(inputRate, outputRate);
        int up = outputRate / divisor;
        int down = inputRate / divisor;
        double lower = Math.min(inputRate, outputRate) / 2.0;
        double[] filter = prototype(inputRate, outputRate, up, down);

        int middle = filter.length / 2;
        for (int i = 1; i < middle; i++) { // float outputs near 1: rounding of 6e-8 at most
            assertEquals(filter[middle + i], filter[middle - i], 1e-7, "linear phase without delay, at " + i);
        }
        int size = 1 << 19; // bins much finer than the transition band
        double[] spectrum = new double[2 * size];
        System.arraycopy(filter, 0, spectrum, 0, filter.length);
        new DoubleFFT_1D(size).realForwardFull(spectrum);
        double ripple = 0;
        double leak = 0;
        for (int k = 0; k <= size / 2; k++) {
            double frequency = (double) k / size * inputRate * up;
            double gain = Math.hypot(spectrum[2 * k], spectrum[2 * k + 1]) / up;
            if (frequency <= 0.91 * lower) {
                ripple = Math.max(ripple, Math.abs(gain - 1));
            } else if (frequency >= lower) {
                leak = Math.max(leak, gain);
            }
        }
        System.out.printf(
                "%d -> %d: pass band within %.1e, stop band %.1f dB%n",
                inputRate, outputRate, ripple, 20 * Math.log10(leak));
        assertTrue(ripple < 1e-5, "pass band: gain off by " + ripple); // 0.0001 dB; soxr HQ promises 0.01 dB
        assertTrue(leak < 1e-6, "stop band: " + 20 * Math.log10(leak) + " dB, expected -120 or less");
    }

    /** The impulse response on the grid of inputRate * up, its middle in the middle of the array. */
    private static double[] prototype(int inputRate, int outputRate, int up, int down) {
        int reach = (int)
                Math.ceil(100 * Math.max(1.0, (double) down / up)); // input samples on either side, more than enough
        int spacing = (2 * reach / down + 1) * down + 1; // consecutive impulses meet every phase and do not overlap
        float[] signal = new float[reach + down * spacing];
        for (int j = 0; j < down; j++) {
            signal[reach + j * spacing] = 1;
        }
        float[] output = Resampler.resample(signal, inputRate, outputRate);
        double[] filter = new double[2 * reach * up + 1];
        for (int j = 0; j < down; j++) {
            long impulse = (long) (reach + j * spacing) * up;
            long first = (impulse - (long) reach * up + down - 1) / down;
            for (long m = first; m < output.length && m * down <= impulse + (long) reach * up; m++) {
                filter[(int) (m * down - impulse) + reach * up] = output[(int) m];
            }
        }
        return filter;
    }

    /** Tones keep their level and place in time; also at rates with hardly a common divisor, whose phases are not kept. */
    @ParameterizedTest
    @CsvSource({
        "44100,22050",
        "48000,22050",
        "44100,16000",
        "8000,22050",
        "22050,16000",
        "96000,22050",
        "44099,22050",
        "11127,22050",
        "191999,22051",
        "1000,768000",
        "768000,1000",
        "1001,1000"
    })
    void keepsTonesWhereTheyAre(int inputRate, int outputRate) {
        double lower = Math.min(inputRate, outputRate) / 2.0;
        int length = (int) Math.max(4000, 400.0 * inputRate / outputRate);
        for (double share : new double[] {0.01, 0.3, 0.9}) {
            double frequency = share * lower;
            float[] signal = new float[length];
            for (int i = 0; i < length; i++) {
                signal[i] = (float) Math.sin(2 * Math.PI * frequency * i / inputRate);
            }
            float[] output = Resampler.resample(signal, inputRate, outputRate);
            int edge = (int) Math.ceil(100.0 * outputRate / (2 * lower)); // the filter reaches beyond the signal there
            assertTrue(output.length > 2 * edge + 10);
            for (int m = edge; m < output.length - edge; m++) {
                // -120 dB is 1e-6; the rest is rounding to floats
                assertEquals(
                        Math.sin(2 * Math.PI * frequency * m / outputRate),
                        output[m],
                        1.2e-6,
                        frequency + " Hz, sample " + m);
            }
        }
    }

    @Test
    void doesNotFoldHighTonesBack() {
        float[] signal = new float[44100];
        for (int i = 0; i < signal.length; i++) {
            signal[i] = (float) Math.sin(2 * Math.PI * 13_000 * i / 44_100.0);
        }
        float[] output = Resampler.resample(signal, 44_100, 22_050);
        double largest = 0;
        for (int m = 200; m < output.length - 200; m++) {
            largest = Math.max(largest, Math.abs(output[m]));
        }
        assertTrue(largest < 1e-6, "13 kHz at 22050 Hz leaves " + largest);
    }

    @ParameterizedTest
    @CsvSource({
        "0,44100,22050,0", "1,44100,22050,1", "2,44100,22050,1", "3,44100,22050,2", "220500,44100,22050,110250",
        "1000,48000,22050,460", "1,8000,22050,3", "7,22050,22050,7", "100000,44099,22050,50002",
                "12345,96000,16000,2058"
    })
    void givesCeilOfTheExactLength(int samples, int inputRate, int outputRate, int expected) {
        assertEquals(expected, Resampler.resample(new float[samples], inputRate, outputRate).length);
        assertEquals(expected, new Resampler(inputRate, outputRate).lengthAfter(samples));
    }

    @ParameterizedTest
    @CsvSource({"44100,22050", "48000,22050", "8000,22050", "44099,22050", "22050,22050"})
    void blocksGiveTheSameBitsAsTheWhole(int inputRate, int outputRate) {
        float[] signal = noise(50_000);
        float[] whole = Resampler.resample(signal, inputRate, outputRate);
        Resampler resampler = new Resampler(inputRate, outputRate);
        SampleBuffer blocks = new SampleBuffer();
        int[] sizes = {1, 13, 207, 1, 4096, 20_000, 0, 3};
        int at = 0;
        for (int i = 0; at < signal.length; i++) {
            int size = Math.min(sizes[i % sizes.length], signal.length - at);
            resampler.push(signal, at, size, blocks);
            at += size;
        }
        resampler.finish(blocks);
        assertEquals(whole.length, blocks.length());
        assertArrayEquals(whole, blocks.drain());
    }

    /** The vectorised float sums against one plain sum of doubles per output sample. */
    @Test
    void floatSumsLoseNothingThatMatters() {
        float[] signal = noise(20_000);
        float[] output = Resampler.resample(signal, 44_100, 22_050);
        double[] filter = prototype(44_100, 22_050, 1, 2);
        int middle = filter.length / 2;
        double squares = 0;
        for (int m = 0; m < output.length; m++) {
            double sum = 0;
            for (int i = Math.max(0, 2 * m - middle); i <= Math.min(signal.length - 1, 2 * m + middle); i++) {
                sum += signal[i] * filter[2 * m - i + middle];
            }
            squares += (output[m] - sum) * (output[m] - sum);
        }
        double error = 20 * Math.log10(Math.sqrt(squares / output.length));
        System.out.printf("float sums: %.1f dB below full scale%n", error);
        assertTrue(error < -135, "error " + error + " dB"); // 24-bit audio has its own noise at -146 dB
    }

    @Test
    void equalRatesCopy() {
        float[] signal = noise(1000);
        assertArrayEquals(signal, Resampler.resample(signal, 44_100, 44_100));
    }

    @Test
    void refusesAbsurdRates() {
        assertThrows(IllegalArgumentException.class, () -> new Resampler(8, 22_050));
        assertThrows(IllegalArgumentException.class, () -> new Resampler(44_100, 768_001));
    }

    private static float[] noise(int length) {
        Random random = new Random(7);
        float[] noise = new float[length];
        for (int i = 0; i < length; i++) {
            noise[i] = random.nextFloat() * 2 - 1;
        }
        return noise;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
