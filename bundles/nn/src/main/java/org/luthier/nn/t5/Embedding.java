package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A vector for each id, taken as it is: not scaled by the root of its width. Tap: {@code NAME}. Weight: {@code NAME.weight} [ids, width]. */
public final class Embedding implements Layer, AutoCloseable {
    private final String name;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final INDArray table;

    public Embedding(String name, Kernels kernels, Weights weights, int ids, int width) {
        this.name = name;
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
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        table.close();
    }
}
