package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Reorders the dimensions of a tensor's bytes, whatever its type. */
final class Transpose {
    private Transpose() {}

    /**
     * Copies into the new order.
     *
     * @param bytes row-major, from position 0 to the limit
     * @param shape sizes before
     * @param width bytes of an element
     * @param axes dimension i of the result is dimension {@code axes[i]} of the input
     */
    static ByteBuffer apply(ByteBuffer bytes, List<Long> shape, int width, int[] axes) {
        ByteBuffer result = ByteBuffer.allocate(bytes.limit()).order(ByteOrder.LITTLE_ENDIAN);
        int rank = axes.length;
        long[] strides = Shapes.strides(shape);
        long[] index = new long[rank];
        long from = 0;
        while (result.hasRemaining()) {
            int at = Math.toIntExact(from * width);
            switch (width) {
                case 1 -> result.put(bytes.get(at));
                case 2 -> result.putShort(bytes.getShort(at));
                case 4 -> result.putInt(bytes.getInt(at));
                default -> result.putLong(bytes.getLong(at));
            }
            for (int i = rank - 1; i >= 0; i--) {
                from += strides[axes[i]];
                if (++index[i] < shape.get(axes[i])) {
                    break;
                }
                from -= index[i] * strides[axes[i]];
                index[i] = 0;
            }
        }
        return result.flip();
    }
}
