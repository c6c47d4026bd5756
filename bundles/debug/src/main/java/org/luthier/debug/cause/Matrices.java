package org.luthier.debug.cause;

import java.util.function.IntUnaryOperator;

/** Weights with their numbers elsewhere, or rounded. All are row-major, and none is changed. */
final class Matrices {
    private Matrices() {}

    /** [rows, columns] as [columns, rows]. */
    static float[] transposed(float[] w, int rows, int columns) {
        float[] turned = new float[w.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                turned[j * rows + i] = w[i * columns + j];
            }
        }
        return turned;
    }

    /** x w, w [inputs, outputs]. */
    static double[] product(double[] x, float[] w, int outputs) {
        double[] y = new double[outputs];
        for (int i = 0; i < x.length; i++) {
            int row = i * outputs;
            for (int j = 0; j < outputs; j++) {
                y[j] += x[i] * w[row + j];
            }
        }
        return y;
    }

    /** Row i is another's row {@code from(i)}. */
    static float[] rows(float[] w, int columns, IntUnaryOperator from) {
        float[] moved = new float[w.length];
        for (int i = 0; i < w.length / columns; i++) {
            System.arraycopy(w, from.applyAsInt(i) * columns, moved, i * columns, columns);
        }
        return moved;
    }

    /** Heads' entries side by side as entries' heads side by side: place h * size + i takes from i * heads + h. */
    static int interleaved(int place, int heads, int width) {
        int size = width / heads;
        return place % size * heads + place / size;
    }

    /** The reverse of {@link #interleaved}: place i * heads + h takes from h * size + i. */
    static int gathered(int place, int heads, int width) {
        return interleaved(place, width / heads, width);
    }
}
