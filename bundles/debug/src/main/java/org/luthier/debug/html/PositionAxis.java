package org.luthier.debug.html;

import java.util.List;
import org.luthier.debug.RecordedTensor;

/**
 * Which dimension of a tensor is time: frames of an encoder, steps of a decoder. The second, mostly; attention scores have their heads
 * there, and then it is the first one that is as long as time was in the tensor before.
 */
final class PositionAxis {
    private int before = -1;

    /**
     * The dimension, or 0 of a tensor that has none but rows.
     *
     * @param sizes common places of each dimension; tensors come in order of execution
     */
    int of(RecordedTensor tensor, List<Integer> sizes) {
        int rank = sizes.size();
        if (rank < 2) {
            return 0;
        }
        int axis = 1;
        if (tensor.steps()) {
            axis = RecordedTensor.stepAxis(rank);
        } else if (rank > 3) {
            int alike = sizes.subList(1, rank).indexOf(before);
            axis = alike < 0 ? 1 : 1 + alike;
        }
        if (rank == 3 || axis > 1) {
            before = sizes.get(axis);
        }
        return axis;
    }
}
