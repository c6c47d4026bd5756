package org.luthier.nn;

import org.nd4j.linalg.api.ndarray.INDArray;

/** A matrix product with a fixed matrix, and a bias b if it has one, laid out as the kernels that made it like it. Immutable; may be used by several workers. */
public interface Projection extends AutoCloseable {
    /** Columns of the input. */
    int inputs();

    /** Columns of the output. */
    int outputs();

    /**
     * output = x W + b.
     *
     * @param x [m, inputs]
     * @param output [m, outputs]; overlaps not x
     */
    void apply(INDArray x, INDArray output, Scratch scratch);

    /**
     * output += x W + b, for residual streams.
     *
     * @param x [m, inputs]
     * @param output [m, outputs]; overlaps not x
     */
    void accumulate(INDArray x, INDArray output, Scratch scratch);

    /** Frees the matrix. */
    @Override
    void close();
}
