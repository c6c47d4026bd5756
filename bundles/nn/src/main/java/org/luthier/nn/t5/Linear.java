package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;

/** A matrix product without bias. Tap: {@code NAME}. Weight: {@code NAME.weight} [inputs, outputs]. */
public final class Linear implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final List<Weight> weights;
    private final Projection projection;

    /** @param input name of what it multiplies */
    public Linear(String name, String input, Kernels kernels, Weights weights, int inputs, int outputs) {
        this.name = name;
        this.input = input;
        TakenWeights taken = new TakenWeights(weights);
        projection = kernels.projection(taken.take(name + ".weight", inputs, outputs), inputs, outputs);
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
        return List.of(Computed.projection(name, input, name + ".weight"));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        projection.close();
    }
}
