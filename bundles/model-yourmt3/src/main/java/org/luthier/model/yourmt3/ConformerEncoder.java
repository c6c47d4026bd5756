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
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Conformer (Gulati et al. 2020): layers of half a feed-forward layer, attention, a convolution and the other half, each behind a norm and
 * added; then a norm. Taps: those of the parts, {@code encoder.layerN.out} and {@code encoder.out} [rows, length, width].
 */
final class ConformerEncoder implements Layer, AutoCloseable {
    /** Weight of what vectors are rotated by, in all layers [size of a head / 2]. */
    static final String FREQUENCIES = "encoder.rotary.frequencies";

    private static final String NAME = "encoder";
    private static final Norm.Kind NORM = new Norm.Kind(false, 1e-5);

    private final Kernels kernels;
    private final List<Block> blocks = new ArrayList<>();
    private final Norm norm;
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param input name of the spectrogram
     * @param length of a sequence
     */
    ConformerEncoder(String input, Kernels kernels, Weights weights, YourMt3Configuration.Conformer sizes, int length) {
        this.kernels = kernels;
        TakenWeights taking = new TakenWeights(weights);
        float[] frequencies = sizes.relative() ? null : taking.take(FREQUENCIES, sizes.width() / sizes.heads() / 2);
        String from = input;
        for (int i = 0; i < sizes.layers(); i++) {
            Block block = new Block(NAME + ".layer" + i, from, weights, sizes, frequencies, length);
            blocks.add(block);
            from = block.out.name();
        }
        norm = new Norm(NAME + ".out", NAME + ".norm", from, kernels, weights, sizes.width(), NORM);
        this.weights = taking.list();
    }

    /** Name of what it makes. */
    String output() {
        return norm.name();
    }

    /** One of the layers. */
    private final class Block implements Layer, AutoCloseable {
        private final String name;
        private final String from;
        private final Norm firstNorm;
        private final LatentFeedForward firstHalf;
        private final Norm attentionNorm;
        private final ConformerAttention attention;
        private final Norm convolutionNorm;
        private final ConformerConvolution convolution;
        private final Norm secondNorm;
        private final LatentFeedForward secondHalf;
        private final Norm out;

        Block(
                String name,
                String from,
                Weights weights,
                YourMt3Configuration.Conformer sizes,
                float[] frequencies,
                int length) {
            this.name = name;
            this.from = from;
            firstNorm = norm(".ffn1_norm", ".pre_mlp1_norm", from, weights, sizes);
            firstHalf = half(1, firstNorm, weights, sizes);
            attentionNorm = norm(".attn_norm", ".pre_self_attention_norm", name + ".after_ffn1", weights, sizes);
            attention = new ConformerAttention(
                    name + ".self_attention",
                    name + ".attn",
                    attentionNorm.name(),
                    kernels,
                    weights,
                    sizes,
                    frequencies,
                    length);
            convolutionNorm = norm(".conv_norm", ".pre_convolution_norm", name + ".after_attn", weights, sizes);
            convolution = new ConformerConvolution(name, convolutionNorm.name(), kernels, weights, sizes);
            secondNorm = norm(".ffn2_norm", ".pre_mlp2_norm", name + ".after_conv", weights, sizes);
            secondHalf = half(2, secondNorm, weights, sizes);
            out = norm(".out", ".out", name + ".after_ffn2", weights, sizes);
        }

        private Norm norm(
                String tap, String weight, String input, Weights weights, YourMt3Configuration.Conformer sizes) {
            return new Norm(name + tap, name + weight, input, kernels, weights, sizes.width(), NORM);
        }

        private LatentFeedForward half(int number, Norm before, Weights weights, YourMt3Configuration.Conformer sizes) {
            return new LatentFeedForward(
                    name + ".mlp" + number,
                    name + ".ffn" + number,
                    before.name(),
                    kernels,
                    weights,
                    sizes.width(),
                    sizes.hidden(),
                    false,
                    Activation.GELU_ERF);
        }

        /** x: [rows, length, width]; changed. */
        void forward(INDArray x, Work work, Position at, Probe probe) {
            INDArray normalised = work.tensor(Work.Slot.NORMALISED, x.shape());
            INDArray part = work.tensor(Work.Slot.FED_FORWARD, x.shape());
            firstNorm.forward(x, normalised, at, probe);
            firstHalf.forward(normalised, part, work, at, probe);
            add(x, part, 0.5f, "ffn1", at, probe);
            attentionNorm.forward(x, normalised, at, probe);
            attention.forward(normalised, part, work, at, probe);
            add(x, part, 1, "attn", at, probe);
            convolutionNorm.forward(x, normalised, at, probe);
            convolution.forward(normalised, part, work, at, probe);
            add(x, part, 1, "conv", at, probe);
            secondNorm.forward(x, normalised, at, probe);
            secondHalf.forward(normalised, part, work, at, probe);
            add(x, part, 0.5f, "ffn2", at, probe);
            out.forward(x, x, at, probe);
        }

        private void add(INDArray x, INDArray part, float factor, String what, Position at, Probe probe) {
            if (factor != 1) {
                kernels.affine(part, factor, 0, part);
            }
            kernels.add(x, part);
            probe.offer(name + ".after_" + what, at, x);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<Layer> children() {
            return List.of(
                    firstNorm,
                    firstHalf,
                    attentionNorm,
                    attention,
                    convolutionNorm,
                    convolution,
                    secondNorm,
                    secondHalf,
                    out);
        }

        @Override
        public List<String> taps() {
            return computations().stream().map(Computation::output).toList();
        }

        @Override
        public List<Computation> computations() {
            return List.of(
                    sum("ffn1", from, 0.5),
                    sum("attn", name + ".after_ffn1", 1),
                    sum("conv", name + ".after_attn", 1),
                    sum("ffn2", name + ".after_conv", 0.5));
        }

        private Computation sum(String what, String stream, double factor) {
            List<String> inputs = List.of(stream, name + "." + what);
            String output = name + ".after_" + what;
            return factor == 1
                    ? new Computation(output, Computation.SUM, inputs, Map.of(), Map.of())
                    : new Computation(output, Computation.WEIGHTED_SUM, inputs, Map.of(), Map.of("factor", factor));
        }

        @Override
        public void close() {
            firstNorm.close();
            firstHalf.close();
            attentionNorm.close();
            attention.close();
            convolutionNorm.close();
            convolution.close();
            secondNorm.close();
            secondHalf.close();
            out.close();
        }
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width]
     * @param y of its shape; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        y.assign(x);
        blocks.forEach(block -> block.forward(y, work, at, probe));
        norm.forward(y, y, at, probe);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Layer> children() {
        List<Layer> children = new ArrayList<>(blocks);
        children.add(norm);
        return children;
    }

    @Override
    public List<String> taps() {
        return List.of();
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        blocks.forEach(Block::close);
        norm.close();
    }
}
