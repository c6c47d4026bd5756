package org.luthier.debug.faults;

import java.util.function.DoubleUnaryOperator;
import org.luthier.debug.faults.Fault.Computed;

/** Front ends of MT3 with mistakes, in plain sums. */
final class WrongSpectrum {
    private static final int SIZE = 2048;
    private static final int BANDS = 512;

    private WrongSpectrum() {}

    /**
     * Magnitudes of frames.
     *
     * @param window of a place from 0 to 2047
     * @param ahead how many samples before its time a frame begins
     */
    static Computed magnitudes(DoubleUnaryOperator window, int hop, int ahead) {
        return (right, inputs, weights) -> {
            float[] sound = inputs.get(0).values();
            int frames = right.size(1);
            int samples = inputs.get(0).width();
            float[] y = new float[right.values().length];
            double[] cosines = new double[SIZE];
            for (int i = 0; i < SIZE; i++) {
                cosines[i] = Math.cos(2 * Math.PI * i / SIZE);
            }
            for (int frame = 0; frame < frames; frame++) {
                int first = frame * hop - ahead;
                double[] x = new double[SIZE];
                for (int i = 0; i < SIZE; i++) {
                    int at = first + i;
                    x[i] = at < 0 || at >= samples ? 0 : window.applyAsDouble(i) * sound[at];
                }
                for (int bin = 0; bin < right.width(); bin++) {
                    double re = 0;
                    double im = 0;
                    for (int i = 0; i < SIZE; i++) {
                        if (x[i] != 0) {
                            re += x[i] * cosines[bin * i % SIZE];
                            im += x[i] * cosines[(bin * i + SIZE / 4) % SIZE];
                        }
                    }
                    y[frame * right.width() + bin] = (float) Math.hypot(re, im);
                }
            }
            return y;
        };
    }

    static double hann(double place) {
        return 0.5 - 0.5 * Math.cos(2 * Math.PI * place / SIZE);
    }

    /** A scale of pitch: there and back. */
    record Scale(DoubleUnaryOperator of, DoubleUnaryOperator back) {
        static final Scale HTK =
                new Scale(f -> 2595 * Math.log10(1 + f / 700), m -> 700 * (Math.pow(10, m / 2595) - 1));

        static final Scale SLANEY = new Scale(
                f -> f < 1000 ? f / (200.0 / 3) : 15 + Math.log(f / 1000) / (Math.log(6.4) / 27),
                m -> m < 15 ? m * (200.0 / 3) : 1000 * Math.exp((m - 15) * (Math.log(6.4) / 27)));

        /** Straight over Hz. */
        static final Scale HERTZ = new Scale(f -> f, f -> f);
    }

    /**
     * Triangular bands.
     *
     * @param places where the corners are evenly spaced
     * @param sides over which the sides are straight
     * @param areas whether each is divided by half of its width in Hz
     */
    static Computed bands(double rate, double low, double high, Scale places, Scale sides, boolean areas) {
        return (right, inputs, weights) -> {
            float[] x = inputs.get(0).values();
            int bins = inputs.get(0).width();
            double[][] bank = new double[BANDS][bins];
            double from = places.of().applyAsDouble(low);
            double step = (places.of().applyAsDouble(high) - from) / (BANDS + 1);
            for (int band = 0; band < BANDS; band++) {
                double left = places.back().applyAsDouble(from + band * step);
                double peak = places.back().applyAsDouble(from + (band + 1) * step);
                double end = places.back().applyAsDouble(from + (band + 2) * step);
                // The bin of 0 Hz is left out, as TensorFlow does.
                for (int bin = 1; bin < bins; bin++) {
                    double f = bin * rate / 2 / (bins - 1);
                    double up = slope(sides, left, peak, f);
                    double down = slope(sides, end, peak, f);
                    bank[band][bin] = Math.max(0, Math.min(up, down)) * (areas ? 2 / (end - left) : 1);
                }
            }
            float[] y = new float[x.length / bins * BANDS];
            for (int frame = 0; frame < x.length / bins; frame++) {
                for (int band = 0; band < BANDS; band++) {
                    double sum = 0;
                    for (int bin = 1; bin < bins; bin++) {
                        sum += bank[band][bin] * x[frame * bins + bin];
                    }
                    y[frame * BANDS + band] = (float) sum;
                }
            }
            return y;
        };
    }

    /** From 0 at the foot to 1 at the peak. */
    private static double slope(Scale sides, double foot, double peak, double f) {
        DoubleUnaryOperator of = sides.of();
        return (of.applyAsDouble(f) - of.applyAsDouble(foot)) / (of.applyAsDouble(peak) - of.applyAsDouble(foot));
    }

    /** Triangles [bins, bands], the bin of 0 Hz among them. */
    static float[] filters(int bins, int bands, double low, double high, Scale places, Scale sides) {
        float[] filters = new float[bins * bands];
        double from = places.of().applyAsDouble(low);
        double step = (places.of().applyAsDouble(high) - from) / (bands + 1);
        for (int band = 0; band < bands; band++) {
            double left = places.back().applyAsDouble(from + band * step);
            double peak = places.back().applyAsDouble(from + (band + 1) * step);
            double end = places.back().applyAsDouble(from + (band + 2) * step);
            for (int bin = 0; bin < bins; bin++) {
                double f = bin * 8000.0 / (bins - 1);
                double height = Math.min(slope(sides, left, peak, f), slope(sides, end, peak, f));
                filters[bin * bands + band] = (float) Math.max(0, height);
            }
        }
        return filters;
    }
}
