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
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The vectors of a sequence attend to each other. They know where they stand by rotation, or by their distances (Dai et al. 2019).
 *
 * <p>NOTE: what is rotated is the input of the products that make queries and keys, not queries and keys themselves.
 *
 * <p>Taps: {@code NAME.rotated} with rotation; {@code NAME.query}, {@code NAME.key}, {@code NAME.value} and {@code NAME.context}; {@code OUT};
 * each [rows, length, width].
 */
final class ConformerAttention implements Layer, AutoCloseable {
    private static final double PERIOD = 10000;

    private final String name;
    private final String input;
    private final String out;
    private final Kernels kernels;
    private final Heads heads;
    private final int length;
    private final Projection query;
    private final Projection key;
    private final Projection value;
    private final Projection output;
    /** Null with distances. */
    private final Places.Rotation rotation;
    /** With distances: for each head what a distance counts [heads, 2 length - 1, size], from length - 1 down; else null. */
    private final INDArray distances;
    /** Added to queries for keys, and for distances [width]; or null. */
    private final INDArray contentBias;

    private final INDArray distanceBias;
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param out tap of the result
     * @param input name of the normalised vectors
     * @param frequencies that it is rotated by, or null with distances
     * @param length of a sequence
     */
    ConformerAttention(
            String name,
            String out,
            String input,
            Kernels kernels,
            Weights weights,
            YourMt3Configuration.Conformer sizes,
            float[] frequencies,
            int length) {
        this.name = name;
        this.out = out;
        this.input = input;
        this.kernels = kernels;
        this.length = length;
        int width = sizes.width();
        int size = width / sizes.heads();
        heads = new Heads(sizes.heads(), size, (float) (1 / Math.sqrt(size)));
        TakenWeights taking = new TakenWeights(weights);
        query = projection(taking, "q", width);
        key = projection(taking, "k", width);
        value = projection(taking, "v", width);
        output = projection(taking, "out", width);
        if (sizes.relative()) {
            rotation = null;
            contentBias = vector(taking.take(name + ".content_bias", heads.count(), size));
            distanceBias = vector(taking.take(name + ".position_bias", heads.count(), size));
            distances = distances(taking.take(name + ".positions.weight", width, width), width);
        } else {
            rotation = Places.Rotation.of(frequencies, false, length);
            contentBias = null;
            distanceBias = null;
            distances = null;
        }
        this.weights = taking.list();
    }

    private Projection projection(TakenWeights taking, String part, int width) {
        String weight = name + "." + part;
        return kernels.projection(
                taking.take(weight + ".weight", width, width), taking.take(weight + ".bias", width), width, width);
    }

    private static INDArray vector(float[] values) {
        return Nd4j.create(values, new long[] {values.length}, 'c');
    }

