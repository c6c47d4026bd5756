package org.luthier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * One change to one of several files. Every number counts round and round, so that any change fits any files.
 *
 * @param kind what is done
 * @param file which file
 * @param at where: a byte, or the how-manieth number or word
 * @param length how many bytes
 * @param value which bit, number, word, or other seed
 */
record Damage(Kind kind, int file, int at, int length, int value) {
    enum Kind {
        /** One bit is turned. */
        FLIP,
        /** One byte becomes another. */
        BYTE,
        /** A number of 1, 2, 4 or 8 bytes of either order becomes one at a boundary. */
        NUMBER,
        /** A decimal number in the text becomes one at a boundary. */
        DECIMAL,
        /** A word of the text becomes another one of it. */
        WORD,
        /** The end is cut off. */
        CUT,
        /** Bytes are missing. */
        REMOVE,
        /** Bytes are there twice. */
        REPEAT,
        /** Bytes of another seed are put in. */
        SPLICE
    }

    private static final Pattern DECIMAL = Pattern.compile("\\d+");
    private static final Pattern WORD = Pattern.compile("[A-Za-z_.]{2,}");

    static final long[] BOUNDARIES = {
        0,
        1,
        2,
        7,
        8,
        127,
        128,
        255,
        256,
        32767,
        32768,
        65535,
        65536,
        100_000_000,
        100_000_001,
        (1L << 31) - 8,
        (1L << 31) - 1,
        1L << 31,
        (1L << 32) - 1,
        1L << 32,
        (1L << 61) + 1,
        1L << 62,
        Long.MAX_VALUE - 7,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -2,
        -1
    };

    private static final List<String> DECIMALS = List.of(
            "-1",
            "-0",
            "1.0",
            "1e3",
            "1e999999999",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "00",
            "null",
            "[]",
            "{}",
            "\"1\"",
            "true",
            "9".repeat(1500));

    /** Changes a copy. */
    List<byte[]> apply(List<byte[]> files, List<List<byte[]>> seeds) {
        List<byte[]> changed = new ArrayList<>(files);
        int which = Math.floorMod(file, files.size());
        changed.set(
                which,
                apply(
                        files.get(which),
                        seeds.get(Math.floorMod(value, seeds.size())).get(which)));
        return changed;
    }

    private byte[] apply(byte[] bytes, byte[] other) {
        if (bytes.length == 0) {
            return kind == Kind.SPLICE ? other : bytes;
        }
        int begin = Math.floorMod(at, bytes.length);
        int end = Math.min(bytes.length, begin + 1 + Math.floorMod(length, 64));
        byte[] copy = bytes.clone();
        switch (kind) {
            case FLIP -> copy[begin] ^= (byte) (1 << Math.floorMod(value, 8));
            case BYTE -> copy[begin] = (byte) value;
            case NUMBER -> {
                int width = 1 << Math.floorMod(length, 4);
                ByteBuffer number = ByteBuffer.allocate(8)
                        .order(length % 8 < 4 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN)
                        .putLong(0, boundary(bytes.length));
                int from = number.order() == ByteOrder.BIG_ENDIAN ? 8 - width : 0;
                for (int i = 0; i < width && begin + i < copy.length; i++) {
                    copy[begin + i] = number.get(from + i);
                }
            }
            case DECIMAL -> {
                int text = Math.floorMod(value, DECIMALS.size() + BOUNDARIES.length);
                return replaced(
                        bytes,
                        DECIMAL,
                        text < DECIMALS.size()
                                ? DECIMALS.get(text)
                                : String.valueOf(BOUNDARIES[text - DECIMALS.size()]));
            }
            case WORD -> {
                List<MatchResult> words =
                        WORD.matcher(new String(bytes, ISO_8859_1)).results().toList();
                return words.isEmpty()
                        ? bytes
                        : replaced(
                                bytes,
                                WORD,
                                words.get(Math.floorMod(value, words.size())).group());
            }
            case CUT -> {
                return Arrays.copyOf(bytes, begin);
            }
            case REMOVE -> {
                return joined(bytes, begin, new byte[0], end);
            }
            case REPEAT -> {
                byte[] part = Arrays.copyOfRange(bytes, begin, end);
                for (int more = Math.floorMod(value, 4); more > 0; more--) {
                    part = joined(part, part.length, part, part.length);
                }
                return joined(bytes, begin, part, begin);
            }
            case SPLICE -> {
                int from = Math.floorMod(value, Math.max(1, other.length));
                int to = Math.min(other.length, from + 1 + Math.floorMod(length, 512));
                return joined(bytes, begin, Arrays.copyOfRange(other, from, to), end);
            }
        }
        return copy;
    }

    /** A boundary of a type, or of the file. */
    private long boundary(int size) {
        int number = Math.floorMod(value, BOUNDARIES.length + 3);
        return number < BOUNDARIES.length ? BOUNDARIES[number] : size + number - BOUNDARIES.length - 1;
    }

    private byte[] replaced(byte[] bytes, Pattern what, String by) {
        List<MatchResult> found =
                what.matcher(new String(bytes, ISO_8859_1)).results().toList();
        if (found.isEmpty()) {
            return bytes;
        }
        MatchResult one = found.get(Math.floorMod(at, found.size()));
        return joined(bytes, one.start(), by.getBytes(ISO_8859_1), one.end());
    }

    private static byte[] joined(byte[] bytes, int end, byte[] middle, int rest) {
        byte[] joined = new byte[end + middle.length + bytes.length - rest];
        System.arraycopy(bytes, 0, joined, 0, end);
        System.arraycopy(middle, 0, joined, end, middle.length);
        System.arraycopy(bytes, rest, joined, end + middle.length, bytes.length - rest);
        return joined;
    }
}
