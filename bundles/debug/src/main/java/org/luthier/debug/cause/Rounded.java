package org.luthier.debug.cause;

/** Weights in fewer bits. */
final class Rounded {
    static final String CAUSE = "reduced precision";
    static final String ADVICE = "no fault: take the weights in float32, or allow for the rounding";

    private Rounded() {}

    static Variant variant(Precision precision, String weight, Field field) {
        return new Variant(CAUSE, weight + " rounded to " + precision, "it in float32", ADVICE, field);
    }

    /** The nearest of 255 numbers at equal distances, the largest among them. */
    static float[] eightBits(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        float[] rounded = new float[values.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = largest == 0 ? 0 : Math.round(values[i] * 127 / largest) * largest / 127;
        }
        return rounded;
    }
}
