package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;

/**
 * Self-attention of all to all, then a gated layer, each behind a norm and added to the residual stream. Taps: {@code NAME.after_attention}
 * and {@code NAME.out}, the stream in between and at the end [rows, length, model].
 */
public final class EncoderBlock implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final String afterAttention;
    private final String out;
    private final RmsNorm preAttentionNorm;
    private final SelfAttention attention;
    private final RmsNorm preMlpNorm;
    private final GatedMlp mlp;

    /** @param input name of the stream as it comes in */
    public EncoderBlock(String name, String input, Kernels kernels, Weights weights, T5Sizes sizes) {
        this.name = name;
        this.input = input;
        this.afterAttention = name + ".after_attention";
        this.out = name + ".out";
        preAttentionNorm = new RmsNorm(name + ".pre_attention_norm", input, kernels, weights, sizes.model());
        attention = new SelfAttention(name + ".attention", preAttentionNorm.name(), false, kernels, weights, sizes);
        preMlpNorm = new RmsNorm(name + ".pre_mlp_norm", afterAttention, kernels, weights, sizes.model());
        mlp = new GatedMlp(name + ".mlp", preMlpNorm.name(), kernels, weights, sizes);
    }

    /** Name of the stream as it goes out. */
    String output() {
        return out;
    }

    /** Adds to the residual stream. */
    public void forward(Batch x, Position at, Probe probe) {
        preAttentionNorm.forward(x.stream(), x.normalised(), at, probe); // normalised: [rows, length, model]
        attention.forward(x, at, probe); // stream: [rows, length, model]
        probe.offer(afterAttention, at, x.stream().shaped());

        preMlpNorm.forward(x.stream(), x.normalised(), at, probe);
        mlp.forward(x, at, probe);
        probe.offer(out, at, x.stream().shaped());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        return List.of(preAttentionNorm, attention, preMlpNorm, mlp);
    }

    @Override
    public List<String> taps() {
        return List.of(afterAttention, out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                Computed.sum(afterAttention, input, attention.output()),
                Computed.sum(out, afterAttention, mlp.output()));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        preAttentionNorm.close();
        attention.close();
        preMlpNorm.close();
        mlp.close();
    }
}
