package org.luthier.debug.doctor;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Keeps what was tapped last under each name, wherever it says it stands. Used by one thread. */
final class Latest implements Probe {
    /**
     * A tensor.
     *
     * @param values row-major
     */
    record Tapped(int[] shape, float[] values) {
        /** One entry of a dimension. */
        Tapped at(int axis, int index) {
            int inner = 1;
            for (int i = axis + 1; i < shape.length; i++) {
                inner *= shape[i];
            }
            int length = shape[axis];
            int outer = values.length / (inner * length);
            float[] part = new float[outer * inner];
            for (int o = 0; o < outer; o++) {
                System.arraycopy(values, (o * length + index) * inner, part, o * inner, inner);
            }
            int[] sizes = shape.clone();
            sizes[axis] = 1;
            return new Tapped(sizes, part);
        }
    }

    /** In order of execution. */
    private Map<String, Tapped> tensors = new LinkedHashMap<>();

    @Override
    public boolean wants(String name) {
        return true;
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        try (INDArray copy = tensor.castTo(DataType.FLOAT).dup('c')) {
            int[] shape =
                    LongStream.of(tensor.shape()).mapToInt(Math::toIntExact).toArray();
            // What is tapped again goes behind what came in between.
            tensors.remove(name);
            tensors.put(name, new Tapped(shape, copy.data().asFloat()));
        }
    }

    /** What was tapped since the last call. */
    Map<String, Tapped> take() {
        Map<String, Tapped> taken = tensors;
        tensors = new LinkedHashMap<>();
        return taken;
    }
}
