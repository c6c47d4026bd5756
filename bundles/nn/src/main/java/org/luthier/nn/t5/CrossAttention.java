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
import org.luthier.nn.Scratch;
import org.luthier.nn.TakenWeights;

/**
 * The vectors of a decoder attend to those that an encoder made (Vaswani et al. 2017, section 3.2). What they gather is added to the
 * residual stream. Taps and weights as those of {@link SelfAttention}; {@code NAME.k} and {@code NAME.v} [rows, encoder length, heads *
 * size] are offered once, before the first step.
 */
public final class CrossAttention implements Layer, AutoCloseable {
    private final String name;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final Heads heads;
    private final Projection queries;
    private final Projection keysValues;
    private final AttentionCore core;

    /**
     * Takes the weights.
     *
     * @param input name of the normalised stream
     * @param encoded name of what the encoder made
     */
    public CrossAttention(String name, String input, String encoded, Kernels kernels, Weights weights, T5Sizes sizes) {
        this.name = name;
        this.kernels = kernels;
        this.heads = sizes.heads();
        int model = sizes.model();
        int width = heads.width();
        TakenWeights taken = new TakenWeights(weights);
        queries = kernels.projection(taken.take(name + ".q.weight", model, width), model, width);
        keysValues = kernels.projection(
                taken.takeBeside(model, width, name + ".k.weight", name + ".v.weight"), model, 2 * width);
        core = new AttentionCore(name, input, encoded, false, null, kernels, taken, sizes);
        this.weights = taken.list();
    }

    /** Name of what is added to the stream. */
    String output() {
        return core.output();
    }

    /**
     * Keys and values of what an encoder made, once for all steps.
     *
     * @param encoded [rows, encoder length, model]
     * @param memory to work in
     */
    KeyValues keysValues(Sequences encoded, Memory memory, Scratch scratch, Position at, Probe probe) {
        int width = heads.width();
        int rows = (int) encoded.shaped().size(0);
        int length = (int) encoded.shaped().size(1);
        Sequences both = memory.sequences(rows, length, 2 * width); // [rows, encoder length, 2 * heads * size]
        keysValues.apply(encoded.flat(), both.flat(), scratch);
        Sequences keys = both.columns(0, width);
        Sequences values = both.columns(width, 2 * width);
        core.offerKeysAndValues(keys, values, at, probe);
        // A cache, although nothing is added later: every step reads all of it, and a cache lies as it is read best.
        KeyValueCache cache = kernels.cache(heads, rows);
        cache.append(keys.shaped(), values.shaped());
        return cache;
    }

    /** Works on the normalised copy of the stream, which it uses up. */
    void forward(Batch x, KeyValues encoded, Position at, Probe probe) {
        queries.apply(x.normalised().flat(), x.query().flat(), x.scratch()); // [rows, length, heads * size]
        core.offerQueries(x.query(), at, probe);
        core.attend(x.query(), encoded, null, x, at, probe);
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
        queries.close();
        keysValues.close();
        core.close();
    }
}
