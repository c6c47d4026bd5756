package org.luthier.nn;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * (x - mean) / sqrt(variance + epsilon) * scale + offset over the last axis (Ba et al. 2016). Tap: {@code NAME}. Weights: {@code
 * NAME.scale} and {@code NAME.offset} [width].
 */
public final class LayerNorm implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final double epsilon;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final INDArray scale;
    private final INDArray offset;

    /** @param input name of what it norms */
    public LayerNorm(String name, String input, Kernels kernels, Weights weights, int width, double epsilon) {
        this.name = name;
        this.input = input;
        this.kernels = kernels;
        this.epsilon = epsilon;
        TakenWeights taken = new TakenWeights(weights);
        scale = Nd4j.create(taken.take(name + ".scale", width), new long[] {width}, 'c');
        offset = Nd4j.create(taken.take(name + ".offset", width), new long[] {width}, 'c');
        this.weights = taken.list();
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, ..., width]
     * @param y of the shape of x, may be x; overwritten
     */
    public void forward(INDArray x, INDArray y, Position at, Probe probe) {
        kernels.layerNorm(x, scale, offset, (float) epsilon, y);
        probe.offer(name, at, y);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(name);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                name,
                Computation.LAYER_NORM,
                List.of(input),
                Map.of("scale", name + ".scale", "offset", name + ".offset"),
                Map.of("epsilon", epsilon)));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        scale.close();
        offset.close();
    }
}
