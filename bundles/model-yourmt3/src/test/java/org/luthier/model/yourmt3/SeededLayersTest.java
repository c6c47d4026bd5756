package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Position;
import org.luthier.nn.Convolution;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Layers with numbers of a seed, against loops in double. */
class SeededLayersTest {
    private static final Position AT = Position.segments(0, 2);
    private final Kernels kernels = Kernels.named("cpu");
    private final SeededWeights weights = new SeededWeights();
    private final Variant.Recorder recorder = new Variant.Recorder();

    private static INDArray input(long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        return Nd4j.create(SeededWeights.numbers(new Random(1), count), shape, 'c');
    }

    private float weight(String name, int index) {
        return weights.taken.get(name)[index];
    }

    @Test
    void aResidualBlockIsNormedConvolutionsAndAShortcut() {
        int time = 4;
        int bands = 6;
        int channels = 3;
        Convolution.Shape shape = new Convolution.Shape(3, 1, channels, channels, 1, 1, 0);
        try (ResidualBlock block = new ResidualBlock("b", "x", kernels, weights, 1, shape);
                Work work = new Work();
                INDArray x = input(2, time, bands, 1);
                INDArray y = Nd4j.create(DataType.FLOAT, 2, time, bands / 2, channels)) {
            block.forward(x, y, work, AT, recorder);
            float[] in = HostFloats.copy(x);
            double[] first = normed("b.conv1", "b.norm1", in, time, bands, 1, channels);
            float[] middle = new float[first.length];
            for (int i = 0; i < first.length; i++) {
                middle[i] = (float) Math.max(0, first[i]);
            }
            double[] second = normed("b.conv2", "b.norm2", middle, time, bands, channels, channels);
            float[] got = HostFloats.copy(y);
            for (int i = 0; i < got.length; i++) {
                int c = i % channels;
                int place = i / channels * 2; // [row, time, frequency] of the first of two
                double sum = 0;
                for (int next = place; next < place + 2; next++) {
                    sum += Math.max(
                            0,
                            second[next * channels + c]
                                    + in[next] * weight("b.shortcut.weight", c)
                                    + weight("b.shortcut.bias", c));
                }
                assertEquals(sum / 2, got[i], 1e-4 * Math.max(1, sum));
            }
        }
    }

    /** A convolution over three times, then (x - mean) / sqrt(variance + 1e-5) * scale + bias. */
    private double[] normed(String conv, String norm, float[] x, int time, int bands, int inputs, int outputs) {
        double[] result = new double[x.length / inputs * outputs];
        for (int i = 0; i < result.length; i++) {
            int c = i % outputs;
            int place = i / outputs;
            int t = place / bands % time;
            double sum = 0;
            for (int k = 0; k < 3; k++) {
                if (t + k - 1 >= 0 && t + k - 1 < time) {
                    for (int from = 0; from < inputs; from++) {
                        sum += (double) x[(place + (k - 1) * bands) * inputs + from]
                                * weight(conv + ".weight", (k * inputs + from) * outputs + c);
                    }
                }
            }
            result[i] = (sum - weight(norm + ".mean", c))
                            / Math.sqrt(weight(norm + ".variance", c) + 1e-5)
                            * weight(norm + ".scale", c)
                    + weight(norm + ".bias", c);
        }
        return result;
    }

    @Test
    void windowsHold32TimesOfEachChannel() {
        int time = 3;
        int bands = 2;
        try (WindowedPreEncoder layer = new WindowedPreEncoder("x", kernels, weights, false);
                Work work = new Work();
                INDArray x = input(2, time, bands);
                INDArray y = Nd4j.create(DataType.FLOAT, 2, time, bands, 128)) {
            layer.forward(x, y, work, AT, recorder);
            float[] channels = recorder.tensors.get("pre_encoder.conv").values(); // [2, 34, bands, 4]
            float[] in = HostFloats.copy(x);
            // The first place that sees sound: two of its five times.
            double first = weight("pre_encoder.conv.bias", 1);
            for (int k = 0; k < 5; k++) {
                int t = 14 + k - 2 - 15;
                first += (t >= 0 ? in[t * bands] : 1e-7) * weight("pre_encoder.conv.weight", k * 4 + 1);
            }
            assertEquals(first, channels[14 * bands * 4 + 1], 1e-5);
            float[] got = HostFloats.copy(y);
            int[] ats = {0, 127, got.length - 1, got.length / 2 + 5};
            for (int i : ats) {
                int o = i % 128;
                int band = i / 128 % bands;
                int t = i / 128 / bands % time;
                int row = i / 128 / bands / time;
                double sum = weight("pre_encoder.frequency_embedding.bias", o);
                for (int c = 0; c < 4; c++) {
                    for (int w = 0; w < 32; w++) {
                        sum += (double) channels[((row * 34 + t + w) * bands + band) * 4 + c]
                                * weight("pre_encoder.frequency_embedding.weight", (c * 32 + w) * 128 + o);
                    }
                }
                assertEquals(sum, got[i], 1e-5 * sum);
            }
        }
    }

