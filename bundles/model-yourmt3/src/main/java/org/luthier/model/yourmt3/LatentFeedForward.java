package org.luthier.model.yourmt3;

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
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What each normalised latent goes through by itself: two matrices with biases, or a gated pair and a third without. Taps: {@code
 * NAME.hidden} [rows, length, hidden], between the matrices, and {@code OUT} [rows, length, width].
 */
final class LatentFeedForward implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final String hidden;
    private final String out;
    private final Kernels kernels;
    private final Activation activation;
    private final Projection first;
    /** Null of two matrices. */
    private final Projection gated;

    private final Projection last;
    private final List<Weight> weights;

    /**
     * Takes the weights: {@code NAME.in} and {@code NAME.out}, or {@code NAME.wi_0}, which is activated, {@code NAME.wi_1} and {@code NAME.wo}.
     *
     * @param out tap of the result
     * @param input name of the normalised latents
     */
    LatentFeedForward(
            String name,
            String out,
            String input,
            Kernels kernels,
            Weights weights,
            int width,
            int inner,
            boolean gate,
            Activation activation) {
        this.name = name;
        this.input = input;
        this.out = out;
        this.hidden = name + ".hidden";
        this.kernels = kernels;
        this.activation = activation;
        TakenWeights taking = new TakenWeights(weights);
        first = projection(taking, kernels, gate ? ".wi_0" : ".in", width, inner, !gate);
        gated = gate ? projection(taking, kernels, ".wi_1", width, inner, false) : null;
        last = projection(taking, kernels, gate ? ".wo" : ".out", inner, width, !gate);
        this.weights = taking.list();
    }

    private Projection projection(
            TakenWeights taking, Kernels from, String part, int inputs, int outputs, boolean biased) {
        float[] weight = taking.take(name + part + ".weight", inputs, outputs);
        return from.projection(weight, biased ? taking.take(name + part + ".bias", outputs) : null, inputs, outputs);
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width], normalised
     * @param y of its shape; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        INDArray inner = work.tensor(Work.Slot.GATE, x.size(0), x.size(1), first.outputs());
        first.apply(Work.flat(x), Work.flat(inner), work.scratch());
        if (gated == null) {
            kernels.activate(activation, inner);
        } else {
            INDArray up = work.tensor(Work.Slot.UP, inner.shape());
            gated.apply(Work.flat(x), Work.flat(up), work.scratch());
            kernels.gate(activation, inner, up, inner);
        }
        probe.offer(hidden, at, inner);
        last.apply(Work.flat(inner), Work.flat(y), work.scratch());
        probe.offer(out, at, y);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(hidden, out);
    }

    @Override
    public List<Computation> computations() {
        Map<String, Object> activated = Map.of("activation", activation.word());
        Map<String, Object> plain = Map.of("activation", Activation.NONE.word());
        if (gated == null) {
            return List.of(
                    new Computation(hidden, Computation.PROJECTION, List.of(input), biased(".in"), activated),
                    new Computation(out, Computation.PROJECTION, List.of(hidden), biased(".out"), plain));
        }
        return List.of(
                new Computation(
                        hidden,
                        Computation.GATED_PROJECTION,
                        List.of(input),
                        Map.of("gate", name + ".wi_0.weight", "up", name + ".wi_1.weight"),
                        activated),
                new Computation(
                        out, Computation.PROJECTION, List.of(hidden), Map.of("weight", name + ".wo.weight"), plain));
    }

    private Map<String, String> biased(String part) {
        return Map.of("weight", name + part + ".weight", "bias", name + part + ".bias");
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        first.close();
        if (gated != null) {
            gated.close();
        }
        last.close();
    }
}
