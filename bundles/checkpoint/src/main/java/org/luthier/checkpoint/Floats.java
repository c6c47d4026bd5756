package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** Stored elements as 32-bit floats, without silent loss: integers must be exact, doubles in range. */
final class Floats {
    private Floats() {}

    /**
     * Converts a tensor.
     *
     * @param file name for errors
     * @param bytes little-endian; its position stays
     */
    static float[] of(String file, TensorInfo tensor, ByteBuffer bytes) {
        ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int size = tensor.dtype().bytes();
        float[] values = new float[in.remaining() / size];
        if (tensor.dtype() == DType.F32) {
            in.asFloatBuffer().get(values);
            return values;
        }
        int start = in.position();
        for (int i = 0; i < values.length; i++) {
            int at = start + i * size;
            values[i] = switch (tensor.dtype()) {
                case F64 -> narrowed(in.getDouble(at), file, tensor, i);
                case F32 -> in.getFloat(at);
                case F16 -> half(in.getShort(at));
                case BF16 -> Float.intBitsToFloat(in.getShort(at) << 16);
                case I64 -> exact(in.getLong(at), file, tensor, i);
                case I32 -> exact(in.getInt(at), file, tensor, i);
                case I16 -> in.getShort(at);
                case I8 -> in.get(at);
                case U8 -> in.get(at) & 0xff;
                case BOOL -> truth(in.get(at), file, tensor, i);
            };
        }
        return values;
    }

    /** Index of the first NaN or infinity from position to limit, or -1. */
    static long firstNotFinite(DType dtype, ByteBuffer bytes) {
        int width = dtype.bytes();
        for (int at = bytes.position(); at < bytes.limit(); at += width) {
            // Neither NaN nor infinite: not all bits of the exponent are set.
            boolean finite = switch (dtype) {
                case F64 -> Double.isFinite(bytes.getDouble(at));
                case F32 -> Float.isFinite(bytes.getFloat(at));
                case F16 -> (bytes.getShort(at) & 0x7c00) != 0x7c00;
                case BF16 -> (bytes.getShort(at) & 0x7f80) != 0x7f80;
                default -> true;
            };
            if (!finite) {
                return (at - bytes.position()) / width;
            }
        }
        return -1;
    }

    /** IEEE 754 binary16 to binary32; every value has an exact counterpart. */
    static float half(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = bits >> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0x1f) {
            return Float.intBitsToFloat(sign | 0x7f800000 | fraction << 13);
        }
        if (exponent == 0) {
            // Zero and subnormal numbers: fraction * 2^-24.
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(fraction * 0x1p-24f));
        }
        return Float.intBitsToFloat(sign | exponent + 112 << 23 | fraction << 13);
    }

    /** Whether elements of a type are floating-point numbers. */
    static boolean isFloating(DType dtype) {
        return switch (dtype) {
            case F64, F32, F16, BF16 -> true;
            default -> false;
        };
    }

    /**
     * Floating-point numbers in another type, rounded to the nearest, ties to even; of F64 to one of 16 bits by way of F32. A finite
     * number that is too large becomes infinite.
     *
     * @param bytes little-endian, from position 0
     * @param to F32, F16 or BF16
     */
    static ByteBuffer cast(TensorInfo tensor, ByteBuffer bytes, DType to) {
        if (!isFloating(tensor.dtype())) {
            throw new IllegalArgumentException("not floating-point: " + tensor.dtype());
        }
        Elements elements = new Elements(tensor, bytes);
        int count = elements.size();
        ByteBuffer result =
                ByteBuffer.allocate(Math.multiplyExact(count, to.bytes())).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float value = (float) elements.at(i);
            switch (to) {
                case F32 -> result.putFloat(value);
                case F16 -> result.putShort(toHalf(value));
                case BF16 -> result.putShort(toBrain(value));
                default -> throw new IllegalArgumentException("no type to convert to: " + to);
            }
        }
        return result.flip();
    }

    /** The nearest binary16, ties to even. */
    static short toHalf(float value) {
        int sign = Float.floatToRawIntBits(value) >>> 16 & 0x8000;
        float magnitude = Math.abs(value);
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7e00);
        }
        if (magnitude >= 65520) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x1p-14f) {
            // Multiples of 2^-24; the product is exact.
            return (short) (sign | (int) Math.rint(magnitude * 0x1p24f));
        }
        int bits = Float.floatToRawIntBits(magnitude);
        bits += 0xfff + (bits >> 13 & 1);
        return (short) (sign | (bits >> 13) - (112 << 10));
    }

    /** The nearest bfloat16, ties to even. */
    static short toBrain(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    private static float narrowed(double value, String file, TensorInfo tensor, int index) {
        float narrow = (float) value;
        if (Float.isInfinite(narrow) && !Double.isInfinite(value)) {
            throw refuse(file, tensor, index, "value-range", value + " does not fit a 32-bit float");
        }
        return narrow;
    }

    private static float exact(long value, String file, TensorInfo tensor, int index) {
        // A float holds 24 significant bits; trailing zeros go into its exponent.
        long magnitude = Math.abs(value);
        if (value != 0 && 64 - Long.numberOfLeadingZeros(magnitude) - Long.numberOfTrailingZeros(magnitude) > 24) {
            throw refuse(file, tensor, index, "value-range", value + " is not exact as a 32-bit float");
        }
        return value;
    }

    private static float truth(byte value, String file, TensorInfo tensor, int index) {
        if (value != 0 && value != 1) {
            throw refuse(file, tensor, index, "bool-value", "expected 0 or 1, got " + (value & 0xff));
        }
        return value;
    }

    private static CheckpointException refuse(String file, TensorInfo tensor, int index, String rule, String detail) {
        return new CheckpointException(
                file, -1, rule, "tensor '" + tensor.name() + "', element " + index + ": " + detail);
    }
}
