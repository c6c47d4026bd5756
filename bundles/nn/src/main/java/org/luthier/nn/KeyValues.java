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
     * softmax(queries keys^T * scale + mask) values.
     *
     * @param queries [rows, n, width]
     * @param causal whether query i of n sees only the first {@code length - n + i + 1} keys
     * @param output [rows, n, width]; overlaps not the queries
     */
    void attend(INDArray queries, boolean causal, INDArray output, Scratch scratch);

    /**
     * queries keys^T * scale + mask.
     *
     * @param scores [rows, heads, n, length]
     */
    void scores(INDArray queries, boolean causal, INDArray scores, Scratch scratch);

    /**
     * probabilities values.
     *
     * @param probabilities [rows, heads, n, length]
     * @param output [rows, n, width]
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
