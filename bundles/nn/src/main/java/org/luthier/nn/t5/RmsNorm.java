package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * x / sqrt(mean(x^2) + 1e-6) * scale, without mean or bias (Zhang and Sennrich 2019). Tap: {@code NAME}. Weight: {@code NAME.scale}
 * [width].
 */
public final class RmsNorm implements Layer, AutoCloseable {
    private static final double EPSILON = 1e-6;

    private final String name;
    private final String input;
    private final double epsilon;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final INDArray scale;

    /** @param input name of what it norms */
    public RmsNorm(String name, String input, Kernels kernels, Weights weights, int width) {
        this(name, input, kernels, weights, width, EPSILON);
    }

    /** With another epsilon than T5's. */
    public RmsNorm(String name, String input, Kernels kernels, Weights weights, int width, double epsilon) {
        this.name = name;
        this.epsilon = epsilon;
        this.input = input;
        this.kernels = kernels;
        TakenWeights taken = new TakenWeights(weights);
        scale = Nd4j.create(taken.take(name + ".scale", width), new long[] {width}, 'c');
        this.weights = taken.list();
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width]
     * @param y [rows, length, width]; overwritten
     */
    public void forward(Sequences x, Sequences y, Position at, Probe probe) {
        kernels.rmsNorm(x.flat(), scale, (float) epsilon, y.flat());
        probe.offer(name, at, y.shaped());
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
                Computation.RMS_NORM,
                List.of(input),
                Map.of("scale", name + ".scale"),
                Map.of("epsilon", epsilon)));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        scale.close();
    }
}
