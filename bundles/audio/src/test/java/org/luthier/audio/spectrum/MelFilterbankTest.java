package org.luthier.audio.spectrum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MelFilterbankTest {
    /** The definition, band by band from a list of edges. */
    private static double[][] naive(int sampleRate, int size, int bands, double lowest, double highest) {
        double[] edges = new double[bands + 2];
        double bottom = 1127 * Math.log(1 + lowest / 700);
        double top = 1127 * Math.log(1 + highest / 700);
        for (int e = 0; e < edges.length; e++) {
            edges[e] = bottom + (top - bottom) * e / (bands + 1);
        }
        double[][] weights = new double[size / 2 + 1][bands];
        for (int bin = 1; bin <= size / 2; bin++) {
            double mel = 1127 * Math.log(1 + (double) bin * sampleRate / size / 700);
            for (int band = 0; band < bands; band++) {
                double rising = (mel - edges[band]) / (edges[band + 1] - edges[band]);
                double falling = (edges[band + 2] - mel) / (edges[band + 2] - edges[band + 1]);
                weights[bin][band] = Math.max(0, Math.min(rising, falling));
            }
        }
        return weights;
    }

    @ParameterizedTest
    @CsvSource({"16000,2048,512,20,7600", "16000,2048,512,50,8000", "16000,512,40,0,8000", "44100,1024,3,5000,30000"})
    void isItsDefinition(int sampleRate, int size, int bands, double lowest, double highest) {
        MelFilterbank bank = MelFilterbank.straightInMel(sampleRate, size, bands, lowest, highest);
        double[][] expected = naive(sampleRate, size, bands, lowest, highest);
        assertEquals(size / 2 + 1, bank.bins());
        assertEquals(bands, bank.bands());
        for (int bin = 0; bin < bank.bins(); bin++) {
            for (int band = 0; band < bands; band++) {
                // mel values of up to 3000 in doubles, over widths of about 5
                assertEquals(expected[bin][band], bank.weight(bin, band), 1e-7, bin + ", " + band);
            }
        }
    }

    /** What is known of the matrix that MT3 was trained with. */
    @Test
    void countsOfMt3() {
        MelFilterbank bank = MelFilterbank.straightInMel(16000, 2048, 512, 20, 7600);
        int weights = 0;
        for (int band = 0; band < 512; band++) {
            int used = 0;
            float largest = 0;
            for (int bin = 0; bin < bank.bins(); bin++) {
                float weight = bank.weight(bin, band);
                used += weight > 0 ? 1 : 0;
                largest = Math.max(largest, weight);
                assertTrue(weight == 0 || bin >= 3 && bin <= 972, "bin " + bin + " is used");
            }
            weights += used;
            assertTrue(used <= 10, "band " + band + " has " + used + " bins");
            assertEquals(band == 1 || band == 10, used == 0, "bins of band " + band);
            assertTrue(used == 0 || largest > 0.0335 && largest < 0.99945, "largest of band " + band + ": " + largest);
        }
        assertEquals(1934, weights);
    }

    @Test
    void sumsWhatTheMatrixSays() {
        int bins = 33;
        int bands = 7;
        Random random = new Random(4);
        float[] matrix = new float[bins * bands];
        for (int i = 0; i < matrix.length; i++) {
            boolean kept = i % bands != 3 && random.nextInt(3) == 0; // band 3 is empty, others have holes
            matrix[i] = kept ? random.nextFloat() - 0.3f : 0;
        }
        int frames = 5;
        float[] spectra = new float[frames * bins];
        for (int i = 0; i < spectra.length; i++) {
            spectra[i] = random.nextFloat();
        }
        MelFilterbank bank = new MelFilterbank(matrix, bins, bands);
        float[] sums = new float[frames * bands];
        Arrays.fill(sums, Float.NaN);
        bank.apply(spectra, frames, sums);
        for (int t = 0; t < frames; t++) {
            for (int band = 0; band < bands; band++) {
                double expected = 0;
                for (int bin = 0; bin < bins; bin++) {
                    assertEquals(matrix[bin * bands + band], bank.weight(bin, band));
                    expected += (double) matrix[bin * bands + band] * spectra[t * bins + bin];
                }
                assertEquals(expected, sums[t * bands + band], 1e-6); // 33 float products of at most 1
            }
            assertEquals(0f, sums[t * bands + 3]);
        }
    }

    @Test
    void refusesAMatrixOfAnotherSize() {
        assertThrows(IllegalArgumentException.class, () -> new MelFilterbank(new float[11], 3, 4));
    }
}
