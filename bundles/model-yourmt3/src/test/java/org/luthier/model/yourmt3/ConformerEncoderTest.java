package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A Conformer with numbers of a seed. */
class ConformerEncoderTest {
    private static final int LENGTH = 5;
    private static final int WIDTH = 8;
    private static final int HEADS = 2;
    private static final int SIZE = WIDTH / HEADS;

    private static YourMt3Configuration.Conformer sizes(boolean relative) {
        return new YourMt3Configuration.Conformer(WIDTH, 12, HEADS, 2, relative, 3);
    }

    private static float[] run(boolean relative, String kernels, float[] input) {
        int rows = input.length / LENGTH / WIDTH;
        try (ConformerEncoder encoder = new ConformerEncoder(
                        "x", Kernels.named(kernels), new SeededWeights(), sizes(relative), LENGTH);
                Work work = new Work();
                INDArray x = Nd4j.create(input, new long[] {rows, LENGTH, WIDTH}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, rows, LENGTH, WIDTH)) {
            encoder.forward(x, y, work, Position.segments(0, rows), Probe.NONE);
            return HostFloats.copy(y);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rowsDoNotSeeEachOtherAndKernelsAgree(boolean relative) {
        float[] both = SeededWeights.numbers(new Random(3), 2 * LENGTH * WIDTH);
        float[] second = Arrays.copyOfRange(both, both.length / 2, both.length);
        float[] got = run(relative, "cpu", both);
        float[] alone = run(relative, "plain", second);
        for (int i = 0; i < alone.length; i++) {
            // Float sums of some ten numbers, through two layers.
            assertEquals(alone[i], got[got.length / 2 + i], 1e-4 * Math.max(1, Math.abs(alone[i])));
        }
    }

    /** softmax_j([(q_i + u) k_j + (q_i + v) W p_(i-j)] / sqrt(size)) v_j, written out. */
    @Test
    void distancesCountByTheirSinusoids() {
        SeededWeights weights = new SeededWeights();
        Variant.Recorder recorder = new Variant.Recorder();
        try (ConformerAttention layer = new ConformerAttention(
                        "a", "o", "x", Kernels.named("cpu"), weights, sizes(true), null, LENGTH);
                Work work = new Work();
                INDArray x = Nd4j.create(
                        SeededWeights.numbers(new Random(4), LENGTH * WIDTH), new long[] {1, LENGTH, WIDTH}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, 1, LENGTH, WIDTH)) {
            layer.forward(x, y, work, Position.segments(0, 1), recorder);
        }
        Map<String, float[]> taken = weights.taken;
        float[] q = recorder.tensors.get("a.query").values();
        float[] k = recorder.tensors.get("a.key").values();
        float[] v = recorder.tensors.get("a.value").values();
        float[] context = recorder.tensors.get("a.context").values();
        for (int i = 0; i < LENGTH; i++) {
            for (int head = 0; head < HEADS; head++) {
                double[] probabilities = new double[LENGTH];
                double all = 0;
                for (int j = 0; j < LENGTH; j++) {
                    double score = 0;
                    for (int d = head * SIZE; d < (head + 1) * SIZE; d++) {
                        double place = 0;
                        for (int column = 0; column < WIDTH; column++) {
                            double angle = (i - j) * Math.pow(10000, -(double) (column / 2 * 2) / WIDTH);
                            place += (column % 2 == 0 ? Math.sin(angle) : Math.cos(angle))
                                    * taken.get("a.positions.weight")[column * WIDTH + d];
                        }
                        score += (q[i * WIDTH + d] + taken.get("a.content_bias")[d]) * k[j * WIDTH + d]
                                + (q[i * WIDTH + d] + taken.get("a.position_bias")[d]) * place;
                    }
                    probabilities[j] = Math.exp(score / Math.sqrt(SIZE));
                    all += probabilities[j];
                }
                for (int d = head * SIZE; d < (head + 1) * SIZE; d++) {
                    double expected = 0;
                    for (int j = 0; j < LENGTH; j++) {
                        expected += probabilities[j] / all * v[j * WIDTH + d];
                    }
                    // Scores of some 100 in float are 1e-5 off.
                    assertEquals(expected, context[i * WIDTH + d], 1e-4 * Math.abs(expected));
                }
            }
        }
    }
}
