package org.luthier.debug.cause;

/** Types with fewer bits than float32. */
enum Precision {
    BFLOAT16("bfloat16", 8, -126),
    FLOAT16("float16", 11, -14);

    private final String text;
    private final int bits;
    private final int leastExponent;

    Precision(String text, int bits, int leastExponent) {
        this.text = text;
        this.bits = bits;
        this.leastExponent = leastExponent;
    }

    /** The nearest number of this type, even where two are. */
    float round(float value) {
        if (value == 0 || !Float.isFinite(value)) {
            return value;
        }
        int exponent = Math.max(Math.getExponent(value), leastExponent) - bits + 1;
        return (float) Math.scalb(Math.rint(Math.scalb((double) value, -exponent)), exponent);
    }

    float[] round(float[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = round(values[i]);
        }
        return rounded;
    }

    /** Whether all numbers are of this type. */
    boolean fits(float[] values) {
        for (float value : values) {
            if (!Float.isNaN(value) && round(value) != value) {
                return false;
            }
        }
        return true;
    }

    /** The same, and some are not whole: zeros and ones tell nothing. */
    boolean holds(float[] values) {
        boolean tells = false;
        for (float value : values) {
            tells |= !Float.isNaN(value) && value != Math.rint(value);
        }
        return tells && fits(values);
    }

    /** Root mean square of the relative error of rounding to it: about a third of its largest. */
    double error() {
        return Math.scalb(1.0, -bits) * 0.4;
    }

    @Override
    public String toString() {
        return text;
    }
}
