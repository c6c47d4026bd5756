package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Norm;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Causal self-attention, attention to what the encoder made, then a gated layer, each behind a norm, or a mixture of experts without one, added to the residual stream.
 * Taps: {@code NAME.after_self_attention}, {@code NAME.after_cross_attention} and {@code NAME.out}, the stream in between and at the end
 * [rows, length, model].
 */
public final class DecoderBlock implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final String afterSelfAttention;
    private final String afterCrossAttention;
    private final String out;
    private final Norm preSelfAttentionNorm;
    private final SelfAttention selfAttention;
    private final Norm preCrossAttentionNorm;
    private final CrossAttention crossAttention;
    private final FeedForward feedForward;

    /**
     * Takes the weights.
     *
     * @param input name of the stream as it comes in
     * @param encoded name of what the encoder made
     * @param bias name of what is added to the scores of self-attention; null for nothing
     */
    DecoderBlock(
            String name,
            String input,
            String encoded,
            String bias,
            Kernels kernels,
            Weights weights,
            T5Sizes sizes,
            T5Form form) {
        this.name = name;
        this.input = input;
        this.afterSelfAttention = name + ".after_self_attention";
        this.afterCrossAttention = name + ".after_cross_attention";
        this.out = name + ".out";
        preSelfAttentionNorm =
                new Norm(name + ".pre_self_attention_norm", input, kernels, weights, sizes.model(), T5Sizes.NORM);
        selfAttention = new SelfAttention(
                name + ".self_attention", preSelfAttentionNorm.name(), true, bias, kernels, weights, sizes);
        preCrossAttentionNorm = new Norm(
                name + ".pre_cross_attention_norm", afterSelfAttention, kernels, weights, sizes.model(), T5Sizes.NORM);
        crossAttention = new CrossAttention(
                name + ".cross_attention", preCrossAttentionNorm.name(), encoded, kernels, weights, sizes);
        feedForward = new FeedForward(name, afterCrossAttention, kernels, weights, sizes, form);
    }

    /** Name of the stream as it goes out. */
    String output() {
        return out;
    }

    /** Keys and values of what the encoder made, as {@link CrossAttention#keysValues} gives them. */
    KeyValues keysValues(Sequences encoded, Memory memory, Scratch scratch, Position at, Probe probe) {
        return crossAttention.keysValues(encoded, memory, scratch, at, probe);
    }

    /**
     * Adds to the residual stream.
     *
     * @param before keys and values of the positions before; those of these are added
     * @param encoded keys and values of what the encoder made
     * @param bias added to the scores of self-attention; null for nothing
     */
    void forward(Batch x, KeyValueCache before, KeyValues encoded, INDArray bias, Position at, Probe probe) {
        preSelfAttentionNorm.forward(
                x.stream().shaped(), x.normalised().shaped(), at, probe); // normalised: [rows, length, model]
        selfAttention.forward(x, before, bias, at, probe); // stream: [rows, length, model]
        probe.offer(afterSelfAttention, at, x.stream().shaped());

        preCrossAttentionNorm.forward(x.stream().shaped(), x.normalised().shaped(), at, probe);
        crossAttention.forward(x, encoded, at, probe);
        probe.offer(afterCrossAttention, at, x.stream().shaped());

        feedForward.forward(x, at, probe);
        probe.offer(out, at, x.stream().shaped());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children =
                new ArrayList<>(List.of(preSelfAttentionNorm, selfAttention, preCrossAttentionNorm, crossAttention));
        children.addAll(feedForward.layers());
        return List.copyOf(children);
    }

    @Override
    public List<String> taps() {
        return List.of(afterSelfAttention, afterCrossAttention, out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                Computed.sum(afterSelfAttention, input, selfAttention.output()),
                Computed.sum(afterCrossAttention, afterSelfAttention, crossAttention.output()),
                Computed.sum(out, afterCrossAttention, feedForward.output()));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        preSelfAttentionNorm.close();
        selfAttention.close();
        preCrossAttentionNorm.close();
        crossAttention.close();
        feedForward.close();
    }
}
