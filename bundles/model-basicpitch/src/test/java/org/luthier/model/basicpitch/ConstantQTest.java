package org.luthier.model.basicpitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class ConstantQTest {
    @Test
    void constantsAreTheStoredOnesBitForBit() {
        Assumptions.assumeTrue(Goldens.hasReference(), "no reference goldens beside the checkout");
        Map<String, float[]> stored = Goldens.floats(Goldens.REFERENCE.resolve("weights/cqt_constants.npz"));
        float[] bank = ConstantQ.bank();
        float[] re = new float[ConstantQ.OCTAVE * ConstantQ.TAPS];
        float[] im = new float[ConstantQ.OCTAVE * ConstantQ.TAPS];
        for (int k = 0; k < ConstantQ.OCTAVE; k++) {
            for (int tap = 0; tap < ConstantQ.TAPS; tap++) {
                re[k * ConstantQ.TAPS + tap] = bank[tap * 2 * ConstantQ.OCTAVE + k];
                im[k * ConstantQ.TAPS + tap] = bank[tap * 2 * ConstantQ.OCTAVE + ConstantQ.OCTAVE + k];
            }
        }
        assertSame(stored.get("kernel_re"), re);
        assertSame(stored.get("kernel_im"), im);
        assertSame(stored.get("lowpass"), ConstantQ.lowpass());
        assertSame(stored.get("sqrt_lengths_onnx"), ConstantQ.scales());
    }

    /** Equal to the last bit; 0 and -0 are the same. */
    private static void assertSame(float[] want, float[] have) {
        assertEquals(want.length, have.length);
        for (int i = 0; i < want.length; i++) {
            assertTrue(want[i] == have[i], "element " + i + ": " + want[i] + ", " + have[i]);
        }
    }

    @Test
    void lengthsAndFrequencies() {
        assertEquals(41245, ConstantQ.length(0));
        assertEquals(216, ConstantQ.length(273));
        assertEquals(110, ConstantQ.length(308));
        assertEquals(440, ConstantQ.frequency(4 * ConstantQ.OCTAVE), 1e-9);
    }

    /** A kernel's window sums to 1/2 of its length's reciprocal times the length: the response to its own frequency is 1/2. */
    @Test
    void kernelsRespondToTheirOwnFrequency() {
        float[] bank = ConstantQ.bank();
        for (int k = 0; k < ConstantQ.OCTAVE; k++) {
            double frequency = ConstantQ.frequency(273 + k);
            double re = 0;
            double im = 0;
            for (int tap = 0; tap < ConstantQ.TAPS; tap++) {
                double sample = Math.cos(2 * Math.PI * frequency * tap / ConstantQ.SAMPLE_RATE);
                re += sample * bank[tap * 2 * ConstantQ.OCTAVE + k];
                im += sample * bank[tap * 2 * ConstantQ.OCTAVE + ConstantQ.OCTAVE + k];
            }
            // Half of the sine's energy is at the negative frequency, which the kernel hardly sees.
            assertEquals(0.5, Math.hypot(re, im), 1e-3, "kernel " + k);
        }
    }

    @Test
    void lowpassPassesLowAndStopsHigh() {
        float[] lowpass = ConstantQ.lowpass();
        assertEquals(1, gain(lowpass, 0.0), 1e-3);
        assertEquals(1, gain(lowpass, 0.4), 1e-2);
        assertEquals(0, gain(lowpass, 0.6), 1e-2);
        assertEquals(0, gain(lowpass, 1.0), 1e-3);
    }

    /** Magnitude of the response at a fraction of the Nyquist frequency. */
    private static double gain(float[] taps, double fraction) {
        double re = 0;
        double im = 0;
        for (int n = 0; n < taps.length; n++) {
            re += taps[n] * Math.cos(Math.PI * fraction * n);
            im += taps[n] * Math.sin(Math.PI * fraction * n);
        }
        return Math.hypot(re, im);
    }
}
