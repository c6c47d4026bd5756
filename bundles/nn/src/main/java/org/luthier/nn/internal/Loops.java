package org.luthier.nn.internal;

import org.luthier.nn.Activation;

/** Loops over Java arrays, shaped so that the compiler vectorises them. */
final class Loops {
    private Loops() {}

    static void addBias(float[] values, int pixels, float[] bias) {
        int channels = bias.length;
        for (int pixel = 0; pixel < pixels; pixel++) {
            for (int c = 0; c < channels; c++) {
                values[pixel * channels + c] += bias[c];
            }
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
        }
    }
}
