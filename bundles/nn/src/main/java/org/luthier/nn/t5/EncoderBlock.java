package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Self-attention of all to all, then a gated layer, each behind a norm, or a mixture of experts without one, added to the residual stream. Taps: {@code NAME.after_attention}
 * and {@code NAME.out}, the stream in between and at the end [rows, length, model].
 */
public final class EncoderBlock implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final String afterAttention;
    private final String out;
    private final Norm preAttentionNorm;
    private final SelfAttention attention;
    private final FeedForward feedForward;

    /**
     * Takes the weights.
     *
     * @param input name of the stream as it comes in
     * @param bias name of what is added to the scores; null for nothing
     */
    EncoderBlock(String name, String input, String bias, Kernels kernels, Weights weights, T5Sizes sizes, T5Form form) {
        this.name = name;
        this.input = input;
        this.afterAttention = name + ".after_attention";
        this.out = name + ".out";
        preAttentionNorm = new Norm(name + ".pre_attention_norm", input, kernels, weights, sizes.model(), T5Sizes.NORM);
        attention =
                new SelfAttention(name + ".attention", preAttentionNorm.name(), false, bias, kernels, weights, sizes);
        feedForward = new FeedForward(name, afterAttention, kernels, weights, sizes, form);
    }

    /** Name of the stream as it goes out. */
    String output() {
        return out;
    }

    /**
     * Adds to the residual stream.
     *
     * @param bias added to the scores; null for nothing
     */
    void forward(Batch x, INDArray bias, Position at, Probe probe) {
        preAttentionNorm.forward(
                x.stream().shaped(), x.normalised().shaped(), at, probe); // normalised: [rows, length, model]
        attention.forward(x, bias, at, probe); // stream: [rows, length, model]
        probe.offer(afterAttention, at, x.stream().shaped());

        feedForward.forward(x, at, probe);
        probe.offer(out, at, x.stream().shaped());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>(List.of(preAttentionNorm, attention));
        children.addAll(feedForward.layers());
        return List.copyOf(children);
    }

    @Override
    public List<String> taps() {
        return List.of(afterAttention, out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                Computed.sum(afterAttention, input, attention.output()),
                Computed.sum(out, afterAttention, feedForward.output()));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        preAttentionNorm.close();
        attention.close();
        feedForward.close();
    }
}
