package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

class TensorStatisticsTest {
    private static TensorStatistics of(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return TensorStatistics.of(new TensorInfo("w", List.of((long) values.length), DType.F32), bytes);
    }

    @Test
    void ofFiniteValues() {
        TensorStatistics statistics = of(-3, 0, -0f, 7);
        assertEquals(
                new TensorStatistics(4, 2, 0, 0, -3, 7, 1, Math.sqrt((16 + 1 + 1 + 36) / 4.0), Math.sqrt(58)),
                statistics);
    }

    @Test
    void whatIsNotFiniteIsCountedAndLeftOut() {
        TensorStatistics statistics = of(Float.NaN, 2, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 4);
        assertEquals(new TensorStatistics(5, 0, 1, 2, 2, 4, 3, 1, Math.sqrt(20)), statistics);
    }

    /** The deviations are far below the precision of a float beside the mean. */
    @Test
    void deviationsFarFromZero() {
        float[] values = new float[1000];
        for (int i = 0; i < values.length; i++) {
            values[i] = 1e6f + i % 2;
        }
        assertEquals(0.5, of(values).std(), 1e-12, "all in double precision");
    }

    @Test
    void ofNothing() {
        for (TensorStatistics statistics : List.of(of(), of(Float.NaN))) {
            Map<String, Object> map = statistics.asMap();
            assertEquals(List.of("min", "max", "mean", "std", "l2", "nan", "inf", "zeros"), List.copyOf(map.keySet()));
            assertNull(map.get("min"));
            assertNull(map.get("max"));
            assertNull(map.get("mean"));
            assertNull(map.get("std"));
            assertEquals(0.0, map.get("l2"));
        }
    }

    @Test
    void ofWholeNumbersAndTruths() {
        ByteBuffer bytes = ByteBuffer.wrap(new byte[] {1, 0, (byte) 200, 3});
        TensorInfo unsigned = new TensorInfo("w", List.of(4L), DType.U8);
        assertEquals(200, TensorStatistics.of(unsigned, bytes).max());
        assertEquals(
                -56,
                TensorStatistics.of(new TensorInfo("w", List.of(4L), DType.I8), bytes)
                        .min());
        assertEquals(
                1,
                TensorStatistics.of(new TensorInfo("w", List.of(4L), DType.BOOL), bytes)
                        .zeros());
    }
}