    /** The sinusoids of the distances, sines and cosines by turns, times the matrix. */
    private INDArray distances(float[] weight, int width) {
        int count = 2 * length - 1;
        float[] sinusoids = new float[count * width];
        for (int i = 0; i < sinusoids.length; i++) {
            int column = i % width;
            double angle = (length - 1 - i / width) * Math.pow(PERIOD, -(double) (column - column % 2) / width);
            sinusoids[i] = (float) (column % 2 == 0 ? Math.sin(angle) : Math.cos(angle));
        }
        try (INDArray table = Nd4j.create(sinusoids, new long[] {count, width}, 'c');
                INDArray matrix = Nd4j.create(weight, new long[] {width, width}, 'c');
                INDArray product = Nd4j.create(new long[] {count, width}, 'c')) {
            kernels.matmul(table, matrix, product);
            return product.reshape('c', count, heads.count(), heads.size())
                    .permute(1, 0, 2)
                    .dup('c');
        }
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width], normalised
     * @param y of its shape; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        INDArray from = x;
        if (rotation != null) {
            from = work.tensor(Work.Slot.SOURCE, x.shape());
            from.assign(x);
            kernels.rotate(from, heads.count(), true, rotation.cosines(), rotation.sines());
            probe.offer(name + ".rotated", at, from);
        }
        INDArray q = work.projected(query, from, Work.Slot.QUERIES);
        INDArray k = work.projected(key, from, Work.Slot.KEYS);
        INDArray v = work.projected(value, x, Work.Slot.VALUES);
        probe.offer(name + ".query", at, q);
        probe.offer(name + ".key", at, k);
        probe.offer(name + ".value", at, v);
        INDArray gathered = work.tensor(Work.Slot.CONTEXT, x.shape());
        if (distances == null) {
            try (KeyValues memory = kernels.keyValues(heads, k, v)) {
                memory.attend(q, false, gathered, work.scratch());
            }
        } else {
            for (int row = 0; row < x.size(0); row++) {
                INDArray own = row(q, row);
                // What a distance counts depends on the query: each row has a bias of its own.
                try (KeyValues memory = kernels.keyValues(heads, row(k, row), row(v, row));
                        INDArray bias = bias(own)) {
                    kernels.add(own, contentBias);
                    memory.attend(own, bias, false, row(gathered, row), work.scratch());
                }
            }
        }
        probe.offer(name + ".context", at, gathered);
        output.apply(Work.flat(gathered), Work.flat(y), work.scratch());
        probe.offer(out, at, y);
    }

    /** (q_i + v) r_(i-j) / sqrt(size) [heads, length, length] of the queries [1, length, width] of one row. */
    private INDArray bias(INDArray queries) {
        int count = 2 * length - 1;
        float[] bias = new float[heads.count() * length * length];
        try (INDArray moved = queries.dup('c');
                INDArray products = Nd4j.create(new long[] {length, count}, 'c')) {
            kernels.add(moved, distanceBias);
            INDArray lines = moved.reshape('c', length, heads.width());
            for (int head = 0; head < heads.count(); head++) {
                INDArray own = lines.get(
                        NDArrayIndex.all(),
                        NDArrayIndex.interval((long) head * heads.size(), (head + 1L) * heads.size()));
                kernels.matmul(
                        own,
                        distances
                                .get(NDArrayIndex.point(head), NDArrayIndex.all(), NDArrayIndex.all())
                                .transpose(),
                        products);
                kernels.affine(products, heads.scale(), 0, products);
                float[] values = HostFloats.copy(products);
                for (int i = 0; i < length; i++) {
                    System.arraycopy(values, i * count + length - 1 - i, bias, (head * length + i) * length, length);
                }
            }
        }
        return Nd4j.create(bias, new long[] {heads.count(), length, length}, 'c');
    }

    private static INDArray row(INDArray x, int row) {
        return x.get(NDArrayIndex.interval(row, row + 1), NDArrayIndex.all(), NDArrayIndex.all());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return computations().stream().map(Computation::output).toList();
    }

    @Override
    public List<Computation> computations() {
        String from = rotation == null ? input : name + ".rotated";
        long count = heads.count();
        List<Computation> all = new ArrayList<>();
        if (rotation != null) {
            all.add(new Computation(
                    from,
                    Computation.ROTATION,
                    List.of(input),
                    Map.of("frequencies", ConformerEncoder.FREQUENCIES),
                    Map.of("heads", count, "pixel", false, "halves", true)));
        }
        all.add(projected(name + ".query", from, "q"));
        all.add(projected(name + ".key", from, "k"));
        all.add(projected(name + ".value", input, "v"));
        all.add(new Computation(
                name + ".context",
                rotation == null ? Computation.ATTENTION_BY_DISTANCE : Computation.ATTENTION,
                List.of(name + ".query", name + ".key", name + ".value"),
                rotation == null
                        ? Map.of(
                                "contentBias",
                                name + ".content_bias",
                                "distanceBias",
                                name + ".position_bias",
                                "distances",
                                name + ".positions.weight")
                        : Map.of(),
                Map.of("heads", count, "factor", (double) heads.scale())));
        all.add(projected(out, name + ".context", "out"));
        return all;
    }

    private Computation projected(String result, String from, String part) {
        return new Computation(
                result,
                Computation.PROJECTION,
                List.of(from),
                Map.of("weight", name + "." + part + ".weight", "bias", name + "." + part + ".bias"),
                Map.of("activation", Activation.NONE.word()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        query.close();
        key.close();
        value.close();
        output.close();
        if (rotation == null) {
            contentBias.close();
            distanceBias.close();
            distances.close();
        } else {
            rotation.close();
        }
    }
}
