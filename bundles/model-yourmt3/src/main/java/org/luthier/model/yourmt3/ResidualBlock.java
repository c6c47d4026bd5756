package org.luthier.model.yourmt3;

import java.util.ArrayList;
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

/**
 * Two normalised convolutions, added to what came in (He et al. 2016); then the averages of neighbouring frequencies, two by two.
 *
 * <p>Taps: {@code NAME.conv1} and {@code NAME.conv2} [rows, time, frequency, channels], each after its norm, the first also after the
 * nonlinearity; {@code NAME.shortcut} where channels become more; {@code NAME.out} [rows, channels, time, frequency / 2], as recordings of
 * such models have it.
 *
 * <p>The norms have constants in place of what a batch would tell, and are part of the weights of the convolutions.
 */
final class ResidualBlock implements Layer, AutoCloseable {
    private static final double EPSILON = 1e-5;

    private final String name;
    private final String input;
    private final String first;
    private final String second;
    private final String shortcut;
    private final String out;
    private final Kernels kernels;
    private final Convolution conv1;
    private final Convolution conv2;
    /** Null where as many channels come in as go out. */
    private final Convolution widening;

    private final List<Weight> weights;
    private final Map<String, Object> incoming;

    /**
     * Takes the weights.
     *
     * @param input name of what comes in
     * @param inputs channels of it; if others than go out, there is a convolution of the shortcut
     * @param shape of the convolutions inside
     */
    ResidualBlock(String name, String input, Kernels kernels, Weights weights, int inputs, Convolution.Shape shape) {
        this(name, input, kernels, weights, inputs, shape, Map.of());
    }

    /**
     * Takes the weights.
     *
     * @param incoming what convolutions of what comes in tell of what is done to it before
     */
    ResidualBlock(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            int inputs,
            Convolution.Shape shape,
            Map<String, Object> incoming) {
        this.incoming = incoming;
        this.name = name;
        this.input = input;
        this.kernels = kernels;
        first = name + ".conv1";
        second = name + ".conv2";
        shortcut = name + ".shortcut";
        out = name + ".out";
        TakenWeights taking = new TakenWeights(weights);
        int channels = shape.outputs();
        Convolution.Shape widened = new Convolution.Shape(
                shape.kernelTime(),
                shape.kernelFrequency(),
                inputs,
                channels,
                shape.strideFrequency(),
                shape.padTime(),
                shape.padFrequency());
        conv1 = normalised(taking, first, name + ".norm1", widened);
        conv2 = normalised(taking, second, name + ".norm2", shape);
        if (inputs == channels) {
            widening = null;
        } else {
            Convolution.Shape point = new Convolution.Shape(1, 1, inputs, channels, 1, 0, 0);
            widening = kernels.convolution(
                    point,
                    taking.take(shortcut + ".weight", point.weightShape()),
                    taking.take(shortcut + ".bias", channels));
        }
        this.weights = taking.list();
    }

    /** (convolution - mean) / sqrt(variance + epsilon) * scale + bias, as one convolution. */
    private Convolution normalised(TakenWeights taking, String convolution, String norm, Convolution.Shape shape) {
        float[] weight =
                taking.take(convolution + ".weight", shape.weightShape()).clone();
        int channels = shape.outputs();
        float[] scale = taking.take(norm + ".scale", channels);
        float[] bias = taking.take(norm + ".bias", channels).clone();
        float[] mean = taking.take(norm + ".mean", channels);
        float[] variance = taking.take(norm + ".variance", channels);
        double[] factors = new double[channels];
        for (int c = 0; c < channels; c++) {
            factors[c] = scale[c] / Math.sqrt(variance[c] + EPSILON);
            bias[c] = (float) (bias[c] - mean[c] * factors[c]);
        }
        for (int i = 0; i < weight.length; i++) {
            weight[i] = (float) (weight[i] * factors[i % channels]);
        }
        return kernels.convolution(shape, weight, bias);
    }

    /**
     * Computes the block.
     *
     * @param x [rows, time, frequency, inputs]
     * @param y [rows, time, frequency / 2, channels]; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long channels = conv1.shape().outputs();
        long[] shape = {x.size(0), x.size(1), x.size(2), channels};
        INDArray inner = work.tensor(Work.Slot.FIRST_CONVOLUTION, shape);
        INDArray convolved = work.tensor(Work.Slot.SECOND_CONVOLUTION, shape);
        conv1.apply(x, Activation.RELU, inner, work.scratch());
        probe.offer(first, at, inner);
        conv2.apply(inner, Activation.NONE, convolved, work.scratch());
        probe.offer(second, at, convolved);
        INDArray passed = x;
        if (widening != null) {
            widening.apply(x, Activation.NONE, inner, work.scratch());
            probe.offer(shortcut, at, inner);
            passed = inner;
        }
        kernels.averagePool(passed, convolved, Activation.RELU, 2, y);
        probe.offer(out, at, y.permute(0, 3, 1, 2));
    }

    /** Name of what goes out. */
    String output() {
        return out;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return widening == null ? List.of(first, second, out) : List.of(first, second, shortcut, out);
    }

    @Override
    public List<Computation> computations() {
        List<Computation> computations = new ArrayList<>();
        // What comes in is a spectrogram without channels, or what another block made.
        Map<String, Object> lying = new HashMap<>(incoming);
        lying.put("channelsFirst", widening == null);
        computations.add(normalised(first, input, name + ".norm1", conv1.shape(), Activation.RELU, lying));
        computations.add(normalised(second, first, name + ".norm2", conv2.shape(), Activation.NONE, Map.of()));
        if (widening != null) {
            computations.add(new Computation(
                    shortcut,
                    Computation.CONVOLUTION,
                    List.of(input),
                    Map.of("weight", shortcut + ".weight", "bias", shortcut + ".bias"),
                    settings(widening.shape(), Activation.NONE, lying)));
        }
        computations.add(new Computation(
                out,
                Computation.AVERAGED_SUM,
                List.of(widening == null ? input : shortcut, second),
                Map.of(),
                Map.of("activation", Activation.RELU.word(), "count", 2L, "channelsFirst", widening == null)));
        return computations;
    }

    private static Computation normalised(
            String output,
            String input,
            String norm,
            Convolution.Shape shape,
            Activation after,
            Map<String, Object> lying) {
        Map<String, Object> settings = settings(shape, after, lying);
        settings.put("epsilon", EPSILON);
        return new Computation(
                output,
                Computation.NORMALISED_CONVOLUTION,
                List.of(input),
                Map.of(
                        "weight",
                        output + ".weight",
                        "scale",
                        norm + ".scale",
                        "offset",
                        norm + ".bias",
                        "mean",
                        norm + ".mean",
                        "variance",
                        norm + ".variance"),
                settings);
    }

    private static Map<String, Object> settings(Convolution.Shape shape, Activation after, Map<String, Object> lying) {
        Map<String, Object> settings = new HashMap<>(lying);
        settings.put("activation", after.word());
        settings.put("frequencyStride", (long) shape.strideFrequency());
        settings.put("timePadding", (long) shape.padTime());
        settings.put("frequencyPadding", (long) shape.padFrequency());
        return settings;
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        conv1.close();
        conv2.close();
        if (widening != null) {
            widening.close();
        }
    }
}
