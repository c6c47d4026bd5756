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
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Norm;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Latents attend to each other or to a source, behind norms. What they gather is added to them, or takes their place.
 *
 * <p>Taps: the norms; {@code NAME.query}, {@code NAME.key}, {@code NAME.value} [rows, length, heads * size]; {@code NAME.rotated_query} and
 * {@code NAME.rotated_key} where these are rotated; {@code NAME.logits}, {@code NAME.probs} [rows, heads, queries, keys]; {@code
 * NAME.context} [rows, queries, heads * size]; the result [rows, queries, width].
 */
final class LatentAttention implements Layer, AutoCloseable {
    private final Names names;
    private final String input;
    private final Kernels kernels;
    private final Heads heads;
    private final boolean residual;
    private final Places places;
    private final Norm norm;
    /** Null where latents attend to each other. */
    private final Norm sourceNorm;

    private final Projection query;
    private final Projection key;
    private final Projection value;
    private final Projection out;
    private final String queries;
    private final String keys;
    private final String values;
    private final String rotatedQueries;
    private final String rotatedKeys;
    private final String logits;
    private final String probabilities;
    private final String context;
    private final List<Weight> weights;

    /**
     * Names of tensors and weights.
     *
     * @param name beginning of the taps
     * @param norm tap of the norm of the latents
     * @param sourceNorm tap of the norm of the source, or null
     * @param out tap of the result
     * @param normWeight beginning of the norm's weights
     * @param sourceNormWeight beginning of those of the source's norm, or null
     * @param weights beginning of all others
     */
    record Names(
            String name,
            String norm,
            String sourceNorm,
            String out,
            String normWeight,
            String sourceNormWeight,
            String weights) {
        static Names spectral(String block) {
            String name = block + ".sca";
            String weights = block + ".spectral_cross_attention";
            return new Names(
                    name,
                    name + ".q_norm",
                    name + ".kv_norm",
                    name + ".out",
                    weights + ".query_norm",
                    weights + ".source_norm",
                    weights);
        }

        static Names own(String layer) {
            return new Names(
                    layer,
                    layer + ".attn_norm",
                    null,
                    layer + ".attn_out",
                    layer + ".pre_attention_norm",
                    null,
                    layer + ".attention");
        }
    }

    /**
     * Sizes.
     *
     * @param width of a latent
     * @param sourceWidth of a vector that they attend to
     */
    record Sizes(int width, int sourceWidth, Heads heads, Norm.Kind norm) {}

    /**
     * Takes the weights.
     *
     * @param input name of the latents
     * @param source name of what they attend to, or null for each other
     * @param places where queries and keys stand; closed with the layer if it is a bias
     */
    LatentAttention(
            Names names,
            String input,
            String source,
            Kernels kernels,
            Weights weights,
            Sizes sizes,
            boolean residual,
            Places places) {
        this.names = names;
        this.input = input;
        this.kernels = kernels;
        this.heads = sizes.heads();
        this.residual = residual;
        this.places = places;
        norm = new Norm(names.norm(), names.normWeight(), input, kernels, weights, sizes.width(), sizes.norm());
        sourceNorm = source == null
                ? null
                : new Norm(
                        names.sourceNorm(),
                        names.sourceNormWeight(),
                        source,
                        kernels,
                        weights,
                        sizes.sourceWidth(),
                        sizes.norm());
        TakenWeights taking = new TakenWeights(weights);
        query = projection(taking, "q", sizes.width(), heads.width());
        key = projection(taking, "k", sizes.sourceWidth(), heads.width());
        value = projection(taking, "v", sizes.sourceWidth(), heads.valueWidth());
        out = projection(taking, "out", heads.valueWidth(), sizes.width());
        this.weights = taking.list();
        queries = names.name() + ".query";
        keys = names.name() + ".key";
        values = names.name() + ".value";
        rotatedQueries = names.name() + ".rotated_query";
        rotatedKeys = names.name() + ".rotated_key";
        logits = names.name() + ".logits";
        probabilities = names.name() + ".probs";
        context = names.name() + ".context";
    }

    private Projection projection(TakenWeights taking, String part, int inputs, int outputs) {
        String name = names.weights() + "." + part;
        return kernels.projection(
                taking.take(name + ".weight", inputs, outputs), taking.take(name + ".bias", outputs), inputs, outputs);
    }

