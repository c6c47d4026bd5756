package org.luthier.nn.t5;

/**
 * What stacks may have otherwise than T5 of version 1.1.
 *
 * @param positions how vectors know where they stand
 * @param experts how many experts each feed-forward layer has, of which two work for each vector; 0 for the usual gated layer
 * @param logitFactor what the end of a decoder is multiplied with before it becomes logits; 1 for nothing
 */
public record T5Form(Positions positions, int experts, double logitFactor) {
    /** Computed sinusoids, gated layers, logits right from the end. */
    public static final T5Form USUAL = new T5Form(Positions.SINUSOIDS, 0, 1);

    /** How vectors know where they stand. */
    public enum Positions {
        /** {@link SinusoidPositions}. */
        SINUSOIDS,
        /** {@link StoredPositions}, a table of the checkpoint. */
        STORED,
        /** {@link RelativePositions} of the first block, for the self-attention of all. */
        RELATIVE
    }
}
