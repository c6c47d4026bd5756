package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.MixtureOfExperts;
import org.luthier.nn.Norm;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Latents attend to each other, then go through a feed-forward layer, each behind a norm and added. Tap of its own: {@code NAME.out} [rows,
 * length, width].
 */
final class LatentTransformer implements Layer, AutoCloseable {
    private final String name;
    private final String out;
    private final Kernels kernels;
    private final LatentAttention attention;
    private final Norm norm;
    /** One of the two is null. */
    private final LatentFeedForward feedForward;

    private final MixtureOfExperts mixture;

    /**
     * Takes the weights.
     *
     * @param input name of the latents as they come in
     */
    LatentTransformer(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            YourMt3Configuration.Perceiver sizes,
            LatentAttention.Sizes attended,
            Places places) {
        this.name = name;
        this.out = name + ".out";
        this.kernels = kernels;
        attention = new LatentAttention(
                LatentAttention.Names.own(name), input, null, kernels, weights, attended, true, places);
        norm = new Norm(
                name + ".ff_norm",
                name + ".pre_mlp_norm",
                attention.output(),
                kernels,
                weights,
                sizes.width(),
                attended.norm());
        Activation activation = switch (sizes.nonlinearity()) {
            case GELU -> Activation.GELU_ERF;
            case RELU -> Activation.RELU;
            case SILU -> Activation.SILU;
        };
        String mlp = name + ".mlp";
        if (sizes.feedForward() == YourMt3Configuration.FeedForward.MOE) {
            feedForward = null;
            mixture = new MixtureOfExperts(
                    mlp,
                    norm.name(),
                    kernels,
                    weights,
                    sizes.width(),
                    sizes.hidden(),
                    sizes.experts(),
                    sizes.chosen(),
                    activation);
        } else {
            mixture = null;
            feedForward = new LatentFeedForward(
                    mlp,
                    name + ".ff_out",
                    norm.name(),
                    kernels,
                    weights,
                    sizes.width(),
                    sizes.hidden(),
                    sizes.feedForward() == YourMt3Configuration.FeedForward.GMLP,
                    activation);
        }
    }

    /** x: [rows, length, width]; changed. */
    void forward(INDArray x, Work work, Position at, Probe probe) {
        attention.forward(x, null, work, at, probe);
        INDArray normalised = work.tensor(Work.Slot.NORMALISED, x.shape());
        norm.forward(x, normalised, at, probe);
        INDArray fed = work.tensor(Work.Slot.FED_FORWARD, x.shape());
        if (mixture == null) {
            feedForward.forward(normalised, fed, work, at, probe);
        } else {
            mixture.forward(normalised, fed, work.scratch(), at, probe);
        }
        kernels.add(x, fed);
        probe.offer(out, at, x);
    }

    /** Name of the latents as they go out. */
    String output() {
        return out;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        return new ArrayList<>(List.of(attention, norm, mixture == null ? feedForward : mixture));
    }

    @Override
    public List<String> taps() {
        return List.of(out);
    }

    @Override
    public List<Computation> computations() {
        String fed = mixture == null ? name + ".ff_out" : mixture.name();
        return List.of(new Computation(out, Computation.SUM, List.of(attention.output(), fed), Map.of(), Map.of()));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        attention.close();
        norm.close();
        if (mixture == null) {
            feedForward.close();
        } else {
            mixture.close();
        }
    }
}
