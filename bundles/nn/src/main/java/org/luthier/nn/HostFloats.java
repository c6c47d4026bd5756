package org.luthier.nn;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner.ExecutionerType;
import org.nd4j.linalg.factory.Nd4j;

/** Copies between float tensors of any strides and Java arrays, in row-major order. Works on every ND4J backend. */
public final class HostFloats {
    private HostFloats() {}

    /** A new array of all elements. */
    public static float[] copy(INDArray tensor) {
        float[] values = new float[Math.toIntExact(tensor.length())];
        read(tensor, values);
        return values;
    }

    /** Copies a tensor out.
     *
     * @param target at least as long as the tensor */
    public static void read(INDArray tensor, float[] target) {
        int length = Math.toIntExact(tensor.length());
        if (isDirect(tensor)) {
            pointer(tensor).get(target, 0, length);
        } else {
            try (INDArray contiguous = tensor.dup('c')) {
                System.arraycopy(contiguous.data().asFloat(), 0, target, 0, length);
            }
        }
    }

    /** Copies into a tensor.
     *
     * @param source at least as long as the tensor */
    public static void write(float[] source, INDArray tensor) {
        int length = Math.toIntExact(tensor.length());
        if (isDirect(tensor)) {
            pointer(tensor).put(source, 0, length);
        } else {
            float[] exact = source.length == length ? source : Arrays.copyOf(source, length);
            try (INDArray values = Nd4j.create(exact, tensor.shape(), 'c')) {
                tensor.assign(values);
            }
        }
    }

    /** Whether the elements lie in the host's memory, row-major without gaps. */
    public static boolean isDirect(INDArray tensor) {
        return Nd4j.getExecutioner().type() == ExecutionerType.NATIVE_CPU && isContiguous(tensor);
    }

    /** Whether the elements lie row-major without gaps. */
    private static boolean isContiguous(INDArray tensor) {
        long expected = 1;
        for (int d = tensor.rank() - 1; d >= 0; d--) {
            if (tensor.size(d) != 1 && tensor.stride(d) != expected) {
                return false;
            }
            expected *= tensor.size(d);
        }
        return true;
    }

    /** The first element of a direct tensor. */
    public static FloatPointer pointer(INDArray tensor) {
        // addressPointer honours the offset of a view, data().pointer() does not.
        return (FloatPointer) tensor.data().addressPointer();
    }

    /**
     * Offers values to a probe, if it wants them, and takes back what it leaves.
     *
     * @param values row-major; what is behind the shape stays as it is
     */
    public static void offer(Probe probe, String name, Position at, float[] values, long... shape) {
        if (probe.wants(name)) {
            try (INDArray tensor = Nd4j.create(DataType.FLOAT, shape)) {
                write(values, tensor);
                probe.tap(name, at, tensor);
                read(tensor, values);
            }
        }
    }
}