    /**
     * Computes the layer.
     *
     * @param x latents [rows, queries, width]; changed
     * @param source [rows, keys, source width], or null for the latents themselves
     */
    void forward(INDArray x, INDArray source, Work work, Position at, Probe probe) {
        INDArray normalised = work.tensor(Work.Slot.NORMALISED, x.shape());
        norm.forward(x, normalised, at, probe);
        INDArray from = normalised;
        if (sourceNorm != null) {
            from = work.tensor(Work.Slot.NORMALISED_SOURCE, source.shape());
            sourceNorm.forward(source, from, at, probe);
        }
        INDArray q = work.projected(query, normalised, Work.Slot.QUERIES);
        INDArray k = work.projected(key, from, Work.Slot.KEYS);
        INDArray v = work.projected(value, from, Work.Slot.VALUES);
        probe.offer(queries, at, q);
        probe.offer(keys, at, k);
        probe.offer(values, at, v);
        if (places.queries() != null) {
            places.queries().apply(kernels, q, heads.count());
            probe.offer(rotatedQueries, at, q);
        }
        if (places.keys() != null) {
            places.keys().apply(kernels, k, heads.count());
            probe.offer(rotatedKeys, at, k);
        }
        INDArray gathered = work.tensor(Work.Slot.CONTEXT, x.size(0), x.size(1), heads.valueWidth());
        try (KeyValues memory = kernels.keyValues(heads, k, v)) {
            attend(q, memory, gathered, work, at, probe);
        }
        probe.offer(context, at, gathered);
        INDArray flat = Work.flat(x);
        if (residual) {
            out.accumulate(Work.flat(gathered), flat, work.scratch());
        } else {
            out.apply(Work.flat(gathered), flat, work.scratch());
        }
        probe.offer(names.out(), at, x);
    }

    private void attend(INDArray q, KeyValues memory, INDArray gathered, Work work, Position at, Probe probe) {
        if (probe.wants(logits) || probe.wants(probabilities)) {
            long[] shape = {q.size(0), heads.count(), q.size(1), memory.length()};
            try (INDArray scores = Nd4j.createUninitialized(DataType.FLOAT, shape)) {
                memory.scores(q, places.bias(), false, scores, work.scratch());
                probe.offer(logits, at, scores);
                kernels.softmax(scores);
                probe.offer(probabilities, at, scores);
                memory.mix(scores, gathered, work.scratch());
            }
        } else {
            memory.attend(q, places.bias(), false, gathered, work.scratch());
        }
    }

    /** Name of the result. */
    String output() {
        return names.out();
    }

    @Override
    public String name() {
        return names.weights();
    }

    @Override
    public List<Layer> children() {
        return sourceNorm == null ? List.of(norm) : List.of(norm, sourceNorm);
    }

    @Override
    public List<String> taps() {
        return computations().stream().map(Computation::output).toList();
    }

    @Override
    public List<Computation> computations() {
        String from = sourceNorm == null ? norm.name() : sourceNorm.name();
        long count = heads.count();
        List<Computation> all = new ArrayList<>();
        all.add(projected(queries, norm.name(), "q"));
        all.add(projected(keys, from, "k"));
        all.add(projected(values, from, "v"));
        if (places.queries() != null) {
            all.add(rotated(rotatedQueries, queries));
        }
        if (places.keys() != null) {
            all.add(rotated(rotatedKeys, keys));
        }
        all.add(new Computation(
                logits,
                places.bias() == null ? Computation.SCORES : Computation.SCORES_BY_DISTANCE,
                List.of(
                        places.queries() == null ? queries : rotatedQueries,
                        places.keys() == null ? keys : rotatedKeys),
                places.bias() == null || places.weight() == null ? Map.of() : Map.of("slopes", places.weight()),
                Map.of("heads", count, "factor", (double) heads.scale(), "causal", false)));
        all.add(new Computation(probabilities, Computation.SOFTMAX, List.of(logits), Map.of(), Map.of()));
        all.add(new Computation(
                context, Computation.MIXTURE, List.of(probabilities, values), Map.of(), Map.of("heads", count)));
        Computation plain = projected(names.out(), context, "out");
        all.add(
                residual
                        ? new Computation(
                                names.out(),
                                Computation.PROJECTION_AND_SUM,
                                List.of(context, input),
                                plain.weights(),
                                plain.settings())
                        : plain);
        return all;
    }

    private Computation rotated(String output, String from) {
        return new Computation(
                output,
                Computation.ROTATION,
                List.of(from),
                Map.of("frequencies", places.weight()),
                Map.of("heads", (long) heads.count(), "pixel", places.pixel(), "halves", false));
    }

    private Computation projected(String output, String from, String part) {
        String weight = names.weights() + "." + part;
        return new Computation(
                output,
                Computation.PROJECTION,
                List.of(from),
                Map.of("weight", weight + ".weight", "bias", weight + ".bias"),
                Map.of("activation", Activation.NONE.word()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        norm.close();
        if (sourceNorm != null) {
            sourceNorm.close();
        }
        query.close();
        key.close();
        value.close();
        out.close();
        places.close();
    }
}
