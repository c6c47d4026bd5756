package org.luthier.debug.cause;

import org.luthier.api.model.Computation;

/** What there is to say of a computation, by its word. */
final class Operations {
    private Operations() {}

    /** Null for a word that is not known here, or where a weight is not at hand or does not fit. */
    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.PROJECTION -> ProjectionOperation.of(task);
            case Computation.PROJECTION_AND_SUM -> CompositeOperation.sum(task);
            case Computation.ACTIVATION_AND_PROJECTION -> CompositeOperation.activated(task);
            case Computation.GATED_PROJECTION, Computation.GATED_LINEAR_UNIT -> GatedOperation.of(task);
            case Computation.REARRANGEMENT, Computation.REARRANGEMENT_AND_POSITIONS, Computation.ARRANGED_PROJECTION ->
                ArrangementOperation.of(task);
            case Computation.GROUPED_PROJECTION,
                    Computation.GROUPED_CONVOLUTION,
                    Computation.WINDOW_PROJECTION,
                    Computation.RESHAPED_PROJECTION -> LatentOperation.of(task);
            case Computation.RMS_NORM, Computation.LAYER_NORM -> NormOperation.of(task);
            case Computation.BATCH_NORM, Computation.DEPTHWISE_CONVOLUTION -> ChannelOperation.of(task);
            case Computation.LOOKUP, Computation.LOOKUP_AND_POSITIONS, Computation.POSITIONS ->
                PositionOperation.of(task);
            case Computation.STORED_POSITIONS, Computation.RELATIVE_POSITIONS, Computation.LATENTS ->
                TableOperation.of(task);
            case Computation.ROTATION -> RotationOperation.of(task);
            case Computation.SCORES,
                    Computation.SCORES_BY_DISTANCE,
                    Computation.SOFTMAX,
                    Computation.MIXTURE,
                    Computation.ATTENTION,
                    Computation.ATTENTION_BY_DISTANCE -> AttentionOperation.of(task);
            case Computation.EXPERT_CHOICE, Computation.EXPERT_WEIGHTS -> RouterOperation.of(task);
            case Computation.EXPERT, Computation.MIXTURE_OF_EXPERTS -> ExpertsOperation.of(task);
            case Computation.SUM,
                    Computation.PRODUCT,
                    Computation.ACTIVATION,
                    Computation.LOGARITHM,
                    Computation.LOGARITHM_OF_SUM,
                    Computation.SCALING,
                    Computation.WEIGHTED_SUM,
                    Computation.AFFINE -> ElementOperation.of(task);
            case Computation.CONVOLUTION, Computation.NORMALISED_CONVOLUTION -> ConvolutionOperation.of(task);
            case Computation.AVERAGED_SUM -> new PoolOperation(task);
            case Computation.MAGNITUDES, Computation.CENTRED_MAGNITUDES -> SpectrumOperation.of(task);
            case Computation.MEL_BANDS -> new MelOperation(task);
            case Computation.POWER_BANDS -> BandsOperation.of(task);
            case Computation.RANGE -> new RangeOperation(task);
            case "concatenation" -> ConvolutionOperation.concatenation(task);
            default -> null;
        };
    }
}
