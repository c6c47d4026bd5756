package org.luthier.debug.doctor;

import java.util.List;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.MappedWeights;

/**
 * Looks at what a checkpoint stores and a model computes itself: the frequencies of positions. What is stored is not used, so that it is
 * no fault of the checkpoint's if it is wrong; but it tells of the code that wrote it.
 */
final class PositionsStage {
    private static final double PERIOD = 10000;

    /** More than BF16 loses, less than a divisor of one more or less makes at the end. */
    private static final double TOLERANCE = 0.006;

    private PositionsStage() {}

    static void examine(Examined examined, Notebook notes) {
        if (examined.tensors().size() == examined.checkpoint().tensors().size()) {
            // Nothing is left out.
            return;
        }
        MappedWeights weights;
        try {
            weights = examined.rules()
                    .apply(examined.checkpoint(), examined.family().id());
            weights.ledger();
        } catch (CheckpointException e) {
            // What is refused is told by the other stages.
            return;
        }
        for (String warning : weights.warnings()) {
            notes.remark(warning + "; " + cause(examined, warning.replaceFirst("^[^']*'([^']*)'.*", "$1")));
        }
    }

    private static String cause(Examined examined, String name) {
        TensorInfo tensor = examined.checkpoint().tensors().get(name);
        float[] stored = tensor == null ? new float[0] : examined.checkpoint().floats(name);
        for (int divisor : List.of(stored.length, stored.length - 1, 2 * stored.length)) {
            if (stored.length > 1 && holds(stored, divisor)) {
                return "the code that wrote it computes " + (int) PERIOD + "^(-i/" + divisor
                        + "), with which the model gets slightly other positions than it was trained with";
            }
        }
        return "the code that wrote it computes other positions";
    }

    private static boolean holds(float[] stored, int divisor) {
        for (int i = 0; i < stored.length; i++) {
            double power = Math.pow(PERIOD, -(double) i / divisor);
            if (!(Math.abs(stored[i] - power) <= TOLERANCE * power)) {
                return false;
            }
        }
        return true;
    }
}
