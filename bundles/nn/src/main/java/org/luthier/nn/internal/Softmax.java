package org.luthier.nn.internal;

import java.util.Arrays;

/** Softmax of lines in native memory, in place. */
final class Softmax {
    private final Address address = new Address();
    private final float[] values;
    private final float[] powers;

    /** Both arrays are to work in, and as long as the longest line. */
    Softmax(float[] values, float[] powers) {
        this.values = values;
        this.powers = powers;
    }

    /**
     * Computes one line.
     *
     * @param line its address
     * @param visible how many at its start count; the rest becomes 0
     */
    void line(long line, int visible, int length) {
        address.at(line).get(values, 0, visible);
        Exponential.begin(values, largest(visible), powers, visible);
        Loops.scale(values, visible, 1 / Exponential.finish(values, powers, visible));
        Arrays.fill(values, visible, length, 0);
        address.put(values, 0, length);
    }

    /** Four at a time: one would wait for each comparison. */
    private float largest(int n) {
        float a = values[0];
        float b = a;
        float c = a;
        float d = a;
        int i = 0;
        for (; i < n - 3; i += 4) {
            a = values[i] > a ? values[i] : a;
            b = values[i + 1] > b ? values[i + 1] : b;
            c = values[i + 2] > c ? values[i + 2] : c;
            d = values[i + 3] > d ? values[i + 3] : d;
        }
        for (; i < n; i++) {
            a = values[i] > a ? values[i] : a;
        }
        return Math.max(Math.max(a, b), Math.max(c, d));
    }
}
