package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An encoder of vectors, such as frames of a spectrogram: brought to the width of the stream, told their positions, passed through blocks
 * and a last norm. Layers: {@code NAME.input_projection}, {@code NAME.embedded}, {@code NAME.layer0}, ... and
 * {@code NAME.out}; of relative positions {@code NAME.position_bias} instead of {@code NAME.embedded}.
 */
public final class EncoderStack implements Layer, AutoCloseable {
    private final String name;
    private final Linear inputProjection;
    private final AddedPositions embedded;
    private final RelativePositions relative;
    private final List<EncoderBlock> blocks = new ArrayList<>();
    private final Norm out;

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
        this(name, input, kernels, weights, sizes, T5Form.USUAL, layers, inputs, positions);
    }

    /**
     * Takes the weights.
     *
     * @param input name of the vectors, for example a front end's last tensor
     * @param layers number of blocks
     * @param inputs width of the vectors; 0 if it is that of the stream and they become it as they are
     * @param positions most vectors of a sequence, where a table has them
     */
    public EncoderStack(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            T5Sizes sizes,
            T5Form form,
            int layers,
            int inputs,
            int positions) {
        this.name = name;
        int model = sizes.model();
        inputProjection =
                inputs == 0 ? null : new Linear(name + ".input_projection", input, kernels, weights, inputs, model);
        String stream = inputs == 0 ? input : inputProjection.name();
        embedded = switch (form.positions()) {
            case SINUSOIDS -> new SinusoidPositions(name + ".embedded", stream, kernels, positions, model);
            case STORED -> new StoredPositions(name + ".embedded", stream, kernels, weights, positions, model);
            case RELATIVE -> null;
        };
        relative = form.positions() == T5Form.Positions.RELATIVE
                ? new RelativePositions(
                        name + ".position_bias", false, weights, sizes.heads().count())
                : null;
        stream = embedded == null ? stream : embedded.name();
        String bias = relative == null ? null : relative.name();
        for (int i = 0; i < layers; i++) {
            EncoderBlock block = new EncoderBlock(name + ".layer" + i, stream, bias, kernels, weights, sizes, form);
            blocks.add(block);
            stream = block.output();
        }
        out = new Norm(name + ".out", stream, kernels, weights, sizes.model(), T5Sizes.NORM);
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
        if (inputProjection == null) {
            x.stream().shaped().assign(input.shaped());
        } else {
            inputProjection.forward(input, x.stream(), x.scratch(), at, probe); // stream: [rows, length, model]
        }
        if (embedded != null) {
            embedded.forward(x.stream(), 0, at, probe);
        }
        try (INDArray bias = relative == null ? null : relative.bias(x.rows(), x.length(), x.length(), at, probe)) {
            for (EncoderBlock block : blocks) {
                block.forward(x, bias, at, probe);
            }
        }
        out.forward(x.stream().shaped(), encoded.shaped(), at, probe); // encoded: [rows, length, model]
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>();
        Stream.of(inputProjection, embedded, relative).filter(Objects::nonNull).forEach(children::add);
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
        if (inputProjection != null) {
            inputProjection.close();
        }
        if (embedded != null) {
            embedded.close();
        }
        blocks.forEach(EncoderBlock::close);
        out.close();
    }
}
