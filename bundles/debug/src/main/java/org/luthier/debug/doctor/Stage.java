package org.luthier.debug.doctor;

import java.util.Locale;

/** What is looked at, in this order: from the file to the notes. */
public enum Stage {
    /** Whether every tensor can be read. */
    FORMAT,
    /** Which model family, and which of its models. */
    FAMILY,
    /** Whether the weights are there that the model needs, and no others. */
    NAMES,
    /** Whether they have the sizes that it needs. */
    SHAPES,
    /** Whether their values are like those of a trained model. */
    STATISTICS,
    /** Whether the ids mean the same to the weights, the model and the tokenizer. */
    VOCABULARY,
    /** Where a run departs from a reference. */
    LAYERS,
    /** What is in the recording. */
    SIGNAL,
    /** What the front end makes of it. */
    FEATURES,
    /** What the network makes of that: the encoder of a token model, the whole of a frame model. */
    ENCODER,
    /** Whether the decoder says the same step by step as at once. */
    DECODER,
    /** What the model says, whatever it means. */
    TOKENS,
    /** Whether that makes sense as events. */
    GRAMMAR,
    /** What notes come of it. */
    NOTES;

    /** Lower case, as in JSON. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