    @Test
    void latentsOfAChannelFollowEachOther() {
        int time = 3;
        int width = 2;
        int model = 5;
        try (PreDecoder layer = new ChannelPreDecoder("x", kernels, weights, 2, 6, width, model);
                Work work = new Work();
                INDArray x = input(2, time, 6, width);
                INDArray y = Nd4j.create(DataType.FLOAT, 2, 2, time, model)) {
            layer.forward(x, y, work, AT, recorder);
            float[] in = HostFloats.copy(x);
            float[] got = HostFloats.copy(y);
            for (int i = 0; i < got.length; i++) {
                int o = i % model;
                int t = i / model % time;
                int channel = i / model / time % 2;
                int row = i / model / time / 2;
                double sum = 0;
                for (int j = 0; j < 3 * width; j++) {
                    sum += (double) in[((row * time + t) * 2 + channel) * 3 * width + j]
                            * weight("pre_decoder.shared_linear.weight", j * model + o);
                }
                assertEquals(sum, got[i], 1e-5);
            }
        }
    }

    @Test
    void whatIsWideEnoughIsOnlyArranged() {
        try (PreDecoder layer = new ChannelPreDecoder("x", kernels, weights, 2, 4, 3, 6);
                Work work = new Work();
                INDArray x = input(1, 2, 4, 3);
                INDArray y = Nd4j.create(DataType.FLOAT, 1, 2, 2, 6)) {
            layer.forward(x, y, work, Position.segments(0, 1), recorder);
            // The first latent of the second channel is the third one, at the first time.
            assertEquals(x.getFloat(0, 0, 2, 0), y.getFloat(0, 1, 0, 0));
            assertEquals(0, weights.taken.size());
        }
    }

    @Test
    void latentsHaveMatricesOfTheirOwn() {
        try (PreDecoder layer = new GroupPreDecoder("x", kernels, weights, 3, 2, 6);
                Work work = new Work();
                INDArray x = input(2, 2, 3, 2);
                INDArray y = Nd4j.create(DataType.FLOAT, 2, 2, 6)) {
            layer.forward(x, y, work, AT, recorder);
            String name = "pre_decoder.group_linear.weight";
            // Output 3 is the second of latent 1.
            double expected =
                    x.getFloat(1, 0, 1, 0) * weight(name, 2 * 2 + 2) + x.getFloat(1, 0, 1, 1) * weight(name, 2 * 2 + 3);
            assertEquals(expected, y.getFloat(1, 0, 3), 1e-6);
        }
    }

    @Test
    void filtersAreCutIntoVectorsAsTheyLie() {
        int latents = 2;
        int width = 4;
        int depth = 3;
        int model = 8; // two filters a latent, two places each
        try (PreDecoder layer = new ConvolutionPreDecoder("x", kernels, weights, latents, width, depth, model);
                Work work = new Work();
                INDArray x = input(2, 3, latents, width);
                INDArray y = Nd4j.create(DataType.FLOAT, 2, 3, model)) {
            layer.forward(x, y, work, AT, recorder);
            // [filters, time, places] of row 1, end to end
            double[] convolved = new double[4 * 3 * 2];
            for (int i = 0; i < convolved.length; i++) {
                int filter = i / 6;
                convolved[i] = weight("pre_decoder.conv.bias", filter);
                for (int k = 0; k < depth; k++) {
                    convolved[i] += x.getFloat(1, i / 2 % 3, filter / 2, i % 2 + k)
                            * weight("pre_decoder.conv.weight", k * 4 + filter);
                }
            }
            double sum = weight("pre_decoder.out.bias", 5);
            for (int j = 0; j < 8; j++) {
                sum += convolved[2 * 8 + j] * weight("pre_decoder.out.weight", j * model + 5);
            }
            assertEquals(sum, y.getFloat(1, 2, 5), 1e-5 * sum);
        }
    }
}
