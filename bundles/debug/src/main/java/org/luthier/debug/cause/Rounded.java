package org.luthier.debug.cause;

/** Weights in fewer bits. */
final class Rounded {
    static final String CAUSE = "reduced precision";
    static final String ADVICE = "no fault: take the weights in float32, or allow for the rounding";

    private Rounded() {}

    static Variant variant(Precision precision, String weight, Field field) {
        return new Variant(CAUSE, weight + " rounded to " + precision, "it in float32", ADVICE, field);
    }
}
