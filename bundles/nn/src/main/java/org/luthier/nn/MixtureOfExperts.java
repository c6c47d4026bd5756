package org.luthier.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A feed-forward layer of several gated experts, of which a router chooses some for each vector (Jiang et al. 2024). Only the chosen are
 * computed.
 *
 * <p>Taps: {@code NAME.router} [rows, length, experts], the router's logits; {@code NAME.experts} [rows, length, chosen], the indices of
 * the chosen, the most probable first, as numbers; {@code NAME.weights} of the same shape, softmax over all experts, divided by the sum of
 * the chosen; {@code NAME.expertN.out} [rows, length, width]: what expert N makes of the vectors that chose it, before weighting, and 0
 * at all others; {@code NAME}, the weighted sum [rows, length, width]. Weights: {@code NAME.router.weight} [width, experts]; {@code
 * NAME.expertN.gate.weight} and {@code NAME.expertN.up.weight} [width, hidden], of which the first is activated; {@code
 * NAME.expertN.down.weight} [hidden, width].
 */
public final class MixtureOfExperts implements Layer, AutoCloseable {
    private final String name;
    private final String input;
    private final String router;
    private final String choice;
    private final String shares;
    private final int width;
    private final int hidden;
    private final int chosen;
    private final Activation activation;
    private final Kernels kernels;
    private final List<Weight> weights;
    private final Projection routing;
    private final List<Expert> experts = new ArrayList<>();

    private record Expert(String out, Projection gateAndUp, Projection down) {}

    /**
     * Takes the weights.
     *
     * @param input name of what it works on
     * @param hidden width inside an expert
     * @param experts how many there are
     * @param chosen how many are chosen for each vector
     */
    public MixtureOfExperts(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            int width,
            int hidden,
            int experts,
            int chosen,
            Activation activation) {
        this.name = name;
        this.input = input;
        this.router = name + ".router";
        this.choice = name + ".experts";
        this.shares = name + ".weights";
        this.width = width;
        this.hidden = hidden;
        this.chosen = chosen;
        this.activation = activation;
        this.kernels = kernels;
        TakenWeights taken = new TakenWeights(weights);
        routing = kernels.projection(taken.take(router + ".weight", width, experts), width, experts);
        for (int i = 0; i < experts; i++) {
            String expert = name + ".expert" + i;
            float[] gateAndUp = taken.takeBeside(width, hidden, expert + ".gate.weight", expert + ".up.weight");
            float[] down = taken.take(expert + ".down.weight", hidden, width);
            this.experts.add(new Expert(
                    expert + ".out",
                    kernels.projection(gateAndUp, width, 2 * hidden),
                    kernels.projection(down, hidden, width)));
        }
        this.weights = taken.list();
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width], row-major without gaps
     * @param y [rows, length, width], row-major without gaps; overwritten, does not overlap x
     */
    public void forward(INDArray x, INDArray y, Scratch scratch, Position at, Probe probe) {
        long rows = x.size(0);
        long length = x.size(1);
        int vectors = Math.toIntExact(rows * length);
        INDArray flat = x.reshape('c', vectors, width);
        Choice made = choose(flat, rows, length, scratch, at, probe);
        y.assign(0);
        INDArray sum = y.reshape('c', vectors, width);
        try (Room room = new Room(made.most(experts.size()))) {
            for (int i = 0; i < experts.size(); i++) {
                made.gather(i);
                Expert expert = experts.get(i);
                if (made.vectors.length > 0) {
                    compute(
                            expert,
                            flat,
                            made,
                            sum,
                            room,
                            scratch,
                            shown -> offer(expert.out, shown, made, x.shape(), at, probe));
                } else if (probe.wants(expert.out)) {
                    try (INDArray nothing = Nd4j.create(DataType.FLOAT, x.shape())) {
                        probe.tap(expert.out, at, nothing);
                    }
                }
            }
        }
        probe.offer(name, at, y);
    }

    /** What one expert after the other works in: memory that is new costs more than what is done in it. */
    private final class Room implements AutoCloseable {
        private final INDArray vectors;
        private final INDArray gateAndUp;
        private final INDArray gated;

        /** @param most vectors of an expert */
        private Room(int most) {
            vectors = Nd4j.createUninitialized(DataType.FLOAT, most, width);
            gateAndUp = Nd4j.createUninitialized(DataType.FLOAT, most, 2L * hidden);
            gated = Nd4j.createUninitialized(DataType.FLOAT, most, hidden);
        }

        @Override
        public void close() {
            vectors.close();
            gateAndUp.close();
            gated.close();
        }
    }

    /** @param shown takes what the expert makes, before it is added */
    private void compute(
            Expert expert,
            INDArray x,
            Choice made,
            INDArray sum,
            Room room,
            Scratch scratch,
            Consumer<INDArray> shown) {
        INDArrayIndex some = NDArrayIndex.interval(0, made.vectors.length);
        INDArray gathered = room.vectors.get(some, NDArrayIndex.all());
        INDArray both = room.gateAndUp.get(some, NDArrayIndex.all());
        INDArray gated = room.gated.get(some, NDArrayIndex.all());
        kernels.lookup(x, made.vectors, gathered); // [n, width]
        expert.gateAndUp.apply(gathered, both, scratch); // [n, 2 * hidden]
        INDArray gate = room.gateAndUp.get(some, NDArrayIndex.interval(0, hidden));
        INDArray up = room.gateAndUp.get(some, NDArrayIndex.interval(hidden, 2L * hidden));
        kernels.gate(activation, gate, up, gated); // [n, hidden]
        expert.down.apply(gated, gathered, scratch); // [n, width]
        shown.accept(gathered);
        kernels.scatterAdd(gathered, made.factors, made.vectors, sum);
    }

