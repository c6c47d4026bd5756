package org.luthier.nn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Memory that kernels work in: numbered slots that grow to the largest use and are kept until closed. Belongs to one session, so to one
 * worker; contents do not survive from one kernel to the next.
 */
public final class Scratch implements AutoCloseable {
    private final List<FloatPointer> natives = new ArrayList<>();
    private final List<float[]> arrays = new ArrayList<>();
    private final List<INDArray> tensors = new ArrayList<>();

    /** Native memory of at least so many floats; not cleared. */
    public FloatPointer natives(int slot, long floats) {
        while (natives.size() <= slot) {
            natives.add(null);
        }
        FloatPointer pointer = natives.get(slot);
        if (pointer == null || pointer.capacity() < floats) {
            if (pointer != null) {
                pointer.close();
            }
            pointer = new FloatPointer(floats);
            natives.set(slot, pointer);
        }
        return pointer;
    }

    /** A Java array of at least so many floats; not cleared. */
    public float[] array(int slot, int floats) {
        while (arrays.size() <= slot) {
            arrays.add(null);
        }
        float[] array = arrays.get(slot);
        if (array == null || array.length < floats) {
            array = new float[floats];
            arrays.set(slot, array);
        }
        return array;
    }

    /** A tensor of a shape in memory of any ND4J backend, row-major; not cleared. Valid until the slot is asked for again. */
    public INDArray tensor(int slot, long... shape) {
        long length = 1;
        for (long size : shape) {
            length *= size;
        }
        while (tensors.size() <= slot) {
            tensors.add(null);
        }
        INDArray memory = tensors.get(slot);
        if (memory == null || memory.length() < length) {
            // Some more than asked for: what grows by a position a step grows seldom.
            long capacity = memory == null ? length : Math.max(length, memory.length() * 2);
            if (memory != null) {
                memory.close();
            }
            memory = Nd4j.createUninitialized(DataType.FLOAT, capacity);
            tensors.set(slot, memory);
        }
        return memory.get(NDArrayIndex.interval(0, length)).reshape(shape);
    }

    /** Frees all of it. */
    @Override
    public void close() {
        for (FloatPointer pointer : natives) {
            if (pointer != null) {
                pointer.close();
            }
        }
        for (INDArray tensor : tensors) {
            if (tensor != null) {
                tensor.close();
            }
        }
        natives.clear();
        tensors.clear();
        arrays.clear();
    }
}
