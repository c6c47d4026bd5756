package org.luthier.nn.internal;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner.ExecutionerType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A tensor as the lines of its last axis, in row-major order, in native memory: its own where the lines have no gaps inside and lie at
 * equal distances, as the columns of a fused product do; else that of a copy, which is freed at the end.
 */
final class Lines implements AutoCloseable {
    private final INDArray original;
    private final INDArray lying;
    private final long address;

    /** How many there are. */
    final int count;

    /** Floats of a line. */
    final int width;

    /** Floats from the start of a line to that of the next. */
    final int stride;

    private Lines(INDArray original, INDArray lying, long stride) {
        this.original = original;
        this.lying = lying;
        // The same as addressPointer(), which makes an object that the garbage collector has to follow.
        this.address = lying.data().address() + lying.data().offset() * Float.BYTES;
        this.width = (int) lying.size(lying.rank() - 1);
        this.count = (int) (lying.length() / width);
        this.stride = Math.toIntExact(stride);
    }

    /** To read from, or to change in place; {@link #finish} when changed. */
    static Lines of(INDArray x) {
        long stride = stride(x);
        return stride > 0 ? new Lines(x, x, stride) : new Lines(x, x.dup('c'), x.size(x.rank() - 1));
    }

    /** To write all of; {@link #finish} when all is written. */
    static Lines writing(INDArray x) {
        long stride = stride(x);
        return stride > 0
                ? new Lines(x, x, stride)
                : new Lines(x, Nd4j.createUninitialized(DataType.FLOAT, x.shape(), 'c'), x.size(x.rank() - 1));
    }

    /** The distance of the lines; 0 if there is no one distance. */
    private static long stride(INDArray x) {
        int last = x.rank() - 1;
        long width = x.size(last);
        if (Nd4j.getExecutioner().type() != ExecutionerType.NATIVE_CPU || (width > 1 && x.stride(last) != 1)) {
            return 0;
        }
        long stride = 0;
        long expected = 0;
        for (int d = last - 1; d >= 0; d--) {
            long size = x.size(d);
            if (size == 1) {
                continue;
            }
            if (stride == 0) {
                stride = x.stride(d);
            } else if (x.stride(d) != expected) {
                return 0;
            }
            expected = x.stride(d) * size;
        }
        return stride == 0 ? width : stride >= width ? stride : 0;
    }

    /** How many lines that lie side by side have at most so many floats; at least one, at most all. */
    int together(int floats) {
        return stride == width ? Math.min(count, Math.max(1, floats / width)) : 1;
    }

    /** Where a line starts. */
    long at(long line) {
        return address + line * stride * Float.BYTES;
    }

    /** Brings what was written to where it belongs. */
    void finish() {
        if (lying != original) {
            original.assign(lying);
        }
    }

    @Override
    public void close() {
        if (lying != original) {
            lying.close();
        }
    }
}
