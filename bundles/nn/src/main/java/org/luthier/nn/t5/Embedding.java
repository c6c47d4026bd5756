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

/** A vector for each id, taken as it is: not scaled by the root of its width. Tap: {@code NAME}. Weight: {@code NAME.weight} [ids, width]. */
public final class Embedding implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final INDArray table;

    /** @param input name of the ids that it is fed
     * @param ids how many there are */
    public Embedding(String name, String input, Kernels kernels, Weights weights, int ids, int width) {
        this.name = name;
        this.input = input;
        this.kernels = kernels;
        TakenWeights taken = new TakenWeights(weights);
        table = Nd4j.create(taken.take(name + ".weight", ids, width), new long[] {ids, width}, 'c');
        this.weights = taken.list();
    }

    /**
     * Computes the layer.
     *
     * @param ids [rows * length], row by row
     * @param y [rows, length, width]; overwritten
     */
    public void forward(int[] ids, Sequences y, Position at, Probe probe) {
        kernels.lookup(table, ids, y.flat());
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
        return List.of(
                new Computation(name, Computation.LOOKUP, List.of(input), Map.of("table", name + ".weight"), Map.of()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        table.close();
    }
}
