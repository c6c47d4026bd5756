package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
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
    private final String afterAttention;
    private final String out;
    private final RmsNorm preAttentionNorm;
    private final SelfAttention attention;
    private final RmsNorm preMlpNorm;
    private final GatedMlp mlp;

    public EncoderBlock(String name, Kernels kernels, Weights weights, T5Sizes sizes) {
        this.name = name;
        this.afterAttention = name + ".after_attention";
        this.out = name + ".out";
        preAttentionNorm = new RmsNorm(name + ".pre_attention_norm", kernels, weights, sizes.model());
        attention = new SelfAttention(name + ".attention", kernels, weights, sizes);
        preMlpNorm = new RmsNorm(name + ".pre_mlp_norm", kernels, weights, sizes.model());
        mlp = new GatedMlp(name + ".mlp", kernels, weights, sizes);
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

    /** Frees the weights. */
    @Override
    public void close() {
        preAttentionNorm.close();
        attention.close();
        preMlpNorm.close();
        mlp.close();
    }
}
