package org.luthier.nn.internal;

import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Java loops, sums in double: slow and obviously right, the oracle of the tests. */
public final class PlainKernels implements Kernels {
    @Override
    public String id() {
        return "plain";
    }

    @Override
    public Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias) {
        return new PlainConvolution(shape, weight.clone(), bias.clone());
    }

    @Override
    public void matmul(INDArray a, INDArray b, INDArray output) {
        int m = (int) a.size(0);
        int depth = (int) a.size(1);
        int n = (int) b.size(1);
        float[] left = HostFloats.copy(a);
        float[] right = HostFloats.copy(b);
        float[] result = new float[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int k = 0; k < depth; k++) {
                    sum += (double) left[i * depth + k] * right[k * n + j];
                }
                result[i * n + j] = (float) sum;
            }
        }
        HostFloats.write(result, output);
    }

    @Override
    public void activate(Activation activation, INDArray x) {
        float[] values = HostFloats.copy(x);
        for (int i = 0; i < values.length; i++) {
            values[i] = activate(activation, values[i]);
        }
        HostFloats.write(values, x);
    }

    @Override
    public void affine(INDArray x, float scale, float offset, INDArray output) {
        float[] values = HostFloats.copy(x);
        for (int i = 0; i < values.length; i++) {
            values[i] = values[i] * scale + offset;
        }
        HostFloats.write(values, output);
    }

    @Override
    public void stack(INDArray x, int[] shifts, INDArray output) {
        int lines = (int) (x.size(0) * x.size(1));
        int bins = (int) x.size(2);
        int outputBins = (int) output.size(2);
        float[] in = HostFloats.copy(x);
        float[] out = new float[lines * outputBins * shifts.length];
        for (int line = 0; line < lines; line++) {
            for (int f = 0; f < outputBins; f++) {
                for (int c = 0; c < shifts.length; c++) {
                    int from = f + shifts[c];
                    if (from >= 0 && from < bins) {
                        out[(line * outputBins + f) * shifts.length + c] = in[line * bins + from];
                    }
                }
            }
        }
        HostFloats.write(out, output);
    }

    @Override
    public void concatenate(INDArray a, INDArray b, INDArray output) {
        int left = (int) a.size(a.rank() - 1);
        int right = (int) b.size(b.rank() - 1);
        float[] first = HostFloats.copy(a);
        float[] second = HostFloats.copy(b);
        float[] out = new float[first.length + second.length];
        for (int line = 0; line < first.length / left; line++) {
            System.arraycopy(first, line * left, out, line * (left + right), left);
            System.arraycopy(second, line * right, out, line * (left + right) + left, right);
        }
        HostFloats.write(out, output);
    }

    private static float activate(Activation activation, double x) {
        return (float)
                switch (activation) {
                    case NONE -> x;
                    case RELU -> Math.max(0, x);
                    case SIGMOID -> 1 / (1 + Math.exp(-x));
                };
    }

    private record PlainConvolution(Shape shape, float[] weight, float[] bias) implements Convolution {
        @Override
        public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
            shape.check(input, output);
            int rows = (int) input.size(0);
            int times = (int) input.size(1);
            int bins = (int) input.size(2);
            int outputTimes = shape.outputTime(times);
            int outputBins = shape.outputFrequency(bins);
            float[] in = HostFloats.copy(input);
            float[] out = new float[rows * outputTimes * outputBins * shape.outputs()];
            int next = 0;
            for (int row = 0; row < rows; row++) {
                for (int t = 0; t < outputTimes; t++) {
                    for (int f = 0; f < outputBins; f++) {
                        for (int o = 0; o < shape.outputs(); o++) {
                            out[next++] = activate(activation, at(in, row, times, bins, t, f, o));
                        }
                    }
                }
            }
            HostFloats.write(out, output);
        }

        private double at(float[] in, int row, int times, int bins, int t, int f, int o) {
            double sum = bias[o];
            for (int i = 0; i < shape.kernelTime(); i++) {
                int time = t + i - shape.padTime();
                if (time < 0 || time >= times) {
                    continue;
                }
                for (int j = 0; j < shape.kernelFrequency(); j++) {
                    int bin = f * shape.strideFrequency() + j - shape.padFrequency();
                    if (bin < 0 || bin >= bins) {
                        continue;
                    }
                    int from = ((row * times + time) * bins + bin) * shape.inputs();
                    int tap = (i * shape.kernelFrequency() + j) * shape.inputs();
                    for (int c = 0; c < shape.inputs(); c++) {
                        sum += (double) in[from + c] * weight[(tap + c) * shape.outputs() + o];
                    }
                }
            }
            return sum;
        }

        @Override
        public void close() {}
    }
}
