package org.luthier.nn;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Keys and values that grow by positions, step by step; growing does not copy what is there. */
public interface KeyValueCache extends KeyValues {
    /**
     * Adds positions to every row.
     *
     * @param keys [rows, n, width]; copied
     * @param values [rows, n, width of the values]; copied
     */
    void append(INDArray keys, INDArray values);
}
