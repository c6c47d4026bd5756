package org.luthier.nn.internal;

import org.bytedeco.javacpp.FloatPointer;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The elements of a tensor in row-major order, as native memory: its own where it is contiguous in the host's memory, else that of a
 * copy, which is freed at the end.
 */
final class HostRows implements AutoCloseable {
    private final INDArray original;
    private final INDArray contiguous;
    private final FloatPointer pointer;
    private final long start;

    private HostRows(INDArray original, INDArray contiguous) {
        this.original = original;
        this.contiguous = contiguous;
        this.pointer = HostFloats.pointer(contiguous);
        this.start = pointer.position();
    }

    /** To read from. */
    static HostRows reading(INDArray x) {
        return new HostRows(x, HostFloats.isDirect(x) ? x : x.dup('c'));
    }

    /** To write all of; {@link #finish} when all is written. */
    static HostRows writing(INDArray x) {
        return new HostRows(x, HostFloats.isDirect(x) ? x : Nd4j.createUninitialized(DataType.FLOAT, x.shape(), 'c'));
    }

    /** The elements from one on; valid until the next call. */
    FloatPointer at(long element) {
        return pointer.position(start + element);
    }

    void read(long element, float[] target, int to, int n) {
        at(element).get(target, to, n);
    }

    void write(long element, float[] source, int n) {
        at(element).put(source, 0, n);
    }

    /** Brings what was written to where it belongs. */
    void finish() {
        if (contiguous != original) {
            original.assign(contiguous);
        }
    }

    @Override
    public void close() {
        if (contiguous != original) {
            contiguous.close();
        }
    }
}
