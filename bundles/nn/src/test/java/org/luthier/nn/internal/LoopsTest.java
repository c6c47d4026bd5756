package org.luthier.nn.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.luthier.nn.Activation;

/** The functions that the fast loops approximate, over all of their range, against double precision. */
class LoopsTest {
    private static final int BLOCK = 4096;

    @Test
    void exponentialOverItsRange() {
        double worst = 0;
        float next = Exponential.LOWEST;
        while (next < 88) {
            float[] arguments = new float[BLOCK];
            for (int i = 0; i < BLOCK; i++) {
                arguments[i] = Math.min(next, 88);
                // About a million arguments, closer together near 0.
                next += 1e-6f + Math.abs(next) * 1e-5f;
            }
            float[] x = arguments.clone();
            exp(x);
            for (int i = 0; i < BLOCK; i++) {
                double exact = Math.exp(arguments[i]);
                worst = Math.max(worst, Math.abs(x[i] - exact) / exact);
            }
        }
        assertTrue(worst < 1.5e-7, "relative error " + worst);
    }

    @Test
    void exponentialAtTheEnds() {
        float[] x = {Float.NEGATIVE_INFINITY, -1e30f, -80.5f, Float.NaN, 0, -0f, 88};
        Exponential.shift(x, 0, x.length, 0);
        exp(x);
        for (int i = 0; i < 3; i++) {
            assertEquals(Math.exp(-80), x[i], 1e-41);
        }
        assertTrue(Float.isNaN(x[3]));
        assertEquals(1, x[4]);
        assertEquals(1, x[5]);
        assertEquals(1, x[6] / Math.exp(88), 1.5e-7);
    }

    private static void exp(float[] x) {
        float[] powers = new float[x.length];
        Exponential.begin(x, powers, x.length);
        Exponential.finish(x, powers, x.length);
    }

    /** Every 499th of all floats: every size from the smallest to the largest, of both signs. */
    @Test
    void geluOverAllFloats() {
        float[] x = new float[BLOCK];
        float[] arguments = new float[BLOCK];
        double worst = 0;
        float at = 0;
        for (long bits = Integer.MIN_VALUE; bits <= Integer.MAX_VALUE; ) {
            int n = 0;
            for (; n < BLOCK && bits <= Integer.MAX_VALUE; bits += 499) {
                float value = Float.intBitsToFloat((int) bits);
                if (!Float.isNaN(value) && !Float.isInfinite(value)) {
                    arguments[n++] = value;
                }
            }
            System.arraycopy(arguments, 0, x, 0, n);
            Loops.activate(Activation.GELU_TANH, x, n);
            for (int i = 0; i < n; i++) {
                double exact = gelu(arguments[i]);
                double error = Math.abs(x[i] - exact) / Math.max(1, Math.abs(exact));
                if (!(error <= worst)) {
                    worst = error;
                    at = arguments[i];
                }
            }
        }
        assertTrue(worst < 2e-7, "error " + worst + " at " + at);
    }

    @Test
    void geluWhereItBends() {
        float[] x = new float[BLOCK];
        double worst = 0;
        for (int block = -200; block < 200; block++) {
            float[] arguments = new float[BLOCK];
            for (int i = 0; i < BLOCK; i++) {
                arguments[i] = (block + i / (float) BLOCK) * 0.06f;
            }
            System.arraycopy(arguments, 0, x, 0, BLOCK);
            Loops.activate(Activation.GELU_TANH, x, BLOCK);
            for (int i = 0; i < BLOCK; i++) {
                double exact = gelu(arguments[i]);
                worst = Math.max(worst, Math.abs(x[i] - exact) / Math.max(1, Math.abs(exact)));
            }
        }
        assertTrue(worst < 2e-7, "error " + worst);
        float[] ends = {Float.NaN, 6400, -6400, Float.MAX_VALUE, -Float.MAX_VALUE, Float.POSITIVE_INFINITY};
        Loops.activate(Activation.GELU_TANH, ends, ends.length);
        assertTrue(Float.isNaN(ends[0]));
        assertEquals(6400, ends[1]);
        assertEquals(0, ends[2], 1e-30);
        assertEquals(Float.MAX_VALUE, ends[3]);
        assertEquals(0, ends[4], 1e-30);
        assertEquals(Float.POSITIVE_INFINITY, ends[5]);
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    /** The residual stream of MT3 has values of up to 6400 among small ones. */
    @Test
    void squaresOfFewLargeValues() {
        float[] x = new float[511];
        double exact = 0;
        for (int i = 0; i < x.length; i++) {
            x[i] = i % 100 == 7 ? 6400 - i : 0.001f * i;
            exact += (double) x[i] * x[i];
        }
        assertEquals(1, Loops.squares(x, x.length) / exact, 1e-14);
    }
}
