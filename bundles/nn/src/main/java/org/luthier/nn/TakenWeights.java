package org.luthier.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;

/** The weights of one layer as it takes them, and as listings show them. */
public final class TakenWeights {
    private final Weights weights;
    private final List<Layer.Weight> taken = new ArrayList<>();

    /** @param weights taken from */
    public TakenWeights(Weights weights) {
        this.weights = weights;
    }

    /** Takes a weight of this shape. */
    public float[] take(String name, long... shape) {
        List<Long> sizes = Arrays.stream(shape).boxed().toList();
        taken.add(new Layer.Weight(name, sizes, DType.F32, weights.sourceName(name)));
        return weights.take(name, shape);
    }

    /**
     * Takes matrices of one shape and lays them side by side, so that one product does the work of several.
     *
     * @return [inputs, names.length * outputs]
     */
    public float[] takeBeside(int inputs, int outputs, String... names) {
        // First of all, for a matrix of another shape is refused then and not allocated for.
        float[][] matrices =
                Arrays.stream(names).map(name -> take(name, inputs, outputs)).toArray(float[][]::new);
        int width = names.length * outputs;
        float[] beside = new float[inputs * width];
        for (int i = 0; i < names.length; i++) {
            for (int line = 0; line < inputs; line++) {
                System.arraycopy(matrices[i], line * outputs, beside, line * width + i * outputs, outputs);
            }
        }
        return beside;
    }

    /** What was taken, in order. */
    public List<Layer.Weight> list() {
        return List.copyOf(taken);
    }
}
