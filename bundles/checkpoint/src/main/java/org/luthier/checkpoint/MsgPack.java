package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Reads MessagePack values from a part of a file, front to back.
 *
 * <p>Binary data and extensions come out as places in the file and cost nothing. Every length and count is held against the bytes that
 * are left before anything is done with it; what becomes objects is counted, and nesting is bounded.
 */
final class MsgPack {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_VALUES = 1 << 18;
    private static final int MAX_TEXT = 1 << 12;
    /** Longest start of a value: its first byte, four of length, one of extension type; or eight of a number. */
    private static final int LONGEST_HEAD = 9;

    /** Binary data. */
    record Binary(long offset, long length) {}

    /** An extension: a type and its data. */
    record Extension(int type, long offset, long length) {}

    private enum Kind {
        NIL,
        BOOLEAN,
        INTEGER,
        UNSIGNED,
        FLOAT,
        TEXT,
        BINARY,
        LIST,
        MAP,
        EXTENSION
    }

    /**
     * The start of a value.
     *
     * @param number the value itself, the bytes that follow, or the values that a list or the pairs that a map holds
     * @param type of an extension
     */
    private record Head(long offset, Kind kind, long number, int type) {}

    private final FileBytes file;
    private final long end;
    private long at;
    private final FileWindow window;
    private int values;
    private int depth;

    /** Reads from one offset to another. */
    MsgPack(FileBytes file, long begin, long end) {
        this.file = file;
        this.at = begin;
        this.end = end;
        this.window = new FileWindow(file, end, ByteOrder.BIG_ENDIAN);
    }

    /** Where the next value begins. */
    long at() {
        return at;
    }

    /**
     * Reads the next value: null, Boolean, Long, Double, String, {@link Binary}, {@link Extension}, List, or Map with text for keys, in
     * the order of the file.
     */
    Object read() {
        Head head = head();
        if (++values > MAX_VALUES) {
            throw broken(head.offset, "too-many-values", "more than " + MAX_VALUES + " values");
        }
        return switch (head.kind) {
            case NIL -> null;
            case BOOLEAN -> head.number != 0;
            case INTEGER -> head.number;
            case UNSIGNED -> {
                if (head.number < 0) {
                    throw broken(head.offset, "number", Long.toUnsignedString(head.number) + " is 2^63 or more");
                }
                yield head.number;
            }
            case FLOAT -> Double.longBitsToDouble(head.number);
            case TEXT -> text(head);
            case BINARY -> new Binary(pass(head.number), head.number);
            case EXTENSION -> new Extension(head.type, pass(head.number), head.number);
            case LIST -> {
                enter(head);
                List<Object> list = new ArrayList<>();
                for (long i = 0; i < head.number; i++) {
                    list.add(read());
                }
                depth--;
                yield list;
            }
            case MAP -> {
                Map<String, Object> map = new LinkedHashMap<>();
                entries(head, key -> map.put(key, read()));
                yield map;
            }
        };
    }

    /**
     * Reads a map entry by entry.
     *
     * @param what the map is, for errors
     * @param entry given each key, reads or skips its value
     */
    void readMap(String what, Consumer<String> entry) {
        Head head = head();
        if (head.kind != Kind.MAP) {
            throw broken(head.offset, "structure", "expected a map for " + what + ", found " + head.kind);
        }
        entries(head, entry);
    }

    private void entries(Head head, Consumer<String> entry) {
        enter(head);
        Set<String> keys = new HashSet<>();
        for (long i = 0; i < head.number; i++) {
            Head key = head();
            if (key.kind != Kind.TEXT) {
                throw broken(key.offset, "map-key", "expected text for the key of a map, found " + key.kind);
            }
            if (++values > MAX_VALUES) {
                throw broken(key.offset, "too-many-values", "more than " + MAX_VALUES + " values");
            }
            String name = text(key);
            if (!keys.add(name)) {
                throw broken(
                        key.offset, "duplicate-key", "the key '" + Names.brief(name) + "' is there twice in one map");
            }
            entry.accept(name);
        }
        depth--;
    }

    /** Passes over the next value; its structure is checked, its texts and data are not looked at. */
    void skip() {
        Head head = head();
        switch (head.kind) {
            case TEXT, BINARY, EXTENSION -> pass(head.number);
            case LIST, MAP -> {
                enter(head);
                for (long i = head.kind == Kind.MAP ? 2 * head.number : head.number; i > 0; i--) {
                    skip();
                }
                depth--;
            }
            default -> {
                // The head was all of it.
            }
        }
    }

    /** Refuses anything behind the last value. */
    void expectEnd() {
        if (at != end) {
            throw broken(at, "trailing-data", (end - at) + " bytes follow the value");
        }
    }

