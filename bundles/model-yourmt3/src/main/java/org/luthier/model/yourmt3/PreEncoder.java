package org.luthier.model.yourmt3;

import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What stands between the spectrogram and a Perceiver: channels for each time and frequency. Its last tap is {@code pre_encoder.out}. */
sealed interface PreEncoder extends Layer, AutoCloseable permits Res3b, WindowedPreEncoder {
    String NAME = "pre_encoder";
    String OUT = NAME + ".out";

    /**
     * The one of a configuration.
     *
     * @param input name of the spectrogram
     * @throws IllegalArgumentException if there is none
     */
    static PreEncoder of(YourMt3Configuration configuration, String input, Kernels kernels, Weights weights) {
        int channels = configuration.convolutionChannels();
        return switch (configuration.preEncoder()) {
            case NONE -> throw new IllegalArgumentException("no pre-encoder");
            case CONV -> new Res3b(NAME, input, kernels, weights, channels, 3, 3, Map.of());
            case CONV1D_T -> new Res3b(NAME, input, kernels, weights, channels, 3, 1, Map.of());
            case CONV1D_F -> new Res3b(NAME, input, kernels, weights, channels, 1, 3, Map.of());
            case HFTT -> new WindowedPreEncoder(input, kernels, weights, false);
            case RES3B_HFTT -> new WindowedPreEncoder(input, kernels, weights, true);
        };
    }

    /** Frequencies of the result for so many bands of the spectrogram. */
    int frequencies(int bands);

    /** Channels of the result. */
    int channels();

    /**
     * Computes the layer.
     *
     * @param x [rows, time, bands]
     * @param y [rows, time, frequencies, channels]; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe);

    @Override
    void close();
}
