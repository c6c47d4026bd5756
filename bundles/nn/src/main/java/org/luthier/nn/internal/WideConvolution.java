package org.luthier.nn.internal;

import org.bytedeco.javacpp.FloatPointer;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution of many channels: a product for each tap, right from the input into the output, a piece of a line at a time. The piece stays in the
 * first-level cache from its bias over all taps to the activation. Nothing is laid between zeros: where a tap lies outside, there is no
 * product.
 */
final class WideConvolution implements Convolution {
    private final Shape shape;
    /** [tap, inputs, outputs]. */
    private final FloatPointer weight;

    private final float[] bias;
    private final int binsAtOnce;

    WideConvolution(Shape shape, float[] weight, float[] bias) {
        this.shape = shape;
        this.weight = new FloatPointer(weight);
        this.bias = bias.clone();
        this.binsAtOnce = Blas.hasSmallKernels() ? Blas.smallRows(shape.inputs() * shape.outputs()) : Integer.MAX_VALUE;
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
        shape.check(input, output);
        int time = (int) output.size(1);
        int frequency = (int) output.size(2);
        int most = Math.min(binsAtOnce, frequency);
        float[] biases = scratch.array(0, most * bias.length);
        for (int bin = 0; bin < most; bin++) {
            System.arraycopy(bias, 0, biases, bin * bias.length, bias.length);
        }
        float[] values = scratch.array(1, most * bias.length);
        try (HostRows from = HostRows.reading(input);
                HostRows to = HostRows.writing(output)) {
            Products products = new Products(from, (int) input.size(1), (int) input.size(2), to, frequency);
            for (int row = 0; row < output.size(0); row++) {
                for (int t = 0; t < time; t++) {
                    for (int bin = 0; bin < frequency; bin += most) {
                        int n = Math.min(most, frequency - bin);
                        long element = ((long) (row * time + t) * frequency + bin) * bias.length;
                        to.write(element, biases, n * bias.length);
                        products.add(row, t, bin, n);
                        if (activation != Activation.NONE) {
                            to.read(element, values, 0, n * bias.length);
                            Loops.activate(activation, values, n * bias.length);
                            to.write(element, values, n * bias.length);
                        }
                    }
                }
            }
            to.finish();
        }
    }

    /** Products of an input and the taps. */
    private final class Products {
        private final FloatPointer tap = new FloatPointer(weight);
        private final HostRows from;
        private final int inputTime;
        private final int inputFrequency;
        private final HostRows to;
        private final int frequency;

        Products(HostRows from, int inputTime, int inputFrequency, HostRows to, int frequency) {
            this.from = from;
            this.inputTime = inputTime;
            this.inputFrequency = inputFrequency;
            this.to = to;
            this.frequency = frequency;
        }

        /** Adds those of some bins of an output time. */
        void add(int row, int time, int bin, int bins) {
            int outputTime = shape.outputTime(inputTime);
            for (int t = 0; t < shape.kernelTime(); t++) {
                int at = time + t - shape.padTime();
                if (at < 0 || at >= inputTime) {
                    continue;
                }
                for (int f = 0; f < shape.kernelFrequency(); f++) {
                    int shift = f - shape.padFrequency();
                    int stride = shape.strideFrequency();
                    int first = Math.max(bin, Math.floorDiv(stride - 1 - shift, stride));
                    int end = Math.min(bin + bins, Math.floorDiv(inputFrequency - 1 - shift, stride) + 1);
                    if (first >= end) {
                        continue;
                    }
                    Blas.multiply(
                            false,
                            end - first,
                            shape.outputs(),
                            shape.inputs(),
                            1,
                            from.at(((long) (row * inputTime + at) * inputFrequency + (long) first * stride + shift)
                                    * shape.inputs()),
                            stride * shape.inputs(),
                            tap.position((long) (t * shape.kernelFrequency() + f) * shape.inputs() * shape.outputs()),
                            shape.outputs(),
                            1,
                            to.at(((long) (row * outputTime + time) * frequency + first) * shape.outputs()),
                            shape.outputs());
                }
            }
        }
    }

    @Override
    public void close() {
        weight.close();
    }
}
