package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Perceiver-TF (Lu et al. 2023): a few latents for each time gather what the spectrum has, exchange it among themselves, and each over time;
 * so block after block.
 *
 * <p>Taps: {@code encoder.source} [rows * time, tokens, features], what latents attend to; {@code encoder.block0.in(latents+pos)} [rows, time,
 * latents, width]; of each block {@code NAME.by_time} [rows * time, latents, width] and {@code NAME.by_latent} [rows * latents, time, width];
 * {@code encoder.out} [rows, time, latents, width]. In tensors of rows * time a channel of the position is a time, in those of rows * latents
 * it is a latent.
 */
final class PerceiverEncoder implements Layer, AutoCloseable {
    static final String OUT = "encoder.out";

    private static final String NAME = "encoder";
    private static final String SOURCE = NAME + ".source";
    private static final String BEGINNING = NAME + ".block0.in(latents+pos)";
    private static final String LATENTS = NAME + ".latents";
    private static final String PLACES = NAME + ".position_embedding";
    private static final String TEMPORAL_PLACES = NAME + ".temporal_position_embedding";

    /** Times that have trained places beyond those of a segment. */
    private static final int SPARE = 10;

    private final String input;
    private final Kernels kernels;
    private final YourMt3Configuration.Perceiver sizes;
    private final int times;
    /** What every segment begins with: latents and where they stand [time, latents, width]. */
    private final INDArray beginning;
    /** Added before the first exchange over time [time, width], or null. */
    private final INDArray temporalPlaces;

    private final List<Block> blocks = new ArrayList<>();
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param input name of what the pre-encoder made [rows, time, frequencies, channels]
     * @param times of a segment
     * @param tokens vectors that latents of a time attend to
     */
    PerceiverEncoder(
            String input,
            Kernels kernels,
            Weights weights,
            YourMt3Configuration.Perceiver sizes,
            int times,
            int tokens) {
        this.input = input;
        this.kernels = kernels;
        this.sizes = sizes;
        this.times = times;
        TakenWeights taking = new TakenWeights(weights);
        beginning = Nd4j.create(beginning(taking), new long[] {times, sizes.latents(), sizes.width()}, 'c');
        temporalPlaces = sizes.positions() == YourMt3Configuration.Positions.KDT
                ? Nd4j.create(
                        Arrays.copyOf(
                                taking.take(TEMPORAL_PLACES, times + SPARE, sizes.width()), times * sizes.width()),
                        new long[] {times, sizes.width()},
                        'c')
                : null;
        Knowledge spectral = knowledge(taking, "spectral", sizes.spectralRotation(), sizes.crossHeads());
        Knowledge local = knowledge(taking, "local", sizes.localRotation(), sizes.selfHeads());
        Knowledge temporal = knowledge(taking, "temporal", sizes.temporalRotation(), sizes.selfHeads());
        String from = BEGINNING;
        for (int i = 0; i < sizes.blocks(); i++) {
            Block block = new Block(NAME + ".block" + i, from, weights, spectral, local, temporal, tokens);
            blocks.add(block);
            from = block.output();
        }
        this.weights = taking.list();
    }

    /** Latents and their places, for each time. */
    private float[] beginning(TakenWeights taking) {
        int latents = sizes.latents();
        int width = sizes.width();
        float[] array = taking.take(LATENTS, latents, width);
        float[] result = new float[times * latents * width];
        float[] places = switch (sizes.positions()) {
            case TKD -> taking.take(PLACES, times + SPARE, latents, width);
            case TD -> taking.take(PLACES, times + SPARE, width);
            case TK -> taking.take(PLACES, times + SPARE, latents);
            case KDT -> taking.take(PLACES, latents, width);
            case NONE, ROPE, ALIBI, ALIBIT -> null;
        };
        for (int i = 0; i < result.length; i++) {
            int column = i % width;
            int latent = i / width % latents;
            int time = i / width / latents;
            result[i] = array[latent * width + column]
                    + switch (sizes.positions()) {
                        case TKD -> places[i];
                        case TD -> places[time * width + column];
                        case TK -> places[time * latents + latent];
                        case KDT -> places[latent * width + column];
                        case NONE, ROPE, ALIBI, ALIBIT -> 0;
                    };
        }
        return result;
    }

    /**
     * What the attentions of one kind know of where their vectors stand.
     *
     * @param weight name of the frequencies of their rotation
     * @param frequencies of it, or null
     */
    private record Knowledge(String weight, float[] frequencies, boolean pixel, int heads) {}

