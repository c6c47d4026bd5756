package org.luthier.model.yourmt3;

import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes what a decoder attends to from the latents of a Perceiver. Its last tap is {@code pre_decoder.out}. */
sealed interface PreDecoder extends Layer, AutoCloseable
        permits LinearPreDecoder, ChannelPreDecoder, GroupPreDecoder, ConvolutionPreDecoder, MlpPreDecoder {
    String NAME = "pre_decoder";
    String OUT = NAME + ".out";

    /**
     * The one of a configuration.
     *
     * @param input name of the latents
     * @throws IllegalArgumentException if there are no latents
     */
    static PreDecoder of(YourMt3Configuration configuration, String input, Kernels kernels, Weights weights) {
        if (!(configuration.encoder() instanceof YourMt3Configuration.Perceiver perceiver)) {
            throw new IllegalArgumentException("no latents");
        }
        int latents = perceiver.latents();
        int width = perceiver.width();
        int model = configuration.decoder().model();
        return switch (configuration.projection().joining()) {
            case NONE -> throw new IllegalArgumentException("no projection");
            case LINEAR -> new LinearPreDecoder(input, kernels, weights, latents, width, model);
            case MC_SHARED_LINEAR ->
                new ChannelPreDecoder(input, kernels, weights, configuration.channels(), latents, width, model);
            case GROUP_LINEAR -> new GroupPreDecoder(input, kernels, weights, latents, width, model);
            case CONV ->
                new ConvolutionPreDecoder(
                        input,
                        kernels,
                        weights,
                        latents,
                        width,
                        configuration.projection().depth(),
                        model);
            case MLP -> new MlpPreDecoder(input, kernels, weights, Activation.NONE, latents, width, model);
            case MLP_GELU -> new MlpPreDecoder(input, kernels, weights, Activation.GELU_ERF, latents, width, model);
            case MLP_RELU -> new MlpPreDecoder(input, kernels, weights, Activation.RELU, latents, width, model);
        };
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, time, latents, width], row-major
     * @param y [rows, time, model], of several channels [rows, channels, time, model]; row-major, overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe);

    @Override
    default String name() {
        return NAME;
    }

    @Override
    void close();
}
