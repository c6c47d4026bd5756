package org.luthier.api.model;

import org.luthier.api.tokens.Vocabulary;

/** A model that writes tokens, one step at a time. */
public non-sealed interface TokenModel extends Model {
    /** What a tokenizer must fit. */
    TokenLayout layout();

    /**
     * Place among the ids that a row says of the first one that may end it. A reference that goes on whatever the first id is, even behind
     * an end there, has 1; most have 0.
     */
    default int earliestEnd() {
        return 0;
    }

    /** Opens a session.
     *
     * @param rows most segments at once
     * @param probe sees the intermediates of everything the session does */
    Session open(int rows, Probe probe);

    /**
     * What a tokenizer must fit.
     *
     * @param vocabulary the ids the model was trained on, as its definition says
     * @param outputRows rows of the output matrix; padded rows, beyond the vocabulary's size, are harmless
     * @param channels decoder channels of a segment; each is a row of a session
     * @param maxTokens most tokens of a row, end token included
     * @param segmentSeconds length of a segment
     */
    record TokenLayout(Vocabulary vocabulary, int outputRows, int channels, int maxTokens, double segmentSeconds) {}
}
