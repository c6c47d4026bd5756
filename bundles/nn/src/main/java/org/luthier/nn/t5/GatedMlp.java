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
import org.luthier.nn.TakenWeights;

/**
 * (gelu(x W0) * (x W1)) W, added to the residual stream (Shazeer 2020); the GELU is the one with tanh.
 *
 * <p>Taps: {@code NAME.wi_0_act} after the GELU, {@code NAME.wi_1}, {@code NAME.gated}, {@code NAME.wo}. Weights: {@code NAME.wi_0.weight}
 * and {@code NAME.wi_1.weight} [model, hidden], {@code NAME.wo.weight} [hidden, model].
 */
public final class GatedMlp implements Layer, AutoCloseable {
    private static final Activation ACTIVATION = Activation.GELU_TANH;

    private final String name;
    private final String input;
    private final String activated;
    private final String up;
    private final String gated;
    private final String out;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final Projection gateAndUp;
    private final ResidualProjection down;

    /** @param input name of the normalised stream */
    public GatedMlp(String name, String input, Kernels kernels, Weights weights, T5Sizes sizes) {
        this.name = name;
        this.input = input;
        this.activated = name + ".wi_0_act";
        this.up = name + ".wi_1";
        this.gated = name + ".gated";
        this.out = name + ".wo";
        this.kernels = kernels;
        int model = sizes.model();
        int hidden = sizes.hidden();
        TakenWeights taken = new TakenWeights(weights);
        gateAndUp = kernels.projection(
                taken.takeBeside(model, hidden, name + ".wi_0.weight", name + ".wi_1.weight"), model, 2 * hidden);
        down = new ResidualProjection(out, kernels, taken.take(name + ".wo.weight", hidden, model), hidden, model);
        this.weights = taken.list();
    }

    /** Name of what is added to the stream. */
    String output() {
        return out;
    }

    /** Works on the normalised copy of the stream, which it uses up. */
    void forward(Batch x, Position at, Probe probe) {
        Batch.Gating both = x.gateAndUp();
        gateAndUp.apply(x.normalised().flat(), both.all().flat(), x.scratch()); // [rows, length, 2 * hidden]
        Activation activation = ACTIVATION;
        if (probe.wants(activated)) {
            kernels.activate(activation, both.gate().flat()); // [rows, length, hidden]
            probe.tap(activated, at, both.gate().shaped());
            activation = Activation.NONE;
        }
        probe.offer(up, at, both.up().shaped()); // [rows, length, hidden]
        kernels.gate(activation, both.gate().flat(), both.up().flat(), x.gated().flat()); // [rows, length, hidden]
        probe.offer(gated, at, x.gated().shaped());
        down.forward(x.gated(), x, at, probe); // stream: [rows, length, model]
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(activated, up, gated, out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                Computed.projection(activated, input, name + ".wi_0.weight", ACTIVATION),
                Computed.projection(up, input, name + ".wi_1.weight"),
                new Computation(gated, Computation.PRODUCT, List.of(activated, up), Map.of(), Map.of()),
                Computed.projection(out, gated, name + ".wo.weight"));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        gateAndUp.close();
        down.close();
    }
}