    private Knowledge knowledge(TakenWeights taking, String kind, YourMt3Configuration.Rotation rotation, int heads) {
        String weight = NAME + ".rotary_" + kind + ".frequencies";
        float[] frequencies = sizes.positions() == YourMt3Configuration.Positions.ROPE
                ? taking.take(weight, sizes.rotated() / 2)
                : null;
        return new Knowledge(weight, frequencies, rotation == YourMt3Configuration.Rotation.PIXEL, heads);
    }

    private Places places(Knowledge knowledge, String attention, Weights weights, int queries, int keys) {
        int heads = knowledge.heads();
        return switch (sizes.positions()) {
            case NONE, TKD, TD, TK, KDT -> Places.UNKNOWN;
            case ROPE ->
                new Places(
                        null,
                        Places.Rotation.of(knowledge.frequencies(), knowledge.pixel(), queries),
                        sizes.rotateKeys()
                                ? Places.Rotation.of(knowledge.frequencies(), knowledge.pixel(), keys)
                                : null,
                        knowledge.weight(),
                        knowledge.pixel());
            case ALIBI -> Places.distances(Places.slopes(heads), scale(heads), queries, keys);
            case ALIBIT -> {
                String slopes = attention + ".alibi.slopes";
                yield Places.distances(Places.trained(weights.take(slopes, heads, 1, 1)), scale(heads), queries, keys)
                        .named(slopes);
            }
        };
    }

    private float scale(int heads) {
        return (float) (1 / Math.sqrt((double) sizes.queries() / heads));
    }

    private LatentAttention.Sizes attended(int sourceWidth, int heads) {
        return new LatentAttention.Sizes(
                sizes.width(),
                sourceWidth,
                new Heads(heads, sizes.queries() / heads, sizes.values() / heads, scale(heads)),
                new Norm.Kind(sizes.rms(), sizes.epsilon()));
    }

    /** One round of gathering and exchange. */
    private final class Block implements Layer, AutoCloseable {
        private final String name;
        private final String from;
        private final String byTime;
        private final String byLatent;
        private final LatentAttention spectral;
        private final List<LatentTransformer> local = new ArrayList<>();
        private final List<LatentTransformer> temporal = new ArrayList<>();

        Block(
                String name,
                String from,
                Weights weights,
                Knowledge spectralPlaces,
                Knowledge localPlaces,
                Knowledge temporalPlaces,
                int tokens) {
            this.name = name;
            this.from = from;
            byTime = name + ".by_time";
            byLatent = name + ".by_latent";
            int latents = sizes.latents();
            LatentAttention.Names names = LatentAttention.Names.spectral(name);
            spectral = new LatentAttention(
                    names,
                    byTime,
                    SOURCE,
                    kernels,
                    weights,
                    attended(sizes.sourceWidth(), sizes.crossHeads()),
                    sizes.residual(),
                    places(spectralPlaces, names.weights(), weights, latents, tokens));
            String next = spectral.output();
            for (int i = 0; i < sizes.local(); i++) {
                local.add(transformer(name + ".local" + i, next, weights, localPlaces, latents));
                next = local.get(i).output();
            }
            next = byLatent;
            for (int i = 0; i < sizes.temporal(); i++) {
                temporal.add(transformer(name + ".temporal" + i, next, weights, temporalPlaces, times));
                next = temporal.get(i).output();
            }
        }

        private LatentTransformer transformer(
                String transformer, String before, Weights weights, Knowledge knowledge, int length) {
            return new LatentTransformer(
                    transformer,
                    before,
                    kernels,
                    weights,
                    sizes,
                    attended(sizes.width(), sizes.selfHeads()),
                    places(knowledge, transformer + ".attention", weights, length, length));
        }

        /** Name of the latents as they go out. */
        String output() {
            return temporal.get(temporal.size() - 1).output();
        }

