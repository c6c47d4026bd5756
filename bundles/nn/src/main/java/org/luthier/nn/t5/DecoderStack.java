package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A decoder of ids: vectors for them, told their positions, passed through blocks, a last norm and a matrix to the logits that is not that
 * of the vectors. Layers: {@code NAME.token_embedding}, {@code NAME.embedded}, {@code NAME.layer0}, ..., {@code NAME.out} and
 * {@code NAME.logits}; of relative positions {@code NAME.position_bias} instead of {@code NAME.embedded}. Tap of scaled logits: {@code
 * NAME.scaled}, the end times the factor. The ids that it is fed are {@code NAME.input_ids} to {@link Layer#computations}.
 */
public final class DecoderStack implements Layer, AutoCloseable {
    private final String name;
    private final Kernels kernels;
    private final T5Sizes sizes;
    private final Embedding tokenEmbedding;
    private final AddedPositions embedded;
    private final RelativePositions relative;
    private final List<DecoderBlock> blocks = new ArrayList<>();
    private final Norm out;
    private final double logitFactor;
    private final String scaled;
    private final Linear logits;

    /**
     * Takes the weights.
     *
     * @param encoded name of what the encoder makes
     * @param layers number of blocks
     * @param ids rows of the embedding and of the output, padded ones included
     * @param positions most ids of a sequence
     */
    public DecoderStack(
            String name,
            String encoded,
            Kernels kernels,
            Weights weights,
            T5Sizes sizes,
            int layers,
            int ids,
            int positions) {
        this(name, encoded, kernels, weights, sizes, T5Form.USUAL, layers, ids, positions);
    }

    /**
     * Takes the weights.
     *
     * @param encoded name of what the encoder makes
     * @param layers number of blocks
     * @param ids rows of the embedding and of the output, padded ones included
     * @param positions most ids of a sequence, where a table has them
     */
    public DecoderStack(
            String name,
            String encoded,
            Kernels kernels,
            Weights weights,
            T5Sizes sizes,
            T5Form form,
            int layers,
            int ids,
            int positions) {
        this.name = name;
        this.logitFactor = form.logitFactor();
        this.scaled = logitFactor == 1 ? null : name + ".scaled";
        this.kernels = kernels;
        this.sizes = sizes;
        tokenEmbedding =
                new Embedding(name + ".token_embedding", name + ".input_ids", kernels, weights, ids, sizes.model());
        String added = name + ".embedded";
        embedded = switch (form.positions()) {
            case SINUSOIDS -> new SinusoidPositions(added, tokenEmbedding, kernels, positions, sizes.model());
            case STORED ->
                new StoredPositions(added, tokenEmbedding.name(), kernels, weights, positions, sizes.model());
            case RELATIVE -> null;
        };
        relative = form.positions() == T5Form.Positions.RELATIVE
                ? new RelativePositions(
                        name + ".position_bias", true, weights, sizes.heads().count())
                : null;
        String stream = embedded == null ? tokenEmbedding.name() : embedded.name();
        String bias = relative == null ? null : relative.name();
        for (int i = 0; i < layers; i++) {
            DecoderBlock block =
                    new DecoderBlock(name + ".layer" + i, stream, encoded, bias, kernels, weights, sizes, form);
            blocks.add(block);
            stream = block.output();
        }
        out = new Norm(name + ".out", stream, kernels, weights, sizes.model(), T5Sizes.NORM);
        logits = new Linear(
                name + ".logits", scaled == null ? out.name() : scaled, kernels, weights, sizes.model(), ids);
    }

    /** Number of logits. */
    public int ids() {
        return logits.outputs();
    }

    /** Whether the probe wants something of what is behind the blocks. */
    public boolean wantsLogits(Probe probe) {
        return probe.wants(out.name()) || probe.wants(logits.name()) || (scaled != null && probe.wants(scaled));
    }

    /**
     * Begins with new sequences.
     *
     * @param encoded what an encoder made [rows, encoder length, model]; not used after the call
     * @param state of the sequences before, which are forgotten
     */
    public void begin(Sequences encoded, DecoderState state, Scratch scratch, Position at, Probe probe) {
        state.close();
        try (Memory memory = new Memory()) {
            for (DecoderBlock block : blocks) {
                state.add(
                        block.keysValues(encoded, memory, scratch, at, probe), // [rows, encoder length, heads * size]
                        kernels.cache(sizes.heads(), (int) encoded.shaped().size(0)));
            }
        }
    }

    /**
     * Feeds ids.
     *
     * @param ids [rows * length], row by row
     * @param state what the sequences were before; grows by the length
     * @param x views for these rows and this length
     * @param y [rows, length, ids]; overwritten with the logits. Null if nobody wants any
     */
    public void forward(int[] ids, DecoderState state, Batch x, Sequences y, Position at, Probe probe) {
        int first = state.length();
        tokenEmbedding.forward(ids, x.stream(), at, probe); // stream: [rows, length, model]
        if (embedded != null) {
            embedded.forward(x.stream(), first, at, probe);
        }
        int end = first + x.length();
        try (INDArray bias = relative == null ? null : relative.bias(x.rows(), end, x.length(), at, probe)) {
            for (int i = 0; i < blocks.size(); i++) {
                blocks.get(i).forward(x, state.before(i), state.encoded(i), bias, at, probe);
            }
        }
        if (y != null) {
            out.forward(x.stream().shaped(), x.normalised().shaped(), at, probe); // normalised: [rows, length, model]
            if (scaled != null) {
                kernels.affine(
                        x.normalised().flat(),
                        (float) logitFactor,
                        0,
                        x.normalised().flat());
                probe.offer(scaled, at, x.normalised().shaped());
            }
            logits.forward(x.normalised(), y, x.scratch(), at, probe); // y: [rows, length, ids]
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>();
        Stream.of(tokenEmbedding, embedded, relative).filter(Objects::nonNull).forEach(children::add);
        children.addAll(blocks);
        children.add(out);
        children.add(logits);
        return List.copyOf(children);
    }

    @Override
    public List<String> taps() {
        return scaled == null ? List.of() : List.of(scaled);
    }

    @Override
    public List<Computation> computations() {
        return scaled == null
                ? List.of()
                : List.of(new Computation(
                        scaled, Computation.SCALING, List.of(out.name()), Map.of(), Map.of("factor", logitFactor)));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        tokenEmbedding.close();
        if (embedded != null) {
            embedded.close();
        }
        blocks.forEach(DecoderBlock::close);
        out.close();
        logits.close();
    }
}
