package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.luthier.nn.TakenWeights;

/** A matrix product, with a bias or without. Tap: {@code NAME}. Weights: {@code NAME.weight} [inputs, outputs], {@code NAME.bias} [outputs]. */
public final class Linear implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final List<Weight> weights;
    private final boolean biased;
    private final Projection projection;

    /** Without a bias.
     *
     * @param input name of what it multiplies */
    public Linear(String name, String input, Kernels kernels, Weights weights, int inputs, int outputs) {
        this(name, input, kernels, weights, inputs, outputs, false);
    }

    /**
     * Takes the weights.
     *
     * @param input name of what it multiplies
     * @param biased whether there is a bias
     */
    public Linear(
            String name, String input, Kernels kernels, Weights weights, int inputs, int outputs, boolean biased) {
        this.name = name;
        this.input = input;
        this.biased = biased;
        TakenWeights taken = new TakenWeights(weights);
        float[] weight = taken.take(name + ".weight", inputs, outputs);
        float[] bias = biased ? taken.take(name + ".bias", outputs) : null;
        projection = kernels.projection(weight, bias, inputs, outputs);
        this.weights = taken.list();
    }

    /** Columns of the output. */
    public int outputs() {
        return projection.outputs();
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, inputs]
     * @param y [rows, length, outputs]; overwritten
     */
    public void forward(Sequences x, Sequences y, Scratch scratch, Position at, Probe probe) {
        projection.apply(x.flat(), y.flat(), scratch);
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
        Map<String, String> roles = biased
                ? Map.of("weight", name + ".weight", "bias", name + ".bias")
                : Map.of("weight", name + ".weight");
        return List.of(new Computation(
                name, Computation.PROJECTION, List.of(input), roles, Map.of("activation", Activation.NONE.word())));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        projection.close();
    }
}
