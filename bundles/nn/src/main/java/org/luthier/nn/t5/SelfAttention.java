package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The vectors of a sequence attend to each other (Vaswani et al. 2017, section 3.2): all to all in an encoder, each to itself and those
 * before it in a decoder. What they gather is added to the residual stream.
 *
 * <p>Taps: {@code NAME.q}, {@code NAME.k}, {@code NAME.v} [rows, length, heads * size], head by head; {@code NAME.logits} and
 * {@code NAME.probs} [rows, heads, queries, keys], before and after the softmax; {@code NAME.context} [rows, length, heads * size];
 * {@code NAME.out} [rows, length, model]. Weights: {@code NAME.q.weight}, {@code NAME.k.weight}, {@code NAME.v.weight} [model, heads *
 * size], {@code NAME.out.weight} [heads * size, model].
 */
public final class SelfAttention implements Layer, AutoCloseable {
    private final String name;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final Heads heads;
    private final Projection queriesKeysValues;
    private final AttentionCore core;

    /**
     * Takes the weights.
     *
     * @param input name of the normalised stream
     * @param causal whether no vector sees those behind it
     */
    public SelfAttention(String name, String input, boolean causal, Kernels kernels, Weights weights, T5Sizes sizes) {
        this(name, input, causal, null, kernels, weights, sizes);
    }

    /** @param bias name of what is added to the scores; null for nothing */
    SelfAttention(
            String name, String input, boolean causal, String bias, Kernels kernels, Weights weights, T5Sizes sizes) {
        this.name = name;
        this.kernels = kernels;
        this.heads = sizes.heads();
        int model = sizes.model();
        int width = heads.width();
        TakenWeights taken = new TakenWeights(weights);
        queriesKeysValues = kernels.projection(
                taken.takeBeside(model, width, name + ".q.weight", name + ".k.weight", name + ".v.weight"),
                model,
                3 * width);
        core = new AttentionCore(name, input, input, causal, bias, kernels, taken, sizes);
        this.weights = taken.list();
    }

    /** Name of what is added to the stream. */
    String output() {
        return core.output();
    }

    /**
     * Among themselves. Works on the normalised copy of the stream, which it uses up.
     *
     * @param bias added to the scores; null for nothing
     */
    void forward(Batch x, INDArray bias, Position at, Probe probe) {
        Batch.Attending own = project(x, at, probe);
        try (KeyValues memory =
                kernels.keyValues(heads, own.keys().shaped(), own.values().shaped())) {
            core.attend(own.queries(), memory, bias, x, at, probe);
        }
    }

    /**
     * Among themselves and to those that came before. Works on the normalised copy of the stream, which it uses up.
     *
     * @param cache what came before; these are added
     * @param bias added to the scores; null for nothing
     */
    void forward(Batch x, KeyValueCache cache, INDArray bias, Position at, Probe probe) {
        Batch.Attending own = project(x, at, probe);
        cache.append(own.keys().shaped(), own.values().shaped()); // [rows, length so far, heads * size]
        core.attend(own.queries(), cache, bias, x, at, probe);
    }

    private Batch.Attending project(Batch x, Position at, Probe probe) {
        Batch.Attending own = x.attention(); // [rows, length, heads * size] each
        queriesKeysValues.apply(x.normalised().flat(), own.all().flat(), x.scratch());
        core.offerQueries(own.queries(), at, probe);
        core.offerKeysAndValues(own.keys(), own.values(), at, probe);
        return own;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return core.taps();
    }

    @Override
    public List<Computation> computations() {
        return core.computations();
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        queriesKeysValues.close();
        core.close();
    }
}