    private void enter(Head head) {
        if (++depth > MAX_DEPTH) {
            throw broken(head.offset, "nesting", "maps and lists are nested deeper than " + MAX_DEPTH);
        }
    }

    private String text(Head head) {
        if (head.number > MAX_TEXT) {
            throw broken(head.offset, "text-length", "a text of " + head.number + " bytes, at most are " + MAX_TEXT);
        }
        long offset = pass(head.number);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(window.at(offset, (int) head.number))
                    .toString();
        } catch (CharacterCodingException e) {
            throw broken(head.offset, "text-utf8", "a text is not UTF-8");
        }
    }

    /** Goes on behind so many bytes; returns where they begin. */
    private long pass(long length) {
        long offset = at;
        at += length;
        return offset;
    }

    private Head head() {
        long offset = at;
        if (offset == end) {
            throw broken(offset, "truncated", "expected a value, the data ends here");
        }
        ByteBuffer in = window.at(offset, (int) Math.min(LONGEST_HEAD, end - offset));
        int first = in.get() & 0xff;
        Head head;
        if (first <= 0x7f) {
            head = new Head(offset, Kind.INTEGER, first, 0);
        } else if (first <= 0x8f) {
            head = new Head(offset, Kind.MAP, first & 0x0f, 0);
        } else if (first <= 0x9f) {
            head = new Head(offset, Kind.LIST, first & 0x0f, 0);
        } else if (first <= 0xbf) {
            head = new Head(offset, Kind.TEXT, first & 0x1f, 0);
        } else if (first >= 0xe0) {
            head = new Head(offset, Kind.INTEGER, (byte) first, 0);
        } else {
            head = switch (first) {
                case 0xc0 -> new Head(offset, Kind.NIL, 0, 0);
                case 0xc2, 0xc3 -> new Head(offset, Kind.BOOLEAN, first & 1, 0);
                case 0xc4, 0xc5, 0xc6 -> new Head(offset, Kind.BINARY, unsigned(in, 1 << first - 0xc4), 0);
                case 0xc7, 0xc8, 0xc9 -> {
                    long length = unsigned(in, 1 << first - 0xc7);
                    yield new Head(offset, Kind.EXTENSION, length, (byte) unsigned(in, 1));
                }
                case 0xca ->
                    new Head(
                            offset,
                            Kind.FLOAT,
                            Double.doubleToRawLongBits(Float.intBitsToFloat((int) unsigned(in, 4))),
                            0);
                case 0xcb -> new Head(offset, Kind.FLOAT, unsigned(in, 8), 0);
                case 0xcc, 0xcd, 0xce, 0xcf -> new Head(offset, Kind.UNSIGNED, unsigned(in, 1 << first - 0xcc), 0);
                case 0xd0 -> new Head(offset, Kind.INTEGER, (byte) unsigned(in, 1), 0);
                case 0xd1 -> new Head(offset, Kind.INTEGER, (short) unsigned(in, 2), 0);
                case 0xd2 -> new Head(offset, Kind.INTEGER, (int) unsigned(in, 4), 0);
                case 0xd3 -> new Head(offset, Kind.INTEGER, unsigned(in, 8), 0);
                case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 ->
                    new Head(offset, Kind.EXTENSION, 1L << first - 0xd4, (byte) unsigned(in, 1));
                case 0xd9, 0xda, 0xdb -> new Head(offset, Kind.TEXT, unsigned(in, 1 << first - 0xd9), 0);
                case 0xdc, 0xdd -> new Head(offset, Kind.LIST, unsigned(in, 2 << first - 0xdc), 0);
                case 0xde, 0xdf -> new Head(offset, Kind.MAP, unsigned(in, 2 << first - 0xde), 0);
                default -> throw broken(offset, "reserved-byte", "no value begins with the byte c1");
            };
        }
        at = offset + in.position();
        // The least that follows: the bytes of data, one byte a value of a list, two a pair of a map.
        long least = switch (head.kind) {
            case TEXT, BINARY, EXTENSION, LIST -> head.number;
            case MAP -> 2 * head.number;
            default -> 0;
        };
        if (least > end - at) {
            throw broken(
                    offset,
                    "truncated",
                    head.kind + " of " + head.number + " needs " + least + " bytes or more, there are " + (end - at));
        }
        return head;
    }

    /** A big-endian number of 1, 2, 4 or 8 bytes. */
    private long unsigned(ByteBuffer in, int bytes) {
        if (in.remaining() < bytes) {
            throw broken(end, "truncated", "the data ends inside a value");
        }
        return switch (bytes) {
            case 1 -> in.get() & 0xff;
            case 2 -> in.getShort() & 0xffff;
            case 4 -> in.getInt() & 0xffffffffL;
            default -> in.getLong();
        };
    }

    private RuntimeException broken(long offset, String rule, String detail) {
        return file.broken(offset, rule, detail);
    }
}
