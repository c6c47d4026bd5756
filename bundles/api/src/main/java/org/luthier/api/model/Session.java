package org.luthier.api.model;

import java.util.BitSet;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The decoding of a batch of rows: cross-attention memory, self-attention cache, position. Used by one thread.
 *
 * <p>{@link #begin}, then {@link #prefill} if the rows have prompts, then {@link #step} until all rows have ended. The channels of a
 * multi-channel model are rows: row = segment * channels + channel.
 */
public interface Session extends AutoCloseable {
    /**
     * Encodes a batch of segments; forgets the one before.
     *
     * @param features [segments, feature shape...]
     * @param at which segments these are
     * @throws org.luthier.api.LuthierException if the features are of another shape
     */
    void begin(INDArray features, Position at);

    /**
     * What {@link #begin} made of the features, so that it can be kept: [segments, ...]; valid until the next call of it. Null for a model
     * without an encoder.
     */
    INDArray encoded();

    /**
     * Begins with what {@link #encoded} once gave, in place of features.
     *
     * @param encoded [segments, ...]; not used after the call
     * @param at which segments these are
     * @throws org.luthier.api.LuthierException if it is of another shape
     */
    void beginEncoded(INDArray encoded, Position at);

    /** Rows still in the batch. */
    int rows();

    /**
     * Feeds prompts of one common length without choosing anything.
     *
     * @param prompts one list a row
     */
    void prefill(List<? extends IntList> prompts);

    /**
     * Feeds one id a row and chooses the next.
     *
     * @param ids one id a row
     * @param allowed for each row the ids that may be chosen; null to allow all, or a null element for one row
     * @return the chosen id of each row: the first of the largest logits
     * @throws IllegalArgumentException if there are not as many ids as rows, one is none of the model's, or a row may choose nothing
     */
    int[] step(int[] ids, BitSet[] allowed);

    /** The logits of the last step, [rows, output rows]; read them before the next step. Asked for only where needed: they may have to
     * come from a device. */
    INDArray logits();

    /**
     * Makes row i continue what row {@code sources[i]} did, for beam search. There are as many rows afterwards as sources: a row may be a
     * source repeatedly or not at all, so that the batch may become larger than it began.
     */
    void reorder(int[] sources);

    /** Keeps these rows, in this order, and drops the rest: finished rows leave the batch. */
    void retain(int[] rows);

    @Override
    void close();
}
