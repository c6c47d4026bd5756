package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;

/**
 * An encoder of vectors, such as frames of a spectrogram: brought to the width of the stream, told their positions, passed through blocks
 * and a last norm. Layers: {@code NAME.input_projection}, {@code NAME.embedded}, {@code NAME.layer0}, ... and {@code NAME.out}.
 */
public final class EncoderStack implements Layer, AutoCloseable {
    private final String name;
    private final Linear inputProjection;
    private final SinusoidPositions embedded;
    private final List<EncoderBlock> blocks = new ArrayList<>();
    private final RmsNorm out;

    /**
     * Takes the weights.
     *
     * @param input name of the vectors, for example a front end's last tensor
     * @param layers number of blocks
     * @param inputs width of the vectors
     * @param positions most vectors of a sequence
     */
    public EncoderStack(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            T5Sizes sizes,
            int layers,
            int inputs,
            int positions) {
        this.name = name;
        inputProjection = new Linear(name + ".input_projection", input, kernels, weights, inputs, sizes.model());
        embedded = new SinusoidPositions(name + ".embedded", inputProjection.name(), kernels, positions, sizes.model());
        String stream = embedded.name();
        for (int i = 0; i < layers; i++) {
            EncoderBlock block = new EncoderBlock(name + ".layer" + i, stream, kernels, weights, sizes);
            blocks.add(block);
            stream = block.output();
        }
        out = new RmsNorm(name + ".out", stream, kernels, weights, sizes.model());
    }

    /** Name of what it makes. */
    public String output() {
        return out.name();
    }

    /**
     * Encodes.
     *
     * @param input [rows, length, inputs]
     * @param x views for these rows and this length
     * @param encoded [rows, length, model]; overwritten
     */
    public void forward(Sequences input, Batch x, Sequences encoded, Position at, Probe probe) {
        inputProjection.forward(input, x.stream(), x.scratch(), at, probe); // stream: [rows, length, model]
        embedded.forward(x.stream(), 0, at, probe);
        for (EncoderBlock block : blocks) {
            block.forward(x, at, probe);
        }
        out.forward(x.stream(), encoded, at, probe); // encoded: [rows, length, model]
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>(List.of(inputProjection, embedded));
        children.addAll(blocks);
        children.add(out);
        return List.copyOf(children);
    }

    @Override
    public List<String> taps() {
        return List.of();
    }

    /** Frees the weights. */
    @Override
    public void close() {
        inputProjection.close();
        embedded.close();
        blocks.forEach(EncoderBlock::close);
        out.close();
    }
}