        /** Works on the latents of each time, leaves them as the times of each latent. */
        INDArray forward(INDArray latents, INDArray source, Work work, Position at, Probe probe) {
            long rows = at.rows();
            Position atTimes = at.parts(times);
            probe.offer(byTime, atTimes, latents);
            spectral.forward(latents, source, work, atTimes, probe);
            for (LatentTransformer each : local) {
                each.forward(latents, work, atTimes, probe);
            }
            long[] shape = {rows * sizes.latents(), times, sizes.width()};
            INDArray series = work.tensor(Work.Slot.BY_LATENT, shape);
            series.reshape('c', rows, sizes.latents(), times, sizes.width())
                    .assign(latents.reshape('c', rows, times, sizes.latents(), sizes.width())
                            .permute(0, 2, 1, 3));
            Position atLatents = at.parts(sizes.latents());
            if (temporalPlaces != null && from.equals(BEGINNING)) {
                kernels.add(series, temporalPlaces);
            }
            probe.offer(byLatent, atLatents, series);
            for (LatentTransformer each : temporal) {
                each.forward(series, work, atLatents, probe);
            }
            return series;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<Layer> children() {
            List<Layer> children = new ArrayList<>(List.of(spectral));
            children.addAll(local);
            children.addAll(temporal);
            return children;
        }

        @Override
        public List<String> taps() {
            return List.of(byTime, byLatent);
        }

        @Override
        public List<Computation> computations() {
            String before = local.get(local.size() - 1).output();
            boolean placed = temporalPlaces != null && from.equals(BEGINNING);
            return List.of(
                    arranged(byTime, from, from.equals(BEGINNING) ? "b t k d -> (b t) k d" : "(b k) t d -> (b t) k d"),
                    new Computation(
                            byLatent,
                            placed ? Computation.REARRANGEMENT_AND_POSITIONS : Computation.REARRANGEMENT,
                            List.of(before),
                            placed ? Map.of("table", TEMPORAL_PLACES) : Map.of(),
                            Map.of("pattern", "(b t) k d -> (b k) t d")));
        }

        @Override
        public void close() {
            spectral.close();
            local.forEach(LatentTransformer::close);
            temporal.forEach(LatentTransformer::close);
        }
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, time, frequencies, channels]
     * @param y [rows, time, latents, width]; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long rows = x.size(0);
        int latents = sizes.latents();
        int width = sizes.width();
        INDArray source = source(x, work);
        probe.offer(SOURCE, at.parts(times), source);
        INDArray byTime = work.tensor(Work.Slot.BY_TIME, rows * times, latents, width);
        INDArray stream = byTime.reshape('c', rows, times, latents, width);
        stream.assign(0);
        kernels.add(stream, beginning);
        probe.offer(BEGINNING, at, stream);
        for (Block block : blocks) {
            INDArray series = block.forward(byTime, source, work, at, probe);
            stream.assign(series.reshape('c', rows, latents, times, width).permute(0, 2, 1, 3));
        }
        y.assign(stream);
        probe.offer(OUT, at, y);
    }

    /** [rows * time, channels, frequencies], or frequencies and channels the other way round. */
    private INDArray source(INDArray x, Work work) {
        long vectors = x.size(0) * x.size(1);
        INDArray byFrequency = x.reshape('c', vectors, x.size(2), x.size(3));
        if (!sizes.overChannels()) {
            return byFrequency;
        }
        INDArray source = work.tensor(Work.Slot.SOURCE, vectors, x.size(3), x.size(2));
        source.assign(byFrequency.permute(0, 2, 1));
        return source;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Layer> children() {
        return List.copyOf(blocks);
    }

    @Override
    public List<String> taps() {
        return List.of(SOURCE, BEGINNING, OUT);
    }

    @Override
    public List<Computation> computations() {
        boolean placed = weights.stream().anyMatch(weight -> weight.name().equals(PLACES));
        return List.of(
                arranged(SOURCE, input, sizes.overChannels() ? "b t f c -> (b t) c f" : "b t f c -> (b t) f c"),
                new Computation(
                        BEGINNING,
                        Computation.LATENTS,
                        List.of(),
                        placed ? Map.of("latents", LATENTS, "places", PLACES) : Map.of("latents", LATENTS),
                        Map.of(
                                "places",
                                switch (sizes.positions()) {
                                    case TKD -> "t k d";
                                    case TD -> "t d";
                                    case TK -> "t k";
                                    case KDT -> "k d";
                                    case NONE, ROPE, ALIBI, ALIBIT -> "";
                                })),
                arranged(OUT, blocks.get(blocks.size() - 1).output(), "(b k) t d -> b t k d"));
    }

    private static Computation arranged(String output, String from, String pattern) {
        return new Computation(output, Computation.REARRANGEMENT, List.of(from), Map.of(), Map.of("pattern", pattern));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        beginning.close();
        if (temporalPlaces != null) {
            temporalPlaces.close();
        }
        blocks.forEach(Block::close);
    }
}
