package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;

/**
 * A decoder of ids: vectors for them, told their positions, passed through blocks, a last norm and a matrix to the logits that is not that
 * of the vectors. Layers: {@code NAME.token_embedding}, {@code NAME.embedded}, {@code NAME.layer0}, ..., {@code NAME.out} and
 * {@code NAME.logits}. The ids that it is fed are {@code NAME.input_ids} to {@link Layer#computations}.
 */
public final class DecoderStack implements Layer, AutoCloseable {
    private final String name;
    private final Kernels kernels;
    private final T5Sizes sizes;
    private final Embedding tokenEmbedding;
    private final SinusoidPositions embedded;
    private final List<DecoderBlock> blocks = new ArrayList<>();
    private final RmsNorm out;
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
        this.name = name;
        this.kernels = kernels;
        this.sizes = sizes;
        tokenEmbedding =
                new Embedding(name + ".token_embedding", name + ".input_ids", kernels, weights, ids, sizes.model());
        embedded = new SinusoidPositions(name + ".embedded", tokenEmbedding, kernels, positions, sizes.model());
        String stream = embedded.name();
        for (int i = 0; i < layers; i++) {
            DecoderBlock block = new DecoderBlock(name + ".layer" + i, stream, encoded, kernels, weights, sizes);
            blocks.add(block);
            stream = block.output();
        }
        out = new RmsNorm(name + ".out", stream, kernels, weights, sizes.model());
        logits = new Linear(name + ".logits", out.name(), kernels, weights, sizes.model(), ids);
    }

    /** Number of logits. */
    public int ids() {
        return logits.outputs();
    }

    /** Whether the probe wants something of what is behind the blocks. */
    public boolean wantsLogits(Probe probe) {
        return probe.wants(out.name()) || probe.wants(logits.name());
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
        embedded.forward(x.stream(), first, at, probe);
        for (int i = 0; i < blocks.size(); i++) {
            blocks.get(i).forward(x, state.before(i), state.encoded(i), at, probe);
        }
        if (y != null) {
            out.forward(x.stream(), x.normalised(), at, probe); // normalised: [rows, length, model]
            logits.forward(x.normalised(), y, x.scratch(), at, probe); // y: [rows, length, ids]
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>(List.of(tokenEmbedding, embedded));
        children.addAll(blocks);
        children.add(out);
        children.add(logits);
        return List.copyOf(children);
    }

    @Override
    public List<String> taps() {
        return List.of();
    }

    /** Frees the weights. */
    @Override
    public void close() {
        tokenEmbedding.close();
        embedded.close();
        blocks.forEach(DecoderBlock::close);
        out.close();
        logits.close();
    }
}
