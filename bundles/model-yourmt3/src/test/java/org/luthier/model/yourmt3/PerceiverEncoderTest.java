package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A Perceiver with numbers of a seed: what it offers, that rows do not see each other, and that the kernels agree. */
class PerceiverEncoderTest {
    private static final int TIMES = 5;
    private static final int TOKENS = 4;

    private static YourMt3Configuration.Perceiver sizes(YourMt3Configuration.Positions positions) {
        return new YourMt3Configuration.Perceiver(
                3,
                8,
                6,
                16,
                8,
                2,
                4,
                2,
                1,
                1,
                true,
                true,
                false,
                1e-5,
                YourMt3Configuration.FeedForward.MOE,
                YourMt3Configuration.Nonlinearity.SILU,
                12,
                4,
                2,
                positions,
                YourMt3Configuration.Rotation.PIXEL,
                YourMt3Configuration.Rotation.PIXEL,
                YourMt3Configuration.Rotation.LANG,
                true,
                4);
    }

    private static float[] run(YourMt3Configuration.Positions positions, String kernels, float[] input, Probe probe) {
        int rows = input.length / (TIMES * 6 * TOKENS);
        try (PerceiverEncoder encoder = new PerceiverEncoder(
                        "x", Kernels.named(kernels), new SeededWeights(), sizes(positions), TIMES, TOKENS);
                Work work = new Work();
                INDArray x = Nd4j.create(input, new long[] {rows, TIMES, 6, TOKENS}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, rows, TIMES, 3, 8)) {
            encoder.forward(x, y, work, Position.segments(4, rows), probe);
            if (probe != Probe.NONE) {
                Set<String> told = new HashSet<>();
                collect(encoder, told);
                assertTrue(told.containsAll(((Variant.Recorder) probe).tensors.keySet()));
            }
            return HostFloats.copy(y);
        }
    }

    private static void collect(Layer layer, Set<String> names) {
        names.addAll(layer.taps());
        layer.children().forEach(child -> collect(child, names));
    }

    @ParameterizedTest
    @EnumSource(YourMt3Configuration.Positions.class)
    void rowsDoNotSeeEachOtherAndKernelsAgree(YourMt3Configuration.Positions positions) {
        float[] both = SeededWeights.numbers(new Random(3), 2 * TIMES * 6 * TOKENS);
        float[] second = java.util.Arrays.copyOfRange(both, both.length / 2, both.length);
        float[] got = run(positions, "cpu", both, Probe.NONE);
        float[] alone = run(positions, "cpu", second, new Variant.Recorder());
        float[] plain = run(positions, "plain", both, new Variant.Recorder());
        for (int i = 0; i < alone.length; i++) {
            // Float sums of some ten numbers, through two blocks.
            assertEquals(alone[i], got[got.length / 2 + i], 1e-4 * Math.max(1, Math.abs(alone[i])));
        }
        for (int i = 0; i < got.length; i++) {
            assertEquals(plain[i], got[i], 1e-4 * Math.max(1, Math.abs(plain[i])));
        }
    }
}
