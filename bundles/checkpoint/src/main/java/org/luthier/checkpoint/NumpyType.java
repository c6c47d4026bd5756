package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.luthier.api.checkpoint.DType;

/**
 * An element type as numpy writes it, for example {@code <f4}.
 *
 * @param dtype what it is
 * @param bigEndian whether the bytes of an element must be turned round
 */
record NumpyType(DType dtype, boolean bigEndian) {
    /** For errors. */
    static final String READABLE = "f2, f4, f8, i1, i2, i4, i8, u1 and b1 in little or big endian";

    /** The type of a description, or null if it is none that can be read. */
    static NumpyType of(String descr) {
        if (descr.length() != 3 || "<>|=".indexOf(descr.charAt(0)) < 0) {
            return null;
        }
        boolean ordered = descr.charAt(0) == '<' || descr.charAt(0) == '>';
        DType dtype = switch (descr.substring(1)) {
            case "f8" -> DType.F64;
            case "f4" -> DType.F32;
            case "f2" -> DType.F16;
            case "i8" -> DType.I64;
            case "i4" -> DType.I32;
            case "i2" -> DType.I16;
            case "i1" -> DType.I8;
            case "u1" -> DType.U8;
            case "b1" -> DType.BOOL;
            default -> null;
        };
        // "Native" order is whatever the writer's machine had, and no writer stores it.
        return dtype == null || !ordered && dtype.bytes() > 1 ? null : new NumpyType(dtype, descr.charAt(0) == '>');
    }

    /**
     * Elements as stored to little-endian and row-major, in place where the order allows it.
     *
     * @param fortranOrder whether the first index runs fastest
     */
    ByteBuffer rowMajor(ByteBuffer stored, boolean fortranOrder, List<Long> shape) {
        ByteBuffer bytes = stored.order(ByteOrder.LITTLE_ENDIAN);
        if (bigEndian) {
            swap(bytes, dtype.bytes());
        }
        return fortranOrder && shape.size() > 1 ? fromFortran(bytes, shape) : bytes;
    }

    /** Turns the bytes of each element round. */
    static void swap(ByteBuffer bytes, int width) {
        for (int at = 0; at < bytes.limit(); at += width) {
            switch (width) {
                case 2 -> bytes.putShort(at, Short.reverseBytes(bytes.getShort(at)));
                case 4 -> bytes.putInt(at, Integer.reverseBytes(bytes.getInt(at)));
                case 8 -> bytes.putLong(at, Long.reverseBytes(bytes.getLong(at)));
                default -> {
                    return;
                }
            }
        }
    }

    private ByteBuffer fromFortran(ByteBuffer bytes, List<Long> shape) {
        List<Long> reversed = new ArrayList<>(shape);
        Collections.reverse(reversed);
        int[] axes = new int[shape.size()];
        for (int i = 0; i < axes.length; i++) {
            axes[i] = axes.length - 1 - i;
        }
        // A column-major array is the row-major array of the reversed shape with its axes reversed.
        return Transpose.apply(bytes, reversed, dtype.bytes(), axes);
    }
}
