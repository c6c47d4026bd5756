package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.MixtureOfExperts;
import org.luthier.nn.Norm;

/** The last part of a block: a gated layer behind a norm, or a mixture of experts of the stream as it is, without a norm. */
final class FeedForward implements AutoCloseable {
    private static final int CHOSEN_EXPERTS = 2;

    private final Kernels kernels;
    private final Norm norm;
    private final GatedMlp mlp;
    private final MixtureOfExperts experts;

    /**
     * Takes the weights.
     *
     * @param block name of the block
     * @param input name of the stream as it comes in
     */
    FeedForward(String block, String input, Kernels kernels, Weights weights, T5Sizes sizes, T5Form form) {
        this.kernels = kernels;
        int model = sizes.model();
        String name = block + ".mlp";
        if (form.experts() > 0) {
            norm = null;
            mlp = null;
            experts = new MixtureOfExperts(
                    name,
                    input,
                    kernels,
                    weights,
                    model,
                    sizes.hidden(),
                    form.experts(),
                    CHOSEN_EXPERTS,
                    Activation.SILU);
        } else {
            norm = new Norm(block + ".pre_mlp_norm", input, kernels, weights, model, T5Sizes.NORM);
            mlp = new GatedMlp(name, norm.name(), kernels, weights, sizes);
            experts = null;
        }
    }

    /** Name of what is added to the stream. */
    String output() {
        return experts == null ? mlp.output() : experts.name();
    }

    List<Layer> layers() {
        return experts == null ? List.of(norm, mlp) : List.of(experts);
    }

    /** Adds to the residual stream. */
    void forward(Batch x, Position at, Probe probe) {
        if (experts == null) {
            norm.forward(x.stream().shaped(), x.normalised().shaped(), at, probe); // normalised: [rows, length, model]
            mlp.forward(x, at, probe);
        } else {
            experts.forward(x.stream().shaped(), x.normalised().shaped(), x.scratch(), at, probe);
            kernels.add(x.stream().flat(), x.normalised().flat());
        }
    }

    @Override
    public void close() {
        if (experts == null) {
            norm.close();
            mlp.close();
        } else {
            experts.close();
        }
    }
}
