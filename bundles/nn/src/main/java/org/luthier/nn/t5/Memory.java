package org.luthier.nn.t5;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Memory that is used again for every batch: it grows to the largest one and is kept until closed. Belongs to one session. */
public final class Memory implements AutoCloseable {
    private INDArray floats;

    /** Memory for sequences, not cleared. What was given out before lies in the same place, or is gone if more is needed now. */
    public Sequences sequences(int rows, int length, int width) {
        long needed = (long) rows * length * width;
        if (floats == null || floats.length() < needed) {
            close();
            floats = Nd4j.createUninitialized(DataType.FLOAT, needed);
        }
        return Sequences.of(floats.get(NDArrayIndex.interval(0, needed)).reshape('c', rows, length, width));
    }

    /** Frees it. */
    @Override
    public void close() {
        if (floats != null) {
            floats.close();
            floats = null;
        }
    }
}
