package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** The elements of a tensor as doubles, which hold those of every type but large I64 exactly; they stay in the tensor's own bytes. */
final class Elements {
    private final ByteBuffer bytes;
    private final DType dtype;
    private final List<Long> shape;
    private final Rounding rounding;

    /** @param bytes little-endian and row-major, from 0 to the limit */
    Elements(TensorInfo tensor, ByteBuffer bytes) {
        this(bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN), tensor.dtype(), tensor.shape(), null);
    }

    private Elements(ByteBuffer bytes, DType dtype, List<Long> shape, Rounding rounding) {
        this.bytes = bytes;
        this.dtype = dtype;
        this.shape = shape;
        this.rounding = rounding;
    }

    /** The same elements, each rounded when it is asked for. */
    Elements rounded(Rounding by) {
        return new Elements(bytes, dtype, shape, by);
    }

    int size() {
        return bytes.limit() / dtype.bytes();
    }

    List<Long> shape() {
        return shape;
    }

    double at(int index) {
        int at = index * dtype.bytes();
        double value = switch (dtype) {
            case F64 -> bytes.getDouble(at);
            case F32 -> bytes.getFloat(at);
            case F16 -> Floats.half(bytes.getShort(at));
            case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
            case I64 -> bytes.getLong(at);
            case I32 -> bytes.getInt(at);
            case I16 -> bytes.getShort(at);
            case I8 -> bytes.get(at);
            case U8, BOOL -> bytes.get(at) & 0xff;
        };
        return rounding == null ? value : rounding.of(value);
    }

    /** An element's bits, by which zeros differ in sign and every NaN is the same. */
    long bits(int index) {
        return Double.doubleToLongBits(at(index));
    }

    /** Whether all elements are the same, whatever the shapes. */
    boolean same(Elements other) {
        if (size() != other.size()) {
            return false;
        }
        for (int i = 0; i < size(); i++) {
            if (bits(i) != other.bits(i)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether these elements in the order of other axes are another's, whatever its shape.
     *
     * @param axes dimension i of the new order is dimension {@code axes[i]} of this one
     */
    boolean sameTransposed(int[] axes, Elements other) {
        if (size() != other.size()) {
            return false;
        }
        long[] strides = Shapes.strides(shape);
        long[] index = new long[axes.length];
        long from = 0;
        for (int to = 0; to < size(); to++) {
            if (bits((int) from) != other.bits(to)) {
                return false;
            }
            for (int i = axes.length - 1; i >= 0; i--) {
                from += strides[axes[i]];
                if (++index[i] < shape.get(axes[i])) {
                    break;
                }
                from -= index[i] * strides[axes[i]];
                index[i] = 0;
            }
        }
        return true;
    }

    /** Where an element is: an index for each dimension. */
    List<Long> place(int element) {
        long[] strides = Shapes.strides(shape);
        Long[] place = new Long[strides.length];
        for (int i = 0; i < place.length; i++) {
            place[i] = element / strides[i] % shape.get(i);
        }
        return List.of(place);
    }
}
