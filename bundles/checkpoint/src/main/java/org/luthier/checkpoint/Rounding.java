package org.luthier.checkpoint;

import org.luthier.api.checkpoint.DType;

/** What storing a number in fewer bits makes of it: IEEE 754, to the nearest, ties to even. */
enum Rounding {
    F32(24, 127, "rounded to F32"),
    F16(11, 15, "rounded to F16"),
    BF16(8, 127, "rounded to BF16"),
    /** The lower half of the bits of an F32 left off: towards zero. */
    BF16_CUT(8, 127, "cut to BF16");

    private final int precision;
    private final int largestExponent;
    private final String text;

    Rounding(int precision, int largestExponent, String text) {
        this.precision = precision;
        this.largestExponent = largestExponent;
        this.text = text;
    }

    /** Half the distance of 1 from the next number. */
    double unit() {
        return Math.scalb(1.0, -precision);
    }

    /** Distance of 0 from the next number. */
    double smallest() {
        return Math.scalb(1.0, 2 - largestExponent - precision);
    }

    double of(double value) {
        if (value == 0 || Double.isNaN(value) || Double.isInfinite(value)) {
            return value;
        }
        int exponent = Math.max(Math.getExponent(value), 1 - largestExponent);
        // A power of two: the distance between neighbours here.
        double step = Double.longBitsToDouble((long) (exponent - precision + 1 + 1023) << 52);
        double steps = value / step;
        double rounded = (this == BF16_CUT ? (long) steps : Math.rint(steps)) * step;
        if (Math.getExponent(rounded) > largestExponent) {
            rounded = Double.POSITIVE_INFINITY;
        }
        return Math.copySign(rounded, value);
    }

    /** What a type does to numbers; null for one that is no narrow floating-point type. */
    static Rounding to(DType type) {
        return switch (type) {
            case F32 -> F32;
            case F16 -> F16;
            case BF16 -> BF16;
            default -> null;
        };
    }

    /** "rounded to F16" */
    @Override
    public String toString() {
        return text;
    }
}
