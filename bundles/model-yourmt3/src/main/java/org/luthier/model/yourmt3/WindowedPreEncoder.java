package org.luthier.model.yourmt3;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * For each time and frequency, what four channels are in a window of 32 times around it (Toyama et al. 2023). The channels come from a
 * convolution over time, or from residual blocks.
 *
 * <p>Taps: {@code pre_encoder.conv} [rows, time + 31, frequency, 4] with a convolution, {@code pre_encoder.out} [rows, time, frequency, 128].
 */
final class WindowedPreEncoder implements PreEncoder {
    private static final String CONVOLUTION = NAME + ".conv";
    private static final String EMBEDDING = NAME + ".frequency_embedding";
    private static final int CHANNELS = 4;
    private static final int KERNEL = 5;
    private static final int WINDOW = 32;
    private static final int BEFORE = 15;
    static final int EMBEDDED = CHANNELS * WINDOW;

    /** What stands before the first time and after the last one. */
    private static final float OUTSIDE = 1e-7f;

    /** How the spectrogram becomes longer, as convolutions of it tell. */
    private static final Map<String, Object> LONGER = Map.of(
            "longerBefore", (long) BEFORE, "longerAfter", (long) WINDOW - 1 - BEFORE, "outside", (double) OUTSIDE);

    private final String input;
    /** Null with residual blocks. */
    private final Convolution convolution;
    /** Null with a convolution. */
    private final Res3b blocks;

    private final Convolution embedding;
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param input name of the spectrogram
     * @param residual whether the channels come from residual blocks
     */
    WindowedPreEncoder(String input, Kernels kernels, Weights weights, boolean residual) {
        this.input = input;
        TakenWeights taking = new TakenWeights(weights);
        if (residual) {
            convolution = null;
            blocks = new Res3b(NAME + ".res3b", input, kernels, weights, CHANNELS, 3, 3, LONGER);
        } else {
            blocks = null;
            convolution = kernels.convolution(
                    new Convolution.Shape(KERNEL, 1, 1, CHANNELS, 1, KERNEL / 2, 0),
                    // NOTE: frequency before time here; one of the two is 1.
                    taking.take(CONVOLUTION + ".weight", 1, KERNEL, 1, CHANNELS),
                    taking.take(CONVOLUTION + ".bias", CHANNELS));
        }
        embedding = kernels.convolution(
                new Convolution.Shape(WINDOW, 1, CHANNELS, EMBEDDED, 1, 0, 0),
                byTime(taking.take(EMBEDDING + ".weight", EMBEDDED, EMBEDDED)),
                taking.take(EMBEDDING + ".bias", EMBEDDED));
        this.weights = taking.list();
    }

    /** From [channel, time] of each window to [time, channel]: the product with a window is a convolution. */
    private static float[] byTime(float[] weight) {
        float[] result = new float[weight.length];
        for (int channel = 0; channel < CHANNELS; channel++) {
            for (int time = 0; time < WINDOW; time++) {
                System.arraycopy(
                        weight,
                        (channel * WINDOW + time) * EMBEDDED,
                        result,
                        (time * CHANNELS + channel) * EMBEDDED,
                        EMBEDDED);
            }
        }
        return result;
    }

    @Override
    public int frequencies(int bands) {
        return blocks == null ? bands : blocks.frequencies(bands);
    }

    @Override
    public int channels() {
        return EMBEDDED;
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long rows = x.size(0);
        long time = x.size(1);
        long padded = time + WINDOW - 1;
        INDArray longer = work.tensor(Work.Slot.PADDED, rows, padded, x.size(2));
        longer.assign(OUTSIDE);
        longer.get(NDArrayIndex.all(), NDArrayIndex.interval(BEFORE, BEFORE + time), NDArrayIndex.all())
                .assign(x);
        INDArray image = work.tensor(Work.Slot.WINDOWED, rows, padded, y.size(2), CHANNELS);
        if (blocks == null) {
            convolution.apply(longer.reshape('c', rows, padded, x.size(2), 1), Activation.NONE, image, work.scratch());
            probe.offer(CONVOLUTION, at, image);
        } else {
            blocks.forward(longer, image, work, at, probe);
        }
        embedding.apply(image, Activation.NONE, y, work.scratch());
        probe.offer(OUT, at, y);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Layer> children() {
        return blocks == null ? List.of() : List.of(blocks);
    }

    @Override
    public List<String> taps() {
        return blocks == null ? List.of(CONVOLUTION, OUT) : List.of(OUT);
    }

    @Override
    public List<Computation> computations() {
        Computation windows = new Computation(
                OUT,
                Computation.WINDOW_PROJECTION,
                List.of(blocks == null ? CONVOLUTION : NAME + ".res3b.out"),
                Map.of("weight", EMBEDDING + ".weight", "bias", EMBEDDING + ".bias"),
                Map.of("window", (long) WINDOW, "activation", Activation.NONE.word()));
        if (blocks != null) {
            return List.of(windows);
        }
        return List.of(
                new Computation(
                        CONVOLUTION,
                        Computation.CONVOLUTION,
                        List.of(input),
                        Map.of("weight", CONVOLUTION + ".weight", "bias", CONVOLUTION + ".bias"),
                        settings()),
                windows);
    }

    private static Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>(LONGER);
        settings.put("activation", Activation.NONE.word());
        settings.put("frequencyStride", 1L);
        settings.put("timePadding", (long) KERNEL / 2);
        settings.put("frequencyPadding", 0L);
        settings.put("frequencyFirst", true);
        return settings;
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        if (blocks != null) {
            blocks.close();
        }
        if (convolution != null) {
            convolution.close();
        }
        embedding.close();
    }
}
