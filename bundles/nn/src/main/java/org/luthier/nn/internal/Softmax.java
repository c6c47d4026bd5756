package org.luthier.nn.internal;

import java.util.Arrays;

/** Softmax of lines in native memory, in place; many lines at a time, for short loops do not vectorise well. */
final class Softmax {
    /** Floats that are worked on at a time, if a line is not longer: in the first-level cache. */
    static final int BLOCK = 4096;

    private final Address address = new Address();
    private final int length;
    private final float[] values;
    private final float[] powers;

    /**
     * Softmax of lines of one length.
     *
     * @param values to work in, at least {@link #floats} long
     * @param powers to work in, as long
     */
    Softmax(int length, float[] values, float[] powers) {
        this.length = length;
        this.values = values;
        this.powers = powers;
    }

    /** What a softmax of lines of a length needs to work in. */
    static int floats(int length) {
        return Math.max(BLOCK, length);
    }

    /**
     * Computes lines that lie side by side.
     *
     * @param first address of the first line
     * @param visible how many at the start of the first line count; the rest becomes 0
     * @param more how many more count in each line than in the one before
     * @param cycle after so many lines it begins anew
     */
    void lines(long first, int count, int visible, int more, int cycle) {
        int atOnce = Math.max(1, BLOCK / length);
        for (int line = 0; line < count; line += atOnce) {
            int lines = Math.min(atOnce, count - line);
            int n = lines * length;
            address.at(first + (long) line * length * Float.BYTES).get(values, 0, n);
            for (int i = 0; i < lines; i++) {
                int end = visible + (line + i) % cycle * more;
                Exponential.shift(values, i * length, i * length + end, largest(i * length, i * length + end));
                Arrays.fill(values, i * length + end, (i + 1) * length, 0);
            }
            Exponential.begin(values, powers, n);
            Exponential.finish(values, powers, n);
            for (int i = 0; i < lines; i++) {
                int end = visible + (line + i) % cycle * more;
                normalise(i * length, i * length + end);
                Arrays.fill(values, i * length + end, (i + 1) * length, 0);
            }
            address.put(values, 0, n);
        }
    }

    /** Four at a time: one would wait for each comparison. */
    private float largest(int from, int end) {
        float a = values[from];
        float b = a;
        float c = a;
        float d = a;
        int i = from;
        for (; i < end - 3; i += 4) {
            a = values[i] > a ? values[i] : a;
            b = values[i + 1] > b ? values[i + 1] : b;
            c = values[i + 2] > c ? values[i + 2] : c;
            d = values[i + 3] > d ? values[i + 3] : d;
        }
        for (; i < end; i++) {
            a = values[i] > a ? values[i] : a;
        }
        return Math.max(Math.max(a, b), Math.max(c, d));
    }

    private void normalise(int from, int end) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        int i = from;
        for (; i < end - 3; i += 4) {
            a += values[i];
            b += values[i + 1];
            c += values[i + 2];
            d += values[i + 3];
        }
        for (; i < end; i++) {
            a += values[i];
        }
        float factor = 1 / ((a + b) + (c + d));
        for (int k = from; k < end; k++) {
            values[k] *= factor;
        }
    }
}