    /** Offers what an expert made, among all vectors, and takes what becomes of it. */
    private void offer(String tap, INDArray made, Choice choice, long[] shape, Position at, Probe probe) {
        if (probe.wants(tap)) {
            float[] once = new float[choice.vectors.length];
            Arrays.fill(once, 1);
            try (INDArray all = Nd4j.create(DataType.FLOAT, shape)) {
                INDArray vectors = all.reshape('c', all.length() / width, width);
                kernels.scatterAdd(made, once, choice.vectors, vectors);
                probe.tap(tap, at, all);
                kernels.lookup(vectors, choice.vectors, made);
            }
        }
    }

    private Choice choose(INDArray flat, long rows, long length, Scratch scratch, Position at, Probe probe) {
        int vectors = (int) flat.size(0);
        try (INDArray logits = Nd4j.createUninitialized(DataType.FLOAT, vectors, experts.size())) {
            routing.apply(flat, logits, scratch); // [vectors, experts]
            probe.offer(router, at, logits.reshape('c', rows, length, experts.size()));
            kernels.softmax(logits);
            Choice made = new Choice(HostFloats.copy(logits), experts.size(), chosen);
            offer(choice, made.indices, rows, length, at, probe);
            offer(shares, made.shares, rows, length, at, probe);
            return made;
        }
    }

    /** Offers what the host has, and takes what becomes of it. */
    private void offer(String tap, float[] values, long rows, long length, Position at, Probe probe) {
        if (probe.wants(tap)) {
            try (INDArray tensor = Nd4j.create(values.clone(), new long[] {rows, length, chosen}, 'c')) {
                probe.tap(tap, at, tensor);
                HostFloats.read(tensor, values);
            }
        }
    }

    /** Which experts each vector has chosen, and then the vectors of one of them. */
    private static final class Choice {
        private final int chosen;

        /** [vectors, chosen]; numbers, for a probe sees them and may change them. */
        private final float[] indices;

        /** [vectors, chosen]. */
        private final float[] shares;

        private int[] vectors;
        private float[] factors;

        /** @param probabilities [vectors, experts] */
        private Choice(float[] probabilities, int experts, int chosen) {
            this.chosen = chosen;
            int count = probabilities.length / experts;
            indices = new float[count * chosen];
            shares = new float[count * chosen];
            for (int vector = 0; vector < count; vector++) {
                float[] left = Arrays.copyOfRange(probabilities, vector * experts, (vector + 1) * experts);
                float sum = 0;
                for (int k = vector * chosen; k < (vector + 1) * chosen; k++) {
                    int best = 0;
                    for (int i = 1; i < experts; i++) {
                        best = left[i] > left[best] ? i : best;
                    }
                    indices[k] = best;
                    shares[k] = left[best];
                    sum += left[best];
                    left[best] = -1;
                }
                for (int k = vector * chosen; k < (vector + 1) * chosen; k++) {
                    shares[k] /= sum;
                }
            }
        }

        /** Most vectors that chose the same expert. */
        private int most(int experts) {
            int[] counts = new int[experts];
            for (float index : indices) {
                counts[Math.round(index)]++;
            }
            return Arrays.stream(counts).max().orElse(0);
        }

        /** Finds the vectors that chose an expert: those that chose it first, then second, and so on. */
        private void gather(int expert) {
            int[] found = new int[indices.length];
            float[] foundFactors = new float[indices.length];
            int n = 0;
            for (int k = 0; k < chosen; k++) {
                for (int i = k; i < indices.length; i += chosen) {
                    if (Math.round(indices[i]) == expert) {
                        found[n] = i / chosen;
                        foundFactors[n++] = shares[i];
                    }
                }
            }
            vectors = Arrays.copyOf(found, n);
            factors = Arrays.copyOf(foundFactors, n);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        List<String> taps = new ArrayList<>(List.of(router, choice, shares));
        experts.forEach(expert -> taps.add(expert.out));
        taps.add(name);
        return List.copyOf(taps);
    }

    @Override
    public List<Computation> computations() {
        Map<String, String> roles = new TreeMap<>();
        for (int i = 0; i < experts.size(); i++) {
            for (String role : List.of("gate", "up", "down")) {
                roles.put(role + i, name + ".expert" + i + "." + role + ".weight");
            }
        }
        Map<String, Object> count = Map.of("count", (long) chosen);
        List<Computation> computations = new ArrayList<>(List.of(
                new Computation(
                        router,
                        Computation.PROJECTION,
                        List.of(input),
                        Map.of("weight", router + ".weight"),
                        Map.of("activation", Activation.NONE.word())),
                new Computation(choice, Computation.EXPERT_CHOICE, List.of(router), Map.of(), count),
                new Computation(shares, Computation.EXPERT_WEIGHTS, List.of(router), Map.of(), count)));
        for (int i = 0; i < experts.size(); i++) {
            computations.add(new Computation(
                    experts.get(i).out,
                    Computation.EXPERT,
                    List.of(input, choice),
                    Map.of("gate", roles.get("gate" + i), "up", roles.get("up" + i), "down", roles.get("down" + i)),
                    Map.of("expert", (long) i, "activation", activation.word())));
        }
        computations.add(new Computation(
                name,
                Computation.MIXTURE_OF_EXPERTS,
                List.of(input, choice, shares),
                roles,
                Map.of("experts", (long) experts.size(), "activation", activation.word())));
        return List.copyOf(computations);
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        routing.close();
        experts.forEach(expert -> {
            expert.gateAndUp.close();
            expert.down.close();
        });
    }
}
