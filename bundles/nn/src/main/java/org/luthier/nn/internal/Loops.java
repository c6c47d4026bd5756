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

    static void activate(Activation activation, float[] x, int n) {
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
            case GELU_TANH -> gelu(x, new float[n], new float[n], n);
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
