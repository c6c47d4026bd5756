package org.luthier.nn.t5;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Memory that is used again for every batch: it grows to the largest one and is kept until closed. Belongs to one session. */
public final class Memory implements AutoCloseable {
    private INDArray floats;
    private Sequences given;

    /** Memory for sequences, not cleared. What was given out before lies in the same place, or is gone if more is needed now. */
    public Sequences sequences(int rows, int length, int width) {
        long[] shape = {rows, length, width};
        // A decoder asks for the same with every step.
        if (given == null || !Arrays.equals(given.shaped().shape(), shape)) {
            long needed = (long) rows * length * width;
            if (floats == null || floats.length() < needed) {
                close();
                floats = Nd4j.createUninitialized(DataType.FLOAT, needed);
            }
            given = Sequences.of(floats.get(NDArrayIndex.interval(0, needed)).reshape('c', shape));
        }
        return given;
    }

    /** Frees it. */
    @Override
    public void close() {
        if (floats != null) {
            floats.close();
            floats = null;
            given = null;
        }
    }
}
