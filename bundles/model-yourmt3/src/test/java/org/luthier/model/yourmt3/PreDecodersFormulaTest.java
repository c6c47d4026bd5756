package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.model.yourmt3.YourMt3Configuration.Nonlinearity;
import org.luthier.nn.Activation;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What stands between a Perceiver and a decoder, every number against its formula in double. */
class PreDecodersFormulaTest {
    private static final Kernels KERNELS = Kernels.named("cpu");
    private static final int TIMES = 5;
    private static final int LATENTS = 3;

    private final SeededWeights weights = new SeededWeights(-0.5f);
    private final Formulas formulas = new Formulas(weights);

    private interface Expected {
        double[] vector(double[][] latents, int row, int time);
    }

    /** Two rows. */
    private static void check(PreDecoder layer, float[] in, int width, int model, Expected expected) {
        try (Work work = new Work();
                INDArray x = Nd4j.create(in, new long[] {2, TIMES, LATENTS, width}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, 2, TIMES, model)) {
            layer.forward(x, y, work, Position.segments(0, 2), Probe.NONE);
            float[] got = HostFloats.copy(y);
            for (int i = 0; i < got.length; i++) {
                int time = i / model % TIMES;
                int row = i / model / TIMES;
                double[][] latents = new double[LATENTS][width];
                for (int j = 0; j < LATENTS * width; j++) {
                    latents[j / width][j % width] = in[((row * TIMES + time) * LATENTS) * width + j];
                }
                double value = expected.vector(latents, row, time)[i % model];
                // Float sums of some hundred numbers.
                assertEquals(value, got[i], 1e-4 * Math.max(1, Math.abs(value)));
            }
        }
    }

    private static float[] input(int width) {
        return SeededWeights.numbers(new Random(4), 2 * TIMES * LATENTS * width);
    }

    private static double[] flat(double[][] latents) {
        double[] all = new double[latents.length * latents[0].length];
        for (int i = 0; i < all.length; i++) {
            all[i] = latents[i / latents[0].length][i % latents[0].length];
        }
        return all;
    }

    @ParameterizedTest
    @CsvSource({"NONE, ", "GELU_ERF, GELU", "RELU, RELU"})
    void threeMatricesAndTwoNorms(Activation activation, Nonlinearity nonlinearity) {
        int width = 7; // Half of 3 * 7 is 10.
        try (PreDecoder layer = new MlpPreDecoder("x", KERNELS, weights, activation, LATENTS, width, 6)) {
            check(layer, input(width), width, 6, (latents, row, time) -> {
                double[] z = flat(latents);
                for (int i = 0; i < 2; i++) {
                    z = formulas.norm("pre_decoder.norm" + i, false, formulas.linear("pre_decoder.linear" + i, z));
                    z = nonlinearity == null ? z : Formulas.activated(nonlinearity, z);
                }
                return formulas.linear("pre_decoder.linear2", z);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 9})
    void aMatrixForEachLatent(int model) {
        int width = 4;
        int each = model / LATENTS;
        try (PreDecoder layer = new GroupPreDecoder("x", KERNELS, weights, LATENTS, width, model)) {
            check(layer, input(width), width, model, (latents, row, time) -> {
                double[] y = new double[model];
                for (int i = 0; i < model; i++) {
                    for (int d = 0; d < width; d++) {
                        y[i] += formulas.weight("pre_decoder.group_linear.weight", i * width + d)
                                * latents[i / each][d];
                    }
                }
                return y;
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 8, 8", "1, 8, 20", "4, 8, 16", "16, 24, 48", "32, 40, 41", "64, 64, 128"})
    void filtersOfEachLatent(int depth, int width, int model) {
        int filters = model / width * LATENTS;
        int places = width - depth + 1;
        float[] in = input(width);
        try (PreDecoder layer = new ConvolutionPreDecoder("x", KERNELS, weights, LATENTS, width, depth, model)) {
            check(layer, in, width, model, (latents, row, time) -> {
                // Number i of the vector is number time * filters * places + i of [filters, times, places].
                double[] vector = new double[filters * places];
                for (int i = 0; i < vector.length; i++) {
                    int at = time * vector.length + i;
                    int filter = at / places / TIMES;
                    int fromTime = at / places % TIMES;
                    int latent = filter / (model / width);
                    vector[i] = formulas.weight("pre_decoder.conv.bias", filter);
                    for (int k = 0; k < depth; k++) {
                        vector[i] += in[((row * TIMES + fromTime) * LATENTS + latent) * width + at % places + k]
                                * formulas.weight("pre_decoder.conv.weight", k * filters + filter);
                    }
                }
                return formulas.linear("pre_decoder.out", vector);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 6})
    void oneMatrixForAll(int model) {
        try (PreDecoder layer = new LinearPreDecoder("x", KERNELS, weights, LATENTS, 4, model)) {
            check(
                    layer,
                    input(4),
                    4,
                    model,
                    (latents, row, time) -> formulas.linear("pre_decoder.linear", flat(latents)));
        }
    }
}
