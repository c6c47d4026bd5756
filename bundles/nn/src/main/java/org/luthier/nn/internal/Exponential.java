package org.luthier.nn.internal;

/**
 * exp in single precision over arrays, in steps that the compiler vectorises: Java has no vector conversion from float to int before
 * version 20, so the power of two is added to the exponent bits in a loop of its own.
 *
 * <p>With n = round(x / ln 2) and f = x - n ln 2, exp(x) = 2^n exp(f), and exp(f) is its Taylor polynomial of degree 7: as |f| is at most
 * 0.347 the rest is below 6e-9. Rounding adds about one unit in the last place: the relative error is below 1.5e-7.
 */
final class Exponential {
    /** Smallest argument that is told from smaller ones: exp is 1.6e-38 there. */
    static final float LOWEST = -87f;

    private static final float LOG2_E = 1.44269504f;

    /** ln 2 in two parts; the first has few bits, so that n times it is exact. */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;

    /** 1.5 * 2^23: a float that this was added to is rounded to an integer, which then stands in its last bits. */
    private static final float ROUNDER = 12582912f;

    private Exponential() {}

    /**
     * Prepares exp(max(x - shift, LOWEST)), for differences up to 88.
     *
     * @param x in; out: the factor between 0.7 and 1.5
     * @param powers out: the power of two, for {@link #finish}
     */
    static void begin(float[] x, float shift, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            float v = Math.max(x[i] - shift, LOWEST);
            float rounded = v * LOG2_E + ROUNDER;
            float whole = rounded - ROUNDER;
            float f = v - whole * LN2_HIGH - whole * LN2_LOW;
            float p = 1f / 5040;
            p = p * f + 1f / 720;
            p = p * f + 1f / 120;
            p = p * f + 1f / 24;
            p = p * f + 1f / 6;
            p = p * f + 0.5f;
            p = p * f + 1f;
            powers[i] = rounded;
            x[i] = p * f + 1f;
        }
    }

    /**
     * Multiplies the factors by the powers of two.
     *
     * @return their sum
     */
    static float finish(float[] x, float[] powers, int n) {
        // Four sums: one would wait for each addition.
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        int i = 0;
        for (; i < n - 3; i += 4) {
            a += x[i] *= power(powers[i]);
            b += x[i + 1] *= power(powers[i + 1]);
            c += x[i + 2] *= power(powers[i + 2]);
            d += x[i + 3] *= power(powers[i + 3]);
        }
        for (; i < n; i++) {
            a += x[i] *= power(powers[i]);
        }
        return (a + b) + (c + d);
    }

    private static float power(float rounded) {
        return Float.intBitsToFloat((Float.floatToRawIntBits(rounded) << 23) + 0x3f800000);
    }
}
