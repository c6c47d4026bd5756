package org.luthier.debug.cause;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;

/** The weights of a model by canonical name, for looking at: read when they are asked for. */
public interface WeightSource {
    /** No weights: causes that need them are not tested. */
    WeightSource NONE = name -> null;

    /**
     * A weight.
     *
     * @param shape sizes of the dimensions
     * @param reader reads the values, row-major
     */
    record Weight(List<Integer> shape, Supplier<float[]> reader) {
        /** Reads the values; not to be changed. */
        public float[] values() {
            return reader.get();
        }
    }

    /** The weight of a canonical name, or null if there is none. */
    Weight weight(String name);

    /**
     * The tensors of a checkpoint under canonical names, as {@code NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint,
     * family.id()).asCheckpoint()} makes them.
     *
     * @param canonical stays open while the weights are read
     */
    static WeightSource of(Checkpoint canonical) {
        Map<String, TensorInfo> tensors = canonical.tensors();
        return name -> tensors.containsKey(name)
                ? new Weight(
                        tensors.get(name).shape().stream().map(Math::toIntExact).toList(), () -> canonical.floats(name))
                : null;
    }
}
