package org.luthier.nn.internal;

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
            case GELU_TANH -> {
                for (int i = 0; i < n; i++) {
                    double z = x[i];
                    x[i] = (float) (0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z))));
                }
            }
        }
    }

    /** Copies lines of one width into a column of lines of another. */
    static void place(float[] from, int width, float[] to, int column, int stride, int lines) {
        for (int line = 0; line < lines; line++) {
            System.arraycopy(from, line * width, to, line * stride + column, width);
        }
    }
}
