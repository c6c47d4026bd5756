package org.luthier.api.checkpoint;

import java.util.List;

/**
 * What a checkpoint says about one tensor before any of its bytes are read.
 *
 * @param name name in the checkpoint
 * @param shape sizes of the dimensions, none for a scalar; every size is 0 or more and their product fits a long
 * @param dtype element type
 */
public record TensorInfo(String name, List<Long> shape, DType dtype) {
    /** Number of elements. */
    public long elements() {
        long count = 1;
        for (long size : shape) {
            count = Math.multiplyExact(count, size);
        }
        return count;
    }
}
