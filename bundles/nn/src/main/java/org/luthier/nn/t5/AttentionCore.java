package org.luthier.nn.t5;

import java.util.List;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What self-attention and cross-attention have in common: the taps, and all that follows once there are queries, keys and values. */
final class AttentionCore implements AutoCloseable {
    private final String queries;
    private final String keys;
    private final String values;
    private final String logits;
    private final String probabilities;
    private final String context;
    private final String out;
    private final Kernels kernels;
    private final int heads;
    private final ResidualProjection output;

    AttentionCore(String name, Kernels kernels, TakenWeights taken, T5Sizes sizes) {
        this.queries = name + ".q";
        this.keys = name + ".k";
        this.values = name + ".v";
        this.logits = name + ".logits";
        this.probabilities = name + ".probs";
        this.context = name + ".context";
        this.out = name + ".out";
        this.kernels = kernels;
        this.heads = sizes.heads().count();
        int width = sizes.heads().width();
        output = new ResidualProjection(
                out, kernels, taken.take(out + ".weight", width, sizes.model()), width, sizes.model());
    }

    List<String> taps() {
        return List.of(queries, keys, values, logits, probabilities, context, out);
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
     * @param causal whether no vector sees those behind it
     */
    void attend(Sequences q, KeyValues memory, boolean causal, Batch x, Position at, Probe probe) {
        INDArray gathered = x.context().shaped(); // [rows, length, heads * size]
        if (probe.wants(logits) || probe.wants(probabilities)) {
            long[] shape = {x.rows(), heads, x.length(), memory.length()};
            try (INDArray scores = Nd4j.createUninitialized(DataType.FLOAT, shape)) { // [rows, heads, queries, keys]
                memory.scores(q.shaped(), causal, scores, x.scratch());
                probe.offer(logits, at, scores);
                kernels.softmax(scores);
                probe.offer(probabilities, at, scores);
                memory.mix(scores, gathered, x.scratch());
            }
        } else {
            memory.attend(q.shaped(), causal, gathered, x.scratch());
        }
        probe.offer(context, at, gathered);
        output.forward(x.context(), x, at, probe); // stream: [rows, length, model]
    }

    @Override
    public void close() {
        output.close();
    }
}
