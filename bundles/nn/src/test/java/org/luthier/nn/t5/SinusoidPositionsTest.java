package org.luthier.nn.t5;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SinusoidPositionsTest {
    /** Bounds: the table is rounded to single precision, and 1e-4 has a shorter way here than through a power. */
    @Test
    void sinesThenCosinesAndTheLastFrequencyIsATenThousandth() {
        int width = 512;
        float[] table = SinusoidPositions.table(2048, width);
        float[] first = new float[width];
        Arrays.fill(first, width / 2, width, 1);
        assertArrayEquals(first, Arrays.copyOf(table, width), "position 0 is sin 0 and cos 0");
        for (int position : new int[] {1, 255, 2047}) {
            int row = position * width;
            assertEquals(Math.sin(position), table[row], 1e-7);
            assertEquals(Math.cos(position), table[row + width / 2], 1e-7);
            assertEquals(Math.sin(position * 1e-4), table[row + width / 2 - 1], 1e-7);
            assertEquals(Math.cos(position * 1e-4), table[row + width - 1], 1e-7);
        }
    }

    @Test
    void everyRowBeginsAtTheSamePosition() {
        try (SinusoidPositions positions = new SinusoidPositions("p", "x", Kernels.named("plain"), 5, 4);
                INDArray x = Nd4j.ones(2, 3, 4)) {
            positions.forward(Sequences.of(x), 2, Position.segments(0, 2), Probe.NONE);
            float[] table = SinusoidPositions.table(5, 4);
            float[] got = HostFloats.copy(x);
            for (int i = 0; i < got.length; i++) {
                assertEquals(1 + table[2 * 4 + i % 12], got[i], 1e-6);
            }
            assertThrows(
                    IllegalArgumentException.class,
                    () -> positions.forward(Sequences.of(x), 3, Position.segments(0, 2), Probe.NONE));
        }
    }
}
