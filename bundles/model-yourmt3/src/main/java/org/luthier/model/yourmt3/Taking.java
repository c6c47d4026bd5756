package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;

/** The weights of one layer as it takes them, and as listings show them. */
final class Taking {
    private final Weights weights;
    private final List<Layer.Weight> taken = new ArrayList<>();

    Taking(Weights weights) {
        this.weights = weights;
    }

    /** Takes a weight of this shape. */
    float[] take(String name, long... shape) {
        List<Long> sizes = Arrays.stream(shape).boxed().toList();
        taken.add(new Layer.Weight(name, sizes, DType.F32, weights.sourceName(name)));
        return weights.take(name, shape);
    }

    /** What was taken, in order. */
    List<Layer.Weight> list() {
        return List.copyOf(taken);
    }
}
