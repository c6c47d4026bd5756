package org.luthier.nn.internal;

/**
 * exp in single precision over arrays, in steps that the compiler vectorises: Java has no vector conversion from float to int before
 * version 20, so the power of two is added to the exponent bits in a loop of its own.
 *
 * <p>With n = round(x / ln 2) and f = x - n ln 2, exp(x) = 2^n exp(f), and exp(f) is its Taylor polynomial of degree 7: as |f| is at most
 * 0.347 the rest is below 6e-9. Rounding adds about one unit in the last place: the relative error is below 1.5e-7.
 */
final class Exponential {
    /** Smallest argument that is told from smaller ones: exp is 1.8e-35 there, and a thousandth of that is no subnormal number yet. */
    static final float LOWEST = -80f;

    private static final float LOG2_E = 1.44269504f;

    /** ln 2 in two parts; the first has few bits, so that n times it is exact. */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;

    /** 1.5 * 2^23: a float that this was added to is rounded to an integer, which then stands in its last bits. */
    private static final float ROUNDER = 12582912f;

    private Exponential() {}

    /**
     * x = max(x - shift, LOWEST).
     *
     * @param end exclusive
     */
    static void shift(float[] x, int from, int end, float shift) {
        for (int i = from; i < end; i++) {
            x[i] = Math.max(x[i] - shift, LOWEST);
        }
    }

    /**
     * Prepares exp(x), for x from LOWEST to 88.
     *
     * @param x in; out: the factor between 0.7 and 1.5
     * @param powers out: the power of two, for {@link #finish}
     */
    static void begin(float[] x, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            float rounded = x[i] * LOG2_E + ROUNDER;
            float whole = rounded - ROUNDER;
            float f = x[i] - whole * LN2_HIGH - whole * LN2_LOW;
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

    /** Multiplies the factors by the powers of two. */
    static void finish(float[] x, float[] powers, int n) {
        for (int i = 0; i < n; i++) {
            x[i] *= Float.intBitsToFloat((Float.floatToRawIntBits(powers[i]) << 23) + 0x3f800000);
        }
    }
}
