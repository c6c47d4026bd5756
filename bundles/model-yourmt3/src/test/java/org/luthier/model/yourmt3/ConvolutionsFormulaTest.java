package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Pre-encoders of residual blocks in all their forms against their formulas in double, also where halves of frequencies leave one over. */
class ConvolutionsFormulaTest {
    private static final int TIMES = 4;
    private static final int WINDOW = 32;

    @ParameterizedTest
    @CsvSource({"3, 3, 5, 16", "3, 1, 5, 16", "1, 3, 5, 16", "3, 3, 3, 23", "1, 3, 8, 21", "3, 3, 40, 17"})
    void blocksFollowEachOther(int kernelTime, int kernelFrequency, int channels, int bands) {
        SeededWeights weights = new SeededWeights(-0.5f);
        float[] in = SeededWeights.numbers(new Random(5), 2 * TIMES * bands);
        try (Res3b layer = new Res3b(
                        "p", "x", Kernels.named("cpu"), weights, channels, kernelTime, kernelFrequency, Map.of());
                Work work = new Work();
                INDArray x = Nd4j.create(in, new long[] {2, TIMES, bands}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, 2, TIMES, layer.frequencies(bands), channels)) {
            layer.forward(x, y, work, Position.segments(0, 2), Probe.NONE);
            Formulas formulas = new Formulas(weights);
            for (int row = 0; row < 2; row++) {
                double[][][] image = new double[TIMES][bands][1];
                for (int i = 0; i < TIMES * bands; i++) {
                    image[i / bands][i % bands][0] = in[row * TIMES * bands + i];
                }
                assertSame(blocks(formulas, "p", image, kernelTime, kernelFrequency), y, row);
            }
        }
    }

    /** Windows of 32 times over residual blocks of a spectrogram that 1e-7 surrounds; number = channel * 32 + time. */
    @ParameterizedTest
    @CsvSource({"16", "27"})
    void windowsOverBlocks(int bands) {
        SeededWeights weights = new SeededWeights(-0.5f);
        float[] in = SeededWeights.numbers(new Random(5), 2 * TIMES * bands);
        try (WindowedPreEncoder layer = new WindowedPreEncoder("x", Kernels.named("cpu"), weights, true);
                Work work = new Work();
                INDArray x = Nd4j.create(in, new long[] {2, TIMES, bands}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, 2, TIMES, layer.frequencies(bands), layer.channels())) {
            layer.forward(x, y, work, Position.segments(0, 2), Probe.NONE);
            Formulas formulas = new Formulas(weights);
            for (int row = 0; row < 2; row++) {
                double[][][] image = new double[TIMES + WINDOW - 1][bands][1];
                for (int i = 0; i < image.length * bands; i++) {
                    int time = i / bands - 15;
                    image[i / bands][i % bands][0] =
                            time < 0 || time >= TIMES ? 1e-7 : in[(row * TIMES + time) * bands + i % bands];
                }
                double[][][] made = blocks(formulas, "pre_encoder.res3b", image, 3, 3);
                double[][][] expected = new double[TIMES][made[0].length][];
                for (int t = 0; t < TIMES; t++) {
                    for (int f = 0; f < made[0].length; f++) {
                        double[] window = new double[4 * WINDOW];
                        for (int i = 0; i < window.length; i++) {
                            window[i] = made[t + i % WINDOW][f][i / WINDOW];
                        }
                        expected[t][f] = formulas.linear("pre_encoder.frequency_embedding", window);
                    }
                }
                assertSame(expected, y, row);
            }
        }
    }

    private static void assertSame(double[][][] expected, INDArray y, int row) {
        float[] got = HostFloats.copy(y.get(NDArrayIndex.interval(row, row + 1)));
        int channels = expected[0][0].length;
        int bands = expected[0].length;
        assertEquals(expected.length * bands * channels, got.length);
        for (int i = 0; i < got.length; i++) {
            double value = expected[i / channels / bands][i / channels % bands][i % channels];
            // Float sums of up to some hundred numbers, six times.
            assertEquals(value, got[i], 1e-4 * Math.max(1, Math.abs(value)));
        }
    }

    private static double[][][] blocks(Formulas formulas, String name, double[][][] image, int time, int frequency) {
        double[][][] made = image;
        for (int i = 0; i < 3; i++) {
            made = block(formulas, name + ".block" + i, made, time, frequency);
        }
        return made;
    }

    /** Means of two neighbours of max(0, BN2(conv2(max(0, BN1(conv1 x)))) + shortcut x); of an odd frequency at the end nothing is left. */
    private static double[][][] block(Formulas formulas, String name, double[][][] x, int time, int frequency) {
        double[][][] a = convolved(formulas, name + ".conv1", name + ".norm1", x, time, frequency);
        for (double[][] line : a) {
            for (double[] channels : line) {
                for (int c = 0; c < channels.length; c++) {
                    channels[c] = Math.max(0, channels[c]);
                }
            }
        }
        double[][][] b = convolved(formulas, name + ".conv2", name + ".norm2", a, time, frequency);
        boolean wider = x[0][0].length == 1;
        double[][][] y = new double[x.length][x[0].length / 2][b[0][0].length];
        for (int t = 0; t < y.length; t++) {
            for (int f = 0; f < 2 * y[t].length; f++) {
                double[] passed = wider ? formulas.linear(name + ".shortcut", x[t][f]) : x[t][f];
                for (int c = 0; c < passed.length; c++) {
                    y[t][f / 2][c] += Math.max(0, b[t][f][c] + passed[c]) / 2;
                }
            }
        }
        return y;
    }

    private static double[][][] convolved(
            Formulas formulas, String conv, String norm, double[][][] x, int time, int frequency) {
        float[] weight = formulas.weight(conv + ".weight"); // [time, frequency, inputs, outputs]
        int inputs = x[0][0].length;
        int outputs = weight.length / time / frequency / inputs;
        double[][][] y = new double[x.length][x[0].length][outputs];
        for (int t = 0; t < x.length; t++) {
            for (int f = 0; f < x[0].length; f++) {
                for (int o = 0; o < outputs; o++) {
                    double sum = 0;
                    for (int i = 0; i < time * frequency * inputs; i++) {
                        int fromTime = t + i / inputs / frequency - time / 2;
                        int fromFrequency = f + i / inputs % frequency - frequency / 2;
                        if (fromTime >= 0 && fromTime < x.length && fromFrequency >= 0 && fromFrequency < x[0].length) {
                            sum += x[fromTime][fromFrequency][i % inputs] * weight[i * outputs + o];
                        }
                    }
                    y[t][f][o] = (sum - formulas.weight(norm + ".mean", o))
                                    / Math.sqrt(formulas.weight(norm + ".variance", o) + 1e-5)
                                    * formulas.weight(norm + ".scale", o)
                            + formulas.weight(norm + ".bias", o);
                }
            }
        }
        return y;
    }
}
