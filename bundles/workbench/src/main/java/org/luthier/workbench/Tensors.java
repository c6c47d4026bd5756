package org.luthier.workbench;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Tensors as Java arrays. */
final class Tensors {
    private Tensors() {}

    /** All elements, row-major. A copy that it takes on the way is freed at once: nobody waits for the garbage collector in long jobs. */
    static float[] floats(INDArray tensor) {
        if (tensor.ordering() == 'c' && !tensor.isView()) {
            return tensor.data().asFloat();
        }
        try (INDArray copy = tensor.dup('c')) {
            return copy.data().asFloat();
        }
    }
}
