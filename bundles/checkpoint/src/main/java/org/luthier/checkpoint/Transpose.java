package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Puts the elements of a tensor's bytes in another order, whatever their type. */
final class Transpose {
    private Transpose() {}

    /**
     * Copies into the order of other axes.
     *
     * @param bytes row-major, from position 0 to the limit
     * @param shape sizes before
     * @param width bytes of an element
     * @param axes dimension i of the result is dimension {@code axes[i]} of the input
     */
    static ByteBuffer apply(ByteBuffer bytes, List<Long> shape, int width, int[] axes) {
        long[] strides = Shapes.strides(shape);
        long[] sizes = new long[axes.length];
        long[] steps = new long[axes.length];
        for (int i = 0; i < axes.length; i++) {
            sizes[i] = shape.get(axes[i]);
            steps[i] = strides[axes[i]];
        }
        return gather(bytes, sizes, steps, width, bytes.limit());
    }

    /**
     * Copies what lies at strides into row-major order.
     *
     * @param bytes of which the first element is at position 0
     * @param sizes of the result
     * @param strides from one element to the next in each dimension, counted in elements
     * @param width bytes of an element
     * @param length bytes of the result
     */
    static ByteBuffer gather(ByteBuffer bytes, long[] sizes, long[] strides, int width, int length) {
        ByteBuffer result = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        long[] index = new long[sizes.length];
        long from = 0;
        while (result.hasRemaining()) {
            int at = Math.toIntExact(from * width);
            switch (width) {
                case 1 -> result.put(bytes.get(at));
                case 2 -> result.putShort(bytes.getShort(at));
                case 4 -> result.putInt(bytes.getInt(at));
                default -> result.putLong(bytes.getLong(at));
            }
            for (int i = sizes.length - 1; i >= 0; i--) {
                from += strides[i];
                if (++index[i] < sizes[i]) {
                    break;
                }
                from -= index[i] * strides[i];
                index[i] = 0;
            }
        }
        return result.flip();
    }
}
