package org.luthier.nn.internal;

import java.util.BitSet;
import org.luthier.nn.Activation;

/** Loops over Java arrays, shaped so that the compiler vectorises them. */
final class Loops {
    private Loops() {}

    /** x = x * scale + offset. */
    static void affine(float[] x, int n, float scale, float offset) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] * scale + offset;
        }
    }

    /** x = x + y. */
    static void add(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] += y[i];
        }
    }

    /** x = x + y * factor. */
    static void addScaled(float[] x, float[] y, float factor, int n) {
        for (int i = 0; i < n; i++) {
            x[i] += y[i] * factor;
        }
    }

    /** x = activation(x), for who does it seldom. */
    static void activate(Activation activation, float[] x, int n) {
        int work = switch (activation) {
            case NONE, RELU, SIGMOID -> 0;
            case GELU_TANH, GELU_ERF, SILU -> n;
        };
        activate(activation, x, new float[work], new float[work], n);
    }

    /**
     * x = activation(x).
     *
     * @param e to work in
     * @param powers to work in
     */
    static void activate(Activation activation, float[] x, float[] e, float[] powers, int n) {
        switch (activation) {
            case NONE -> {}
            case RELU -> {
                for (int i = 0; i < n; i++) {
                    x[i] = Math.max(0f, x[i]);
                }
            }
            case SIGMOID -> {
                for (int i = 0; i < n; i++) {
                    x[i] = (float) (1 / (1 + Math.exp(-x[i])));
                }
            }
            case GELU_TANH -> gelu(x, e, powers, n);
            case GELU_ERF -> exactGelu(x, e, powers, n);
            case SILU -> silu(x, e, powers, n);
        }
    }

    /**
     * x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3), which is 0.5 x (1 + tanh(u)). Below -10 it is 0 to single precision
     * and above 9 it is x, so that nothing overflows.
     *
     * @param e to work in
     * @param powers to work in
     */
    static void gelu(float[] x, float[] e, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            float z = Math.min(Math.max(x[i], -10f), 9.6f);
            e[i] = z * (-1.5957691f - 0.071354816f * (z * z));
        }
        Exponential.begin(e, powers, n);
        Exponential.finish(e, powers, n);
        for (int i = 0; i < n; i++) {
            x[i] = Math.max(x[i], -10f) / (1 + e[i]);
        }
    }

    /**
     * x Phi(x) = max(x, 0) - |x| Phi(-|x|), Phi being how likely a normal number is below. Phi(-a) is exp(-a^2 / 2) t p(t) with t = 1 / (1 +
     * 0.35 a); p was fitted for a from 0 to 14, relative error 4e-8, with rounding 4e-7. Beyond 12.6 it is 0 to single precision.
     */
    private static void exactGelu(float[] x, float[] e, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            float a = Math.min(Math.abs(x[i]), 12.6f);
            e[i] = -0.5f * a * a;
        }
        Exponential.begin(e, powers, n);
        Exponential.finish(e, powers, n);
        for (int i = 0; i < n; i++) {
            float a = Math.min(Math.abs(x[i]), 12.6f);
            float t = 1 / (1 + 0.35f * a);
            float p = -0.0295525694f;
            p = p * t + 0.145892507f;
            p = p * t - 0.25954765f;
            p = p * t + 0.163379195f;
            p = p * t - 0.0258708352f;
            p = p * t + 0.106614f;
            p = p * t + 0.119570151f;
            p = p * t + 0.139895557f;
            p = p * t + 0.139619625f;
            x[i] = Math.max(x[i], 0f) - a * (e[i] * (p * t));
        }
    }

    /** x / (1 + exp(-x)); below -80 it is 0 to single precision and above 20 it is x. */
    private static void silu(float[] x, float[] e, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            e[i] = -Math.min(Math.max(x[i], -80f), 20f);
        }
        Exponential.begin(e, powers, n);
        Exponential.finish(e, powers, n);
        for (int i = 0; i < n; i++) {
            x[i] = Math.max(x[i], -80f) / (1 + e[i]);
        }
    }

    /** x = x * scales + offsets. */
    static void affine(float[] x, float[] scales, float[] offsets, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] * scales[i] + offsets[i];
        }
    }

    /** x = x - y; y in double precision, for what is left may be small. */
    static void subtract(float[] x, int n, double y) {
        for (int i = 0; i < n; i++) {
            x[i] = (float) (x[i] - y);
        }
    }

    /** Means of so many neighbours of each channel. */
    static void means(float[] x, int width, float[] means, int count, int channels) {
        float part = 1f / width;
        for (int f = 0; f < count; f++) {
            int to = f * channels;
            int from = f * width * channels;
            for (int c = 0; c < channels; c++) {
                float sum = x[from + c];
                for (int k = 1; k < width; k++) {
                    sum += x[from + k * channels + c];
                }
                means[to + c] = sum * part;
            }
        }
    }

    /** sum[c] = sum over k of x[from + k channels + c] weight[k channels + c]. */
    static void depthwise(float[] x, int from, float[] weight, int taps, float[] sum, int channels) {
        for (int c = 0; c < channels; c++) {
            sum[c] = x[from + c] * weight[c];
        }
        for (int k = 1; k < taps; k++) {
            int line = k * channels;
            for (int c = 0; c < channels; c++) {
                sum[c] += x[from + line + c] * weight[line + c];
            }
        }
    }

    /** Turns pairs of columns, from one on; their cosines and sines begin at an angle. */
    static void rotate(float[] x, int from, boolean halves, float[] cosines, float[] sines, int angle, int pairs) {
        for (int i = 0; i < pairs; i++) {
            int first = from + (halves ? i : 2 * i);
            int second = halves ? first + pairs : first + 1;
            float a = x[first];
            float b = x[second];
            x[first] = a * cosines[angle + i] - b * sines[angle + i];
            x[second] = b * cosines[angle + i] + a * sines[angle + i];
        }
    }

    /** x = x * y. */
    static void multiply(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] *= y[i];
        }
    }

    /** x = x * factor. */
    static void scale(float[] x, int n, float factor) {
        for (int i = 0; i < n; i++) {
            x[i] *= factor;
        }
    }

    /** The sum, in double precision; four sums, for one would wait for each addition. */
    static double sum(float[] x, int n) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i < n - 3; i += 4) {
            a += x[i];
            b += x[i + 1];
            c += x[i + 2];
            d += x[i + 3];
        }
        for (; i < n; i++) {
            a += x[i];
        }
        return (a + b) + (c + d);
    }

    /** The sum of squares, in double precision; four sums, for one would wait for each addition. */
    static double squares(float[] x, int n) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i < n - 3; i += 4) {
            a += (double) x[i] * x[i];
            b += (double) x[i + 1] * x[i + 1];
            c += (double) x[i + 2] * x[i + 2];
            d += (double) x[i + 3] * x[i + 3];
        }
        for (; i < n; i++) {
            a += (double) x[i] * x[i];
        }
        return (a + b) + (c + d);
    }

    /** Index of the first of the largest values. */
    static int largest(float[] x, int n) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            if (x[i] > x[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Index of the first of the largest values that are allowed; -1 if none is. */
    static int largest(float[] x, int n, BitSet allowed) {
        int best = -1;
        for (int i = allowed.nextSetBit(0); i >= 0 && i < n; i = allowed.nextSetBit(i + 1)) {
            if (best < 0 || x[i] > x[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Copies lines of one width into a column of lines of another. */
    static void place(float[] from, int width, float[] to, int column, int stride, int lines) {
        for (int line = 0; line < lines; line++) {
            System.arraycopy(from, line * width, to, line * stride + column, width);
        }
    }
}
