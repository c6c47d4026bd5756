package org.luthier.nn.internal;

import java.util.BitSet;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
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
    public void affine(INDArray x, INDArray scale, INDArray offset, INDArray output) {
        int channels = (int) scale.length();
        float[] values = HostFloats.copy(x);
        float[] scales = HostFloats.copy(scale);
        float[] offsets = HostFloats.copy(offset);
        for (int i = 0; i < values.length; i++) {
            int c = i % channels;
            values[i] = (float) ((double) values[i] * scales[c] + offsets[c]);
        }
        HostFloats.write(values, output);
    }

    @Override
    public void averagePool(INDArray a, INDArray b, Activation activation, int width, INDArray output) {
        Shapes.pooled(a, b, width, output);
        int frequency = (int) a.size(2);
        int channels = (int) a.size(3);
        int pooled = frequency / width;
        float[] in = HostFloats.copy(a);
        float[] added = HostFloats.copy(b);
        for (int i = 0; i < in.length; i++) {
            in[i] = activate(activation, in[i] + added[i]);
        }
        float[] out = new float[(int) output.length()];
        for (int i = 0; i < out.length; i++) {
            int line = i / channels / pooled;
            int f = i / channels % pooled;
            double sum = 0;
            for (int k = 0; k < width; k++) {
                sum += in[(line * frequency + f * width + k) * channels + i % channels];
            }
            out[i] = (float) (sum / width);
        }
        HostFloats.write(out, output);
    }

    @Override
    public void depthwise(INDArray x, INDArray weight, INDArray output) {
        Shapes.depthwise(x, weight, output);
        int length = (int) x.size(1);
        int channels = (int) x.size(2);
        int taps = (int) weight.size(0);
        float[] in = HostFloats.copy(x);
        float[] factors = HostFloats.copy(weight);
        float[] out = new float[in.length];
        for (int i = 0; i < out.length; i++) {
            int row = i / channels / length;
            int t = i / channels % length;
            int c = i % channels;
            double sum = 0;
            for (int k = 0; k < taps; k++) {
                int from = t + k - (taps - 1) / 2;
                if (from >= 0 && from < length) {
                    sum += (double) in[(row * length + from) * channels + c] * factors[k * channels + c];
                }
            }
            out[i] = (float) sum;
        }
        HostFloats.write(out, output);
    }

    @Override
    public void rotate(INDArray x, int heads, boolean halves, INDArray cosines, INDArray sines) {
        Shapes.rotated(x, heads, cosines, sines);
        int length = (int) x.size(1);
        int size = (int) x.size(2) / heads;
        int pairs = (int) cosines.size(1);
        float[] values = HostFloats.copy(x);
        float[] cos = HostFloats.copy(cosines);
        float[] sin = HostFloats.copy(sines);
        for (int head = 0; head < values.length / size; head++) {
            int position = head / heads % length;
            for (int i = 0; i < pairs; i++) {
                int first = head * size + (halves ? i : 2 * i);
                int second = halves ? first + pairs : first + 1;
                double c = cos[position * pairs + i];
                double s = sin[position * pairs + i];
                double a = values[first];
                double b = values[second];
                values[first] = (float) (a * c - b * s);
                values[second] = (float) (b * c + a * s);
            }
        }
        HostFloats.write(values, x);
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

    @Override
    public Projection projection(float[] weight, float[] bias, int inputs, int outputs) {
        return new PlainProjection(weight.clone(), bias == null ? new float[outputs] : bias.clone(), inputs, outputs);
    }

    @Override
    public void lookup(INDArray table, int[] ids, INDArray output) {
        int width = (int) table.size(1);
        float[] lines = HostFloats.copy(table);
        float[] out = new float[ids.length * width];
        for (int i = 0; i < ids.length; i++) {
            System.arraycopy(lines, Shapes.index("id", ids[i], table.size(0)) * width, out, i * width, width);
        }
        HostFloats.write(out, output);
    }

    @Override
    public void scatterAdd(INDArray x, float[] factors, int[] ids, INDArray table) {
        Shapes.scattered(x, factors, ids, table);
        int width = (int) table.size(1);
        float[] in = HostFloats.copy(x);
        float[] sums = HostFloats.copy(table);
        for (int i = 0; i < ids.length; i++) {
            for (int j = 0; j < width; j++) {
                sums[ids[i] * width + j] += factors[i] * in[i * width + j];
            }
        }
        HostFloats.write(sums, table);
    }

    @Override
    public void add(INDArray x, INDArray y) {
        float[] sums = HostFloats.copy(x);
        float[] added = HostFloats.copy(y);
        for (int i = 0; i < sums.length; i++) {
            sums[i] += added[i % added.length];
        }
        HostFloats.write(sums, x);
    }

    @Override
    public void rmsNorm(INDArray x, INDArray scale, float epsilon, INDArray output) {
        int width = (int) scale.length();
        float[] values = HostFloats.copy(x);
        float[] scales = HostFloats.copy(scale);
        for (int line = 0; line < values.length; line += width) {
            double squares = 0;
            for (int j = 0; j < width; j++) {
                squares += (double) values[line + j] * values[line + j];
            }
            double root = Math.sqrt(squares / width + epsilon);
            for (int j = 0; j < width; j++) {
                values[line + j] = (float) (values[line + j] / root * scales[j]);
            }
        }
        HostFloats.write(values, output);
    }

    @Override
    public void layerNorm(INDArray x, INDArray scale, INDArray offset, float epsilon, INDArray output) {
        int width = (int) scale.length();
        float[] values = HostFloats.copy(x);
        float[] scales = HostFloats.copy(scale);
        float[] offsets = HostFloats.copy(offset);
        for (int line = 0; line < values.length; line += width) {
            double sum = 0;
            for (int j = 0; j < width; j++) {
                sum += values[line + j];
            }
            double mean = sum / width;
            double squares = 0;
            for (int j = 0; j < width; j++) {
                squares += (values[line + j] - mean) * (values[line + j] - mean);
            }
            double root = Math.sqrt(squares / width + epsilon);
            for (int j = 0; j < width; j++) {
                values[line + j] = (float) ((values[line + j] - mean) / root * scales[j] + offsets[j]);
            }
        }
        HostFloats.write(values, output);
    }

    @Override
    public void gate(Activation activation, INDArray gate, INDArray up, INDArray output) {
        float[] gates = HostFloats.copy(gate);
        float[] values = HostFloats.copy(up);
        for (int i = 0; i < values.length; i++) {
            values[i] *= activate(activation, gates[i]);
        }
        HostFloats.write(values, output);
    }

    @Override
    public void softmax(INDArray x) {
        int width = (int) x.size(x.rank() - 1);
        float[] values = HostFloats.copy(x);
        for (int line = 0; line < values.length; line += width) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < width; j++) {
                largest = Math.max(largest, values[line + j]);
            }
            double sum = 0;
            for (int j = 0; j < width; j++) {
                sum += Math.exp(values[line + j] - largest);
            }
            for (int j = 0; j < width; j++) {
                values[line + j] = (float) (Math.exp(values[line + j] - largest) / sum);
            }
        }
        HostFloats.write(values, x);
    }

    @Override
    public int[] argmax(INDArray x, BitSet[] allowed) {
        int columns = (int) x.size(1);
        float[] values = HostFloats.copy(x);
        int[] largest = new int[(int) x.size(0)];
        for (int row = 0; row < largest.length; row++) {
            int best = -1;
            for (int j = 0; j < columns; j++) {
                boolean counts = allowed == null || allowed[row] == null || allowed[row].get(j);
                if (counts && (best < 0 || values[row * columns + j] > values[row * columns + best])) {
                    best = j;
                }
            }
            if (best < 0) {
                throw new IllegalArgumentException("row " + row + ": none of " + columns + " columns is allowed");
            }
            largest[row] = best;
        }
        return largest;
    }

    @Override
    public KeyValues keyValues(Heads heads, INDArray keys, INDArray values) {
        return new PlainKeyValues(heads, keys, values);
    }

    @Override
    public KeyValueCache cache(Heads heads, int rows) {
        return new PlainCache(heads, rows);
    }

    private static float activate(Activation activation, double x) {
        return (float)
                switch (activation) {
                    case NONE -> x;
                    case RELU -> Math.max(0, x);
                    case SIGMOID -> 1 / (1 + Math.exp(-x));
                    case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
                    case GELU_ERF -> 0.5 * x * erfc(-x / Math.sqrt(2));
                    case SILU -> x / (1 + Math.exp(-x));
                };
    }

    /** 1 - erf(x), of which nothing is lost where it is small. */
    private static double erfc(double x) {
        if (x < 0) {
            return 2 - erfc(-x);
        }
        if (x < 2) {
            // erf(x) = 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n + 1) / (1 3 5 ... (2n + 1)): all terms are positive.
            double term = x;
            double sum = x;
            for (int n = 1; term > 1e-17 * sum; n++) {
                term *= 2 * x * x / (2 * n + 1);
                sum += term;
            }
            return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
        }
        // exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))), from 2 on exact with 60 of them.
        double fraction = x;
        for (int n = 60; n > 0; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
    }

    private record PlainProjection(float[] weight, float[] bias, int inputs, int outputs) implements Projection {
        @Override
        public void apply(INDArray x, INDArray output, Scratch scratch) {
            run(x, new float[(int) output.length()], output);
        }

        @Override
        public void accumulate(INDArray x, INDArray output, Scratch scratch) {
            run(x, HostFloats.copy(output), output);
        }

        private void run(INDArray x, float[] start, INDArray output) {
            Shapes.check("input of a projection", x, -1, inputs);
            Shapes.check("output of a projection", output, x.size(0), outputs);
            float[] in = HostFloats.copy(x);
            float[] out = new float[start.length];
            for (int i = 0; i < out.length; i++) {
                int line = i / outputs;
                int column = i % outputs;
                double sum = (double) start[i] + bias[column];
                for (int k = 0; k < inputs; k++) {
                    sum += (double) in[line * inputs + k] * weight[k * outputs + column];
                }
                out[i] = (float) sum;
            }
            HostFloats.write(out, output);
        }

        @Override
        public void close() {}
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
