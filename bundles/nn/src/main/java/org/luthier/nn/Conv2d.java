package org.luthier.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution with bias and activation. Taps: {@code NAME.in} where several inputs lie side by side, {@code NAME.pre} before a sigmoid,
 * {@code NAME} after the activation. Weights: {@code NAME.weight} [kernel time, kernel frequency, inputs, outputs] and {@code NAME.bias} [outputs].
 */
public final class Conv2d implements Layer, AutoCloseable {
    /** Several inputs side by side along the channels. */
    private static final String CONCATENATION = "concatenation";

    private final String name;
    private final List<String> inputs;
    private final String in;
    private final String pre;
    private final List<String> taps;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final Convolution convolution;
    private final Activation activation;

    /**
     * Takes the weights and prepares them.
     *
     * @param name canonical name
     * @param inputs names of what it convolves, side by side along the channels
     */
    public Conv2d(
            String name,
            List<String> inputs,
            Kernels kernels,
            Weights weights,
            Convolution.Shape shape,
            Activation activation) {
        this.name = name;
        this.inputs = inputs;
        this.in = name + ".in";
        this.pre = name + ".pre";
        this.kernels = kernels;
        this.activation = activation;
        List<String> offered = new ArrayList<>();
        if (inputs.size() > 1) {
            offered.add(in);
        }
        if (activation == Activation.SIGMOID) {
            offered.add(pre);
        }
        offered.add(name);
        this.taps = List.copyOf(offered);
        String weight = name + ".weight";
        String bias = name + ".bias";
        this.convolution = kernels.convolution(
                shape, weights.take(weight, shape.weightShape()), weights.take(bias, shape.outputs()));
        List<Long> weightShape =
                List.of((long) shape.kernelTime(), (long) shape.kernelFrequency(), (long) shape.inputs(), (long)
                        shape.outputs());
        this.weights = List.of(
                new Weight(weight, weightShape, DType.F32, weights.sourceName(weight)),
                new Weight(bias, List.of((long) shape.outputs()), DType.F32, weights.sourceName(bias)));
    }

    /** Sizes of the convolution. */
    public Convolution.Shape shape() {
        return convolution.shape();
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, time, frequency, inputs]
     * @param y [rows, output time, output frequency, outputs]; overwritten
     */
    public void forward(INDArray x, INDArray y, Scratch scratch, Position at, Probe probe) {
        if (taps.contains(in)) {
            probe.offer(in, at, x);
        }
        if (taps.contains(pre) && probe.wants(pre)) {
            convolution.apply(x, Activation.NONE, y, scratch);
            probe.tap(pre, at, y);
            kernels.activate(activation, y);
        } else {
            convolution.apply(x, activation, y, scratch);
        }
        probe.offer(name, at, y);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return taps;
    }

    @Override
    public List<Computation> computations() {
        List<Computation> computations = new ArrayList<>();
        if (taps.contains(in)) {
            computations.add(new Computation(in, CONCATENATION, inputs, Map.of(), Map.of()));
        }
        if (taps.contains(pre)) {
            computations.add(convolved(pre, Activation.NONE));
            computations.add(new Computation(
                    name, Computation.ACTIVATION, List.of(pre), Map.of(), Map.of("activation", activation.word())));
        } else {
            computations.add(convolved(name, activation));
        }
        return computations;
    }

    /** From the inputs themselves, for side by side they are seldom recorded. */
    private Computation convolved(String output, Activation after) {
        Convolution.Shape shape = shape();
        return new Computation(
                output,
                Computation.CONVOLUTION,
                inputs,
                Map.of("weight", name + ".weight", "bias", name + ".bias"),
                Map.of(
                        "activation",
                        after.word(),
                        "frequencyStride",
                        (long) shape.strideFrequency(),
                        "timePadding",
                        (long) shape.padTime(),
                        "frequencyPadding",
                        (long) shape.padFrequency()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        convolution.close();
    }
}
