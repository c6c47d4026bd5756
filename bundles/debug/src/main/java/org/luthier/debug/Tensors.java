package org.luthier.debug;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner.ExecutionerType;
import org.nd4j.linalg.factory.Nd4j;

/** Tensors in and out of Java arrays. */
final class Tensors {
    private Tensors() {}

    /** A row-major copy. */
    static float[] floats(INDArray tensor) {
        try (INDArray copy = tensor.castTo(DataType.FLOAT).dup('c')) {
            if (Nd4j.getExecutioner().type() != ExecutionerType.NATIVE_CPU) {
                return copy.data().asFloat();
            }
            // All at once, not number by number as above.
            float[] values = new float[Math.toIntExact(copy.length())];
            copy.data().asNioFloat().get(values);
            return values;
        }
    }

    /** Copies values into a tensor, whatever its strides.
     *
     * @param values row-major */
    static void write(float[] values, INDArray tensor) {
        try (INDArray exact = Nd4j.create(values, tensor.shape(), 'c')) {
            tensor.assign(exact);
        }
    }

    static int[] shape(INDArray tensor) {
        long[] shape = tensor.shape();
        int[] sizes = new int[shape.length];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = Math.toIntExact(shape[i]);
        }
        return sizes;
    }

    /** One row of [rows, shape...] as [1, shape...]. */
    static INDArray row(float[] values, int row, long... shape) {
        long[] rowShape = new long[shape.length + 1];
        rowShape[0] = 1;
        System.arraycopy(shape, 0, rowShape, 1, shape.length);
        int size = Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact));
        return Nd4j.createFromArray(Arrays.copyOfRange(values, row * size, (row + 1) * size))
                .reshape('c', rowShape);
    }
}
