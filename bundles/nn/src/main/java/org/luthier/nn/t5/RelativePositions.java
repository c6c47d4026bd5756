package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.KeyValues;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What self-attention adds to its scores by the distance of key and query (Raffel et al. 2020, section 2.1): near distances have a bucket
 * each, farther ones share some that widen with the logarithm. All blocks of a stack have the same. Tap: {@code NAME} [rows, heads,
 * queries, keys], of a causal one with the mask. Weight: {@code NAME.table} [buckets, heads].
 */
public final class RelativePositions implements Layer {
    private static final int BUCKETS = 32;
    private static final int FARTHEST = 128;

    private final String name;
    private final boolean causal;
    private final int heads;
    private final List<Weight> weights;
    private final float[] table;

    /** @param causal whether no vector sees those behind it */
    public RelativePositions(String name, boolean causal, Weights weights, int heads) {
        this.name = name;
        this.causal = causal;
        this.heads = heads;
        TakenWeights taken = new TakenWeights(weights);
        table = taken.take(name + ".table", BUCKETS, heads);
        this.weights = taken.list();
    }

    /** The bucket of a key that stands so many positions behind the query, or before it where that is negative. */
    static int bucket(int distance, boolean causal) {
        int buckets = causal ? BUCKETS : BUCKETS / 2;
        int first = !causal && distance > 0 ? buckets : 0;
        int n = causal ? Math.max(-distance, 0) : Math.abs(distance);
        int exact = buckets / 2;
        if (n < exact) {
            return first + n;
        }
        // In single precision, as the original: where the logarithm meets a border, rounding tells the bucket.
        float share = (float) Math.log((float) n / exact) / (float) Math.log((double) FARTHEST / exact);
        return first + Math.min(buckets - 1, exact + (int) (share * (buckets - exact)));
    }

    /**
     * The bias of queries at the end of a sequence.
     *
     * @param rows sequences, for a probe
     * @param length keys: positions so far, with those of the queries
     * @param queries how many
     * @return [heads, queries, keys]; if a probe wanted to see it [rows, heads, queries, keys] and of a causal one with the mask. The
     *     caller closes it
     */
    INDArray bias(int rows, int length, int queries, Position at, Probe probe) {
        boolean seen = probe.wants(name);
        float[] one = one(length, queries, seen && causal);
        if (!seen) {
            return Nd4j.create(one, new long[] {heads, queries, length}, 'c');
        }
        float[] all = new float[rows * one.length];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(one, 0, all, row * one.length, one.length);
        }
        INDArray bias = Nd4j.create(all, new long[] {rows, heads, queries, length}, 'c');
        probe.tap(name, at, bias);
        return bias;
    }

    private float[] one(int length, int queries, boolean masked) {
        float[] bias = new float[heads * queries * length];
        for (int query = 0; query < queries; query++) {
            int position = length - queries + query;
            for (int key = 0; key < length; key++) {
                int bucket = bucket(key - position, causal);
                float mask = masked && key > position ? KeyValues.MASKED : 0;
                for (int head = 0; head < heads; head++) {
                    bias[(head * queries + query) * length + key] = table[bucket * heads + head] + mask;
                }
            }
        }
        return bias;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(name);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                name,
                Computation.RELATIVE_POSITIONS,
                List.of(),
                Map.of("table", name + ".table"),
                Map.of("farthest", (long) FARTHEST, "causal", causal)));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }
}
