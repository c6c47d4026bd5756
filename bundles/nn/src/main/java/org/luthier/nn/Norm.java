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
 * A norm over the last axis: (x - mean) / sqrt(variance + epsilon) * scale + bias (Ba et al. 2016), or, where the mean is left, x /
 * sqrt(mean(x^2) + epsilon) * scale (Zhang and Sennrich 2019). Tap: {@code NAME}. Weights: {@code WEIGHT.scale} and {@code WEIGHT.bias}
 * [width].
 */
public final class Norm implements Layer, AutoCloseable {
    private final String name;
    private final String weight;
    private final String input;
    private final Kernels kernels;
    private final Kind kind;
    private final INDArray scale;
    /** Null where the mean is left. */
    private final INDArray bias;

    private final List<Weight> weights;

    /**
     * What a norm is like.
     *
     * @param rms whether it leaves the mean, and has no bias
     * @param epsilon added to the variance, or to the mean square
     */
    public record Kind(boolean rms, double epsilon) {}

    /**
     * Takes the weights, which are called as the norm is.
     *
     * @param input name of what it norms
     */
    public Norm(String name, String input, Kernels kernels, Weights weights, int width, Kind kind) {
        this(name, name, input, kernels, weights, width, kind);
    }

    /**
     * Takes the weights.
     *
     * @param weight the beginning of their names
     * @param input name of what it norms
     */
    public Norm(String name, String weight, String input, Kernels kernels, Weights weights, int width, Kind kind) {
        this.name = name;
        this.weight = weight;
        this.input = input;
        this.kernels = kernels;
        this.kind = kind;
        TakenWeights taking = new TakenWeights(weights);
        scale = vector(taking.take(weight + ".scale", width));
        bias = kind.rms() ? null : vector(taking.take(weight + ".bias", width));
        this.weights = taking.list();
    }

    private static INDArray vector(float[] values) {
        return Nd4j.create(values, new long[] {values.length}, 'c');
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, ..., width]
     * @param y of its shape; overwritten, may be x
     */
    public void forward(INDArray x, INDArray y, Position at, Probe probe) {
        if (bias == null) {
            kernels.rmsNorm(x, scale, (float) kind.epsilon(), y);
        } else {
            kernels.layerNorm(x, scale, bias, (float) kind.epsilon(), y);
        }
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
                bias == null ? Computation.RMS_NORM : Computation.LAYER_NORM,
                List.of(input),
                bias == null
                        ? Map.of("scale", weight + ".scale")
                        : Map.of("scale", weight + ".scale", "offset", weight + ".bias"),
                Map.of("epsilon", kind.epsilon())));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        scale.close();
        if (bias != null) {
            bias.close();
        }
    }
}
