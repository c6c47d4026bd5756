package org.luthier.model.basicpitch;

import java.util.List;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Batch normalisation of the one channel of the features, as its scale and offset. */
final class BatchNorm implements Layer {
    private static final String NAME = "batch_norm";

    private final Kernels kernels;
    private final float scale;
    private final float offset;
    private final List<Weight> weights;

    BatchNorm(Kernels kernels, Weights weights) {
        this.kernels = kernels;
        this.scale = weights.take(NAME + ".scale", 1)[0];
        this.offset = weights.take(NAME + ".offset", 1)[0];
        this.weights = List.of(weight(weights, NAME + ".scale"), weight(weights, NAME + ".offset"));
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
    public List<Weight> weights() {
        return weights;
    }
}
