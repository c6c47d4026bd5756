package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What self-attention and cross-attention have in common: the taps, and all that follows once there are queries, keys and values. */
final class AttentionCore implements AutoCloseable {
    private final String name;
    private final String input;
    private final String remembered;
    private final boolean causal;
    private final String bias;
    private final String queries;
    private final String keys;
    private final String values;
    private final String logits;
    private final String probabilities;
    private final String context;
    private final String out;
    private final Kernels kernels;
    private final Heads heads;
    private final ResidualProjection output;

    /**
     * Takes the weight of the output.
     *
     * @param input name of what the queries are made from
     * @param remembered name of what keys and values are made from
     * @param causal whether no vector sees those behind it
     * @param bias name of what is added to the scores; null for nothing
     */
    AttentionCore(
            String name,
            String input,
            String remembered,
            boolean causal,
            String bias,
            Kernels kernels,
            TakenWeights taken,
            T5Sizes sizes) {
        this.name = name;
        this.input = input;
        this.remembered = remembered;
        this.causal = causal;
        this.bias = bias;
        this.queries = name + ".q";
        this.keys = name + ".k";
        this.values = name + ".v";
        this.logits = name + ".logits";
        this.probabilities = name + ".probs";
        this.context = name + ".context";
        this.out = name + ".out";
        this.kernels = kernels;
        this.heads = sizes.heads();
        int width = heads.width();
        output = new ResidualProjection(
                out, kernels, taken.take(out + ".weight", width, sizes.model()), width, sizes.model());
    }

    List<String> taps() {
        return List.of(queries, keys, values, logits, probabilities, context, out);
    }

    List<Computation> computations() {
        long count = heads.count();
        List<String> scored = new ArrayList<>(List.of(queries, keys));
        if (bias != null) {
            scored.add(bias);
        }
        return List.of(
                Computed.projection(queries, input, name + ".q.weight"),
                Computed.projection(keys, remembered, name + ".k.weight"),
                Computed.projection(values, remembered, name + ".v.weight"),
                new Computation(
                        logits,
                        Computation.SCORES,
                        scored,
                        Map.of(),
                        Map.of("heads", count, "factor", (double) heads.scale(), "causal", causal)),
                new Computation(probabilities, Computation.SOFTMAX, List.of(logits), Map.of(), Map.of()),
                new Computation(
                        context, Computation.MIXTURE, List.of(probabilities, values), Map.of(), Map.of("heads", count)),
                Computed.projection(out, context, name + ".out.weight"));
    }

    /** Name of what is added to the stream. */
    String output() {
        return out;
    }

    void offerQueries(Sequences q, Position at, Probe probe) {
        probe.offer(queries, at, q.shaped());
    }

    void offerKeysAndValues(Sequences k, Sequences v, Position at, Probe probe) {
        probe.offer(keys, at, k.shaped());
        probe.offer(values, at, v.shaped());
    }

    /**
     * Adds softmax(q k^T) v W to the residual stream.
     *
     * @param q queries [rows, length, heads * size]
     * @param memory keys and values of the same rows
     * @param added to the scores, as {@link RelativePositions#bias} gives it; null for nothing
     */
    void attend(Sequences q, KeyValues memory, INDArray added, Batch x, Position at, Probe probe) {
        INDArray gathered = x.context().shaped(); // [rows, length, heads * size]
        boolean seen = added != null && added.rank() == 4;
        if (seen || probe.wants(logits) || probe.wants(probabilities)) {
            long[] shape = {x.rows(), heads.count(), x.length(), memory.length()};
            try (INDArray scores = Nd4j.createUninitialized(DataType.FLOAT, shape)) { // [rows, heads, queries, keys]
                if (seen) {
                    memory.scores(q.shaped(), false, scores, x.scratch());
                    kernels.add(scores, added); // with the mask
                } else {
                    memory.scores(q.shaped(), added, causal, scores, x.scratch());
                }
                probe.offer(logits, at, scores);
                kernels.softmax(scores);
                probe.offer(probabilities, at, scores);
                memory.mix(scores, gathered, x.scratch());
            }
        } else {
            memory.attend(q.shaped(), added, causal, gathered, x.scratch());
        }
        probe.offer(context, at, gathered);
        output.forward(x.context(), x, at, probe); // stream: [rows, length, model]
    }

    @Override
    public void close() {
        output.close();
    }
}
