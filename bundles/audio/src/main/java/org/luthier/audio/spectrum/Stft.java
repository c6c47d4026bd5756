package org.luthier.audio.spectrum;

import org.jtransforms.fft.DoubleFFT_1D;

/**
 * Magnitudes of the short-time Fourier transform, looking ahead: frame t covers the samples from hop * t to hop * t + the window's length.
 * Nothing is put in front and no frame is centred; what lies past the last sample is zero.
 *
 * <p>In double inside, which costs no more than float here. Has memory to work in: belongs to one worker.
 */
public final class Stft {
    /** Longest window: from twice this on, JTransforms starts threads of its own. */
    public static final int LONGEST = 4096;

    private final double[] window;
    private final int hop;
    private final DoubleFFT_1D fft;
    private final double[] frame;

    /**
     * @param window what each frame is multiplied with; its length, a power of two up to {@link #LONGEST}, is the transform's
     * @param hop samples from one frame's start to the next one's
     */
    public Stft(double[] window, int hop) {
        if (window.length < 2 || window.length > LONGEST || Integer.bitCount(window.length) != 1 || hop < 1) {
            throw new IllegalArgumentException("a window of " + window.length + " samples every " + hop
                    + ": expected a power of two from 2 to " + LONGEST + ", every sample or more");
        }
        this.window = window.clone();
        this.hop = hop;
        fft = new DoubleFFT_1D(window.length);
        frame = new double[window.length];
    }

    /** The Hann window of a period: 0.5 - 0.5 cos(2 pi i / size). */
    public static double[] hann(int size) {
        double[] window = new double[size];
        for (int i = 0; i < size; i++) {
            window[i] = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / size);
        }
        return window;
    }

    /** Bins of a frame, from 0 Hz to half the sample rate. */
    public int bins() {
        return window.length / 2 + 1;
    }

    /**
     * The first frames of a stretch of samples, by itself: what follows it in the array is not seen.
     *
     * @param samples the samples
     * @param from the stretch's first sample
     * @param to the sample after its last one
     * @param frames how many frames
     * @param magnitudes [frames, bins] from {@code at} on, not scaled
     */
    public void magnitudes(float[] samples, int from, int to, int frames, float[] magnitudes, int at) {
        for (int t = 0; t < frames; t++) {
            int start = (int) Math.min(to, from + (long) hop * t);
            int length = Math.min(window.length, to - start);
            for (int i = 0; i < length; i++) {
                frame[i] = samples[start + i] * window[i];
            }
            for (int i = length; i < window.length; i++) {
                frame[i] = 0;
            }
            fft.realForward(frame);
            magnitudes(magnitudes, at + t * bins());
        }
    }

    /** Reads JTransforms' order: re 0, re n/2, re 1, im 1, re 2, im 2, ... Squares in double neither overflow nor vanish. */
    private void magnitudes(float[] target, int at) {
        int last = window.length / 2;
        target[at] = (float) Math.abs(frame[0]);
        target[at + last] = (float) Math.abs(frame[1]);
        for (int k = 1; k < last; k++) {
            double re = frame[2 * k];
            double im = frame[2 * k + 1];
            target[at + k] = (float) Math.sqrt(re * re + im * im);
        }
    }
}
