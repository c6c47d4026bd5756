package org.luthier.debug.cause;

import org.luthier.api.model.Computation;

/** What there is to say of a computation, by its word. */
final class Operations {
    private Operations() {}

    /** Null for a word that is not known here, or where a weight is not at hand or does not fit. */
    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.PROJECTION -> ProjectionOperation.of(task);
            case Computation.RMS_NORM -> NormOperation.of(task);
            case Computation.LOOKUP, Computation.LOOKUP_AND_POSITIONS, Computation.POSITIONS ->
                PositionOperation.of(task);
            case Computation.SCORES, Computation.SOFTMAX, Computation.MIXTURE -> AttentionOperation.of(task);
            case Computation.SUM,
                    Computation.PRODUCT,
                    Computation.ACTIVATION,
                    Computation.LOGARITHM,
                    Computation.AFFINE -> ElementOperation.of(task);
            case Computation.CONVOLUTION -> ConvolutionOperation.of(task);
            case Computation.MAGNITUDES -> SpectrumOperation.of(task);
            case Computation.MEL_BANDS -> new MelOperation(task);
            case "concatenation" -> ConvolutionOperation.concatenation(task);
            default -> null;
        };
    }
}
