package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.MappedWeights;

/** Looks at what a checkpoint stores and a model computes itself: the frequencies of positions, second names of tensors. */
final class PositionsStage {
    private static final double PERIOD = 10000;

    /** More than BF16 loses, less than a divisor of one more or less makes at the end. */
    private static final double TOLERANCE = 0.006;

    private PositionsStage() {}

    static void examine(Examined examined, Path path, Notebook notes) {
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
            String name = warning.replaceFirst("^[^']*'([^']*)'.*", "$1");
            notes.find(
                    Stage.STATISTICS,
                    "positions are stored otherwise than the model computes them: " + name,
                    cause(examined, name),
                    warning,
                    Notebook.inspect(path, name));
        }
    }

    private static String cause(Examined examined, String name) {
        TensorInfo tensor = examined.checkpoint().tensors().get(name);
        float[] stored = tensor == null ? new float[0] : examined.checkpoint().floats(name);
        for (int divisor : List.of(stored.length, stored.length - 1, 2 * stored.length)) {
            if (stored.length > 1 && holds(stored, divisor)) {
                return "the code that wrote it computes " + (int) PERIOD + "^(-i/" + divisor
                        + "), and was trained, or is run," + " with positions that are slightly others";
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
