package org.luthier.checkpoint;

import java.util.List;
import org.luthier.api.checkpoint.DType;

/** Checked arithmetic on shapes. */
final class Shapes {
    /** Most dimensions of a tensor: those that numpy and PyTorch can have. Work on a tensor may take time for each. */
    static final int MAX_RANK = 64;

    private Shapes() {}

    /**
     * Bytes of a tensor.
     *
     * @return -1 if a size is negative or the product does not fit a long, zero sizes counted as one so that the answer does not
     *     depend on the order of the sizes
     */
    static long bytes(List<Long> shape, DType dtype) {
        long product = dtype.bytes();
        boolean empty = false;
        for (long size : shape) {
            if (size < 0 || size > 0 && product > Long.MAX_VALUE / size) {
                return -1;
            }
            empty |= size == 0;
            product *= Math.max(1, size);
        }
        return empty ? 0 : product;
    }

    /** Row-major strides, counted in elements. */
    static long[] strides(List<Long> shape) {
        long[] strides = new long[shape.size()];
        long stride = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= shape.get(i);
        }
        return strides;
    }
}
