package org.luthier.nn;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The keys and values that the queries of a batch of rows attend to (Vaswani et al. 2017, section 3.2). Belongs to one session, so to one
 * worker.
 *
 * <p>{@link #attend} is the whole; {@link #scores}, {@link Kernels#softmax} and {@link #mix} are the same in three steps, for those who
 * look between.
 */
public interface KeyValues extends AutoCloseable {
    /** What is added to a score that the causal mask forbids. */
    float MASKED = -1e10f;

    /** The shape of the heads. */
    Heads heads();

    /** Rows still in the batch. */
    int rows();

    /** Keys of a row. */
    int length();

    /**
     * softmax(queries keys^T * scale + bias + mask) values.
     *
     * @param queries [rows, n, width]
     * @param bias [heads, n, length], the same for all rows; null for none
     * @param causal whether query i of n sees only the first {@code length - n + i + 1} keys
     * @param output [rows, n, width of the values]; overlaps not the queries
     */
    void attend(INDArray queries, INDArray bias, boolean causal, INDArray output, Scratch scratch);

    /** {@link #attend(INDArray, INDArray, boolean, INDArray, Scratch)} without a bias. */
    default void attend(INDArray queries, boolean causal, INDArray output, Scratch scratch) {
        attend(queries, null, causal, output, scratch);
    }

    /**
     * queries keys^T * scale + bias + mask.
     *
     * @param bias [heads, n, length], the same for all rows; null for none
     * @param scores [rows, heads, n, length]; overlaps not the bias
     */
    void scores(INDArray queries, INDArray bias, boolean causal, INDArray scores, Scratch scratch);

    /** {@link #scores(INDArray, INDArray, boolean, INDArray, Scratch)} without a bias. */
    default void scores(INDArray queries, boolean causal, INDArray scores, Scratch scratch) {
        scores(queries, null, causal, scores, scratch);
    }

    /**
     * probabilities values.
     *
     * @param probabilities [rows, heads, n, length]
     * @param output [rows, n, width of the values]
     */
    void mix(INDArray probabilities, INDArray output, Scratch scratch);

    /**
     * Makes row i see what row {@code sources[i]} saw. There are as many rows afterwards as sources: a row may be a source repeatedly or not
     * at all. Dropping rows costs little: keys and values are moved seldom or never.
     */
    void reorder(int[] sources);

    /** Frees what it owns. */
    @Override
    void close();
}
