package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

class FloatsTest {
    @Test
    void everyHalf() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            int exponent = bits >> 10 & 0x1f;
            int fraction = bits & 0x3ff;
            double magnitude = exponent == 0
                    ? fraction * Math.pow(2, -24)
                    : exponent == 0x1f
                            ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                            : (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
            double expected = Math.copySign(magnitude, bits >= 0x8000 ? -1 : 1);
            float got = Floats.half((short) bits);
            assertEquals(expected, got, 0, () -> "half");
            if (magnitude == 0) {
                assertEquals(bits != 0, 1 / got < 0, "sign of zero");
            }
        }
    }

    @Test
    void everyTypeConverts() {
        assertArrayEquals(
                new float[] {1.5f, -2, 0x1p-133f},
                of(
                        DType.BF16,
                        6,
                        b -> b.putShort((short) 0x3fc0).putShort((short) 0xc000).putShort((short) 0x0001)));
        assertArrayEquals(
                new float[] {1, 65504},
                of(DType.F16, 4, b -> b.putShort((short) 0x3c00).putShort((short) 0x7bff)));
        assertArrayEquals(
                new float[] {0.1f, Float.POSITIVE_INFINITY},
                of(DType.F64, 16, b -> b.putDouble(0.1).putDouble(Double.POSITIVE_INFINITY)));
        assertArrayEquals(
                new float[] {-1, 16777216, Long.MIN_VALUE, 0},
                of(
                        DType.I64,
                        32,
                        b -> b.putLong(-1)
                                .putLong(1 << 24)
                                .putLong(Long.MIN_VALUE)
                                .putLong(0)));
        assertArrayEquals(
                new float[] {-7, Integer.MIN_VALUE},
                of(DType.I32, 8, b -> b.putInt(-7).putInt(Integer.MIN_VALUE)));
        assertArrayEquals(new float[] {-32768}, of(DType.I16, 2, b -> b.putShort((short) -32768)));
        assertArrayEquals(
                new float[] {-128, 127}, of(DType.I8, 2, b -> b.put((byte) -128).put((byte) 127)));
        assertArrayEquals(
                new float[] {128, 255}, of(DType.U8, 2, b -> b.put((byte) -128).put((byte) -1)));
        assertArrayEquals(
                new float[] {0, 1}, of(DType.BOOL, 2, b -> b.put((byte) 0).put((byte) 1)));
    }

    @Test
    void nothingIsLostSilently() {
        refused("value-range", DType.I64, 8, b -> b.putLong(Long.MAX_VALUE));
        refused("value-range", DType.I64, 8, b -> b.putLong((1 << 24) + 1));
        refused("value-range", DType.I32, 4, b -> b.putInt(Integer.MAX_VALUE));
        refused("value-range", DType.F64, 8, b -> b.putDouble(1e39));
        refused("bool-value", DType.BOOL, 1, b -> b.put((byte) 2));
    }

    @Test
    void findsWhatIsNotFinite() {
        assertEquals(
                1,
                Floats.firstNotFinite(
                        DType.F32, bytes(8, b -> b.putFloat(Float.MAX_VALUE).putFloat(Float.NaN))));
        assertEquals(0, Floats.firstNotFinite(DType.F64, bytes(8, b -> b.putDouble(Double.NEGATIVE_INFINITY))));
        assertEquals(
                1,
                Floats.firstNotFinite(
                        DType.F16, bytes(4, b -> b.putShort((short) 0x7bff).putShort((short) 0xfc00))));
        assertEquals(
                1,
                Floats.firstNotFinite(
                        DType.BF16, bytes(4, b -> b.putShort((short) 0x7f7f).putShort((short) 0x7fc0))));
        assertEquals(-1, Floats.firstNotFinite(DType.I32, bytes(4, b -> b.putInt(-1))));
        assertEquals(-1, Floats.firstNotFinite(DType.F32, bytes(0, b -> {})));
    }

    private static void refused(String rule, DType dtype, int size, java.util.function.Consumer<ByteBuffer> fill) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> of(dtype, size, fill));
        assertEquals(rule, e.rule());
        assertTrue(e.getMessage().contains("tensor 't', element 0"), e.getMessage());
    }

    private static float[] of(DType dtype, int size, java.util.function.Consumer<ByteBuffer> fill) {
        return Floats.of("file", new TensorInfo("t", List.of((long) size / dtype.bytes()), dtype), bytes(size, fill));
    }

    private static ByteBuffer bytes(int size, java.util.function.Consumer<ByteBuffer> fill) {
        ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        fill.accept(bytes);
        return bytes.flip();
    }

    @Test
    void roundsToTheNearestAndTiesToEven() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Floats.half((short) bits);
            if (!Float.isNaN(value)) {
                assertEquals((short) bits, Floats.toHalf(value));
            }
            float brain = Float.intBitsToFloat(bits << 16);
            if (!Float.isNaN(brain)) {
                assertEquals((short) bits, Floats.toBrain(brain));
            }
        }
        for (int bits = 0; bits < 0x7bff; bits++) {
            // Between neighbours, and a little to either side: the sum of two halves is exact.
            float low = Floats.half((short) bits);
            float high = Floats.half((short) (bits + 1));
            float middle = (low + high) / 2;
            assertEquals((short) (bits + (bits & 1)), Floats.toHalf(middle), "" + middle);
            assertEquals((short) bits, Floats.toHalf(Math.nextDown(middle)), "" + middle);
            assertEquals((short) (bits + 1), Floats.toHalf(Math.nextUp(middle)), "" + middle);
        }
        assertEquals((short) 0x7bff, Floats.toHalf(Math.nextDown(65520f)));
        assertEquals((short) 0x7c00, Floats.toHalf(65520f));
        assertEquals((short) 0x3f80, Floats.toBrain(1 + 0x1p-8f));
        assertEquals((short) 0x3f82, Floats.toBrain(1 + 0x3p-8f));
        assertEquals((short) 0x7f80, Floats.toBrain(Float.MAX_VALUE));
    }
}
