package org.luthier.nn.t5;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A batch of sequences of vectors of one length: the same memory, seen in two ways.
 *
 * @param flat [rows * length, width], for what treats every vector alike
 * @param shaped [rows, length, width]
 */
public record Sequences(INDArray flat, INDArray shaped) {
    /** @param shaped [rows, length, width], row-major without gaps; not copied */
    public static Sequences of(INDArray shaped) {
        return new Sequences(shaped.reshape('c', shaped.size(0) * shaped.size(1), shaped.size(2)), shaped);
    }

    /** Columns of all vectors, end exclusive: where products with several matrices that are one lie side by side. */
    public Sequences columns(int from, int end) {
        return new Sequences(
                flat.get(NDArrayIndex.all(), NDArrayIndex.interval(from, end)),
                shaped.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, end)));
    }

    /** Some rows, end exclusive. */
    public Sequences rows(int from, int end) {
        return of(shaped.get(NDArrayIndex.interval(from, end), NDArrayIndex.all(), NDArrayIndex.all()));
    }
}
