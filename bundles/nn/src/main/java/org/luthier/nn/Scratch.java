package org.luthier.nn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Memory that kernels work in: numbered slots that grow to the largest use and are kept until closed. Belongs to one session, so to one
 * worker; contents do not survive from one kernel to the next.
 */
public final class Scratch implements AutoCloseable {
    private final List<FloatPointer> natives = new ArrayList<>();
    private final List<float[]> arrays = new ArrayList<>();

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

    /** Frees all of it. */
    @Override
    public void close() {
        for (FloatPointer pointer : natives) {
            if (pointer != null) {
                pointer.close();
            }
        }
        natives.clear();
        arrays.clear();
    }
}
