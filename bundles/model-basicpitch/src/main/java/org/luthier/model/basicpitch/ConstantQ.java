package org.luthier.model.basicpitch;

/**
 * The constants of Basic Pitch's constant-Q transform, computed in double and rounded once: the kernel bank of the top octave, the
 * low-pass that halves the signal for each octave below, and the factors of the bins.
 *
 * <p>36 bins an octave from 27.5 Hz, 309 bins; a bin of frequency f has a kernel of ceil(Q * 22050 / f) samples. In the time domain, as
 * in CQT 2010 (Schoerkhuber and Klapuri): every octave uses the bank of the top one on a signal of half the rate.
 */
final class ConstantQ {
    static final int SAMPLE_RATE = 22050;
    static final int BINS = 309;
    static final int OCTAVE = 36;
    static final int OCTAVES = 9;
    /** Taps of a kernel, and of the low-pass. */
    static final int TAPS = 256;
    /** Rows of the lowest octave that lie below the lowest bin. */
    static final int SURPLUS = OCTAVES * OCTAVE - BINS;

    private static final double LOWEST = 27.5;
    private static final double Q = 1 / (Math.pow(2, 1.0 / OCTAVE) - 1);

    private ConstantQ() {}

    /** Frequency of a bin in Hz. */
    static double frequency(int bin) {
        return LOWEST * Math.pow(2, (double) bin / OCTAVE);
    }

    /** Samples of a bin's kernel at the full rate. */
    static int length(int bin) {
        return (int) Math.ceil(Q * SAMPLE_RATE / frequency(bin));
    }

    /** Factor of every bin: the square root of its kernel's length. */
    static float[] scales() {
        float[] scales = new float[BINS];
        for (int bin = 0; bin < BINS; bin++) {
            scales[bin] = (float) Math.sqrt(length(bin));
        }
        return scales;
    }

    /**
     * The bank: [taps, 2 * octave], the real parts of the 36 kernels, then the imaginary parts. A kernel is a periodic Hann window of
     * its length, its sum made length / 2 / length, times a complex exponential of phase 0 at tap 128.
     */
    static float[] bank() {
        float[] bank = new float[TAPS * 2 * OCTAVE];
        for (int k = 0; k < OCTAVE; k++) {
            int bin = BINS - OCTAVE + k;
            int length = length(bin);
            int first = TAPS / 2 - (length + 1) / 2;
            for (int n = 0; n < length; n++) {
                double window = 2.0 / length * (0.5 - 0.5 * Math.cos(2 * Math.PI * n / length));
                double phase = 2 * Math.PI * frequency(bin) * (first + n - TAPS / 2) / SAMPLE_RATE;
                int at = (first + n) * 2 * OCTAVE + k;
                bank[at] = (float) (window * Math.cos(phase));
                bank[at + OCTAVE] = (float) (window * Math.sin(phase));
            }
        }
        return bank;
    }

    /**
     * The low-pass: [taps], symmetric. Frequency sampling of a gain of 1 below a quarter of the rate and 0 above on 257 points, times a
     * symmetric Hamming window.
     */
    static float[] lowpass() {
        // The one point in between: from gain 1 at 0.5 / 1.001 to gain 0 at 0.5 * 1.001 of Nyquist, read at 0.5.
        double middle = 0.5002498750624775;
        int points = 2 * TAPS;
        float[] lowpass = new float[TAPS];
        for (int n = 0; n < TAPS; n++) {
            double m = n - (TAPS - 1) / 2.0;
            double sum = 1 + 2 * middle * Math.cos(2 * Math.PI * (TAPS / 2) * m / points);
            for (int j = 1; j < TAPS / 2; j++) {
                sum += 2 * Math.cos(2 * Math.PI * j * m / points);
            }
            double hamming = 0.54 - 0.46 * Math.cos(2 * Math.PI * n / (TAPS - 1));
            lowpass[n] = (float) (sum / points * hamming);
        }
        return lowpass;
    }
}
