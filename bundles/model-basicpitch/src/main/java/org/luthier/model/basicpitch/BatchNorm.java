package org.luthier.model.basicpitch;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Batch normalisation of the one channel of the features, as its scale and offset. */
final class BatchNorm implements Layer {
    private static final String NAME = "batch_norm";
    private static final String SCALE = NAME + ".scale";
    private static final String OFFSET = NAME + ".offset";

    private final String input;
    private final Kernels kernels;
    private final float scale;
    private final float offset;
    private final List<Weight> weights;

    /** @param input name of the features */
    BatchNorm(String input, Kernels kernels, Weights weights) {
        this.input = input;
        this.kernels = kernels;
        this.scale = weights.take(SCALE, 1)[0];
        this.offset = weights.take(OFFSET, 1)[0];
        this.weights = List.of(weight(weights, SCALE), weight(weights, OFFSET));
    }

    private static Weight weight(Weights weights, String name) {
        return new Weight(name, List.of(1L), DType.F32, weights.sourceName(name));
    }

    /** x, y: [rows, frames, bins]. */
    void forward(INDArray x, INDArray y, Position at, Probe probe) {
        kernels.affine(x, scale, offset, y);
        probe.offer(NAME, at, y);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> taps() {
        return List.of(NAME);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                NAME, Computation.AFFINE, List.of(input), Map.of("scale", SCALE, "offset", OFFSET), Map.of()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }
}
