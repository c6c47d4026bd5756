package org.luthier.debug;

/**
 * Where rounding ends and a departure begins. docs/decisions/050-when-a-tensor-departs.md gives the reasons.
 *
 * @param relativeError largest allowed difference, relative to max(1, largest value of the reference), where no noise was measured
 * @param relativeL2 largest allowed norm of the difference, relative to the reference's norm, where no noise was measured
 * @param noiseFactor largest allowed difference as a multiple of the measured noise, where it was
 */
public record Thresholds(double relativeError, double relativeL2, double noiseFactor) {
    /** For float32 against float32. */
    public static final Thresholds FLOAT32 = new Thresholds(5e-3, 2e-4, 5);

    /** The same, but not stricter than an error with which a run began. */
    Thresholds atLeast(double error, double l2) {
        return new Thresholds(Math.max(relativeError, error), Math.max(relativeL2, l2), noiseFactor);
    }
}
