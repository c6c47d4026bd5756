package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * The header of a .npy array: a Python dictionary with the keys descr, fortran_order and shape, read by a parser that knows nothing
 * else of Python.
 *
 * @param type element type
 * @param fortranOrder whether the first index runs fastest
 * @param shape sizes of the dimensions
 * @param dataOffset where the elements begin
 */
record NpyHeader(NumpyType type, boolean fortranOrder, List<Long> shape, int dataOffset) {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_TEXT = 1 << 16;

    /** Most bytes that a header takes: magic, version, length and text. */
    static final int MAX_BYTES = 12 + MAX_TEXT;

    /** A broken rule, with its place from the start of the array. */
    static final class BrokenRule extends Exception {
        private static final long serialVersionUID = 1L;

        final long offset;
        final String rule;

        BrokenRule(long offset, String rule, String detail) {
            super(detail);
            this.offset = offset;
            this.rule = rule;
        }
    }

    static boolean startsWithMagic(ByteBuffer start) {
        if (start.remaining() < MAGIC.length) {
            return false;
        }
        return start.duplicate().limit(start.position() + MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
    }

    /**
     * Reads a header.
     *
     * @param start the array's first bytes, at least {@link #MAX_BYTES} or all there are
     * @param size bytes of the whole array, header and elements
     */
    static NpyHeader read(ByteBuffer start, long size) throws BrokenRule {
        ByteBuffer in = start.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (!startsWithMagic(in)) {
            throw new BrokenRule(0, "magic", "does not begin as a .npy array");
        }
        if (in.remaining() < 10) {
            throw new BrokenRule(in.limit(), "truncated", "ends inside the header");
        }
        int major = in.get(6);
        int minor = in.get(7);
        if (major < 1 || major > 3 || minor != 0) {
            throw new BrokenRule(6, "version", "version " + major + "." + minor + ", readable are 1.0, 2.0 and 3.0");
        }
        int textStart = major == 1 ? 10 : 12;
        if (in.limit() < textStart) {
            throw new BrokenRule(in.limit(), "truncated", "ends inside the header");
        }
        long length = major == 1 ? in.getShort(8) & 0xffff : in.getInt(8) & 0xffffffffL;
        if (length > MAX_TEXT || length > in.limit() - textStart) {
            throw new BrokenRule(
                    8,
                    "header-length",
                    "header length " + length + ", allowed are " + MAX_TEXT + " and what is left, "
                            + (in.limit() - textStart));
        }
        String text;
        try {
            ByteBuffer bytes = in.position(textStart).limit(textStart + (int) length);
            text = (major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1)
                    .newDecoder()
                    .decode(bytes)
                    .toString();
        } catch (CharacterCodingException e) {
            throw new BrokenRule(textStart, "header-utf8", "the header is not UTF-8");
        }
        NpyHeader header = new Parser(text, textStart).dictionary();
        long bytes = Shapes.bytes(header.shape, header.type.dtype());
        if (bytes != size - header.dataOffset) {
            throw new BrokenRule(
                    header.dataOffset,
                    bytes > size - header.dataOffset ? "truncated" : "tensor-size",
                    "shape " + header.shape + " of type " + header.type.dtype() + " needs "
                            + (bytes < 0 ? "more than 2^63" : bytes) + " bytes, there are "
                            + (size - header.dataOffset));
        }
        return header;
    }

    /** What the header tells of a tensor. */
    TensorInfo tensor(String name) {
        return new TensorInfo(name, shape, type.dtype());
    }

    /** Elements as stored to little-endian and row-major, in place where the order allows it. */
    ByteBuffer rowMajor(ByteBuffer stored) {
        return type.rowMajor(stored, fortranOrder, shape);
    }

    /** The literal that numpy writes: {@code {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }}. */
    private static final class Parser {
        private final String text;
        private final int start;
        private int at;

        Parser(String text, int start) {
            this.text = text;
            this.start = start;
        }

        NpyHeader dictionary() throws BrokenRule {
            String descr = null;
            Boolean fortran = null;
            List<Long> shape = null;
            take('{');
            while (!peek('}')) {
                String key = string();
                take(':');
                if (key.equals("descr") && descr == null) {
                    descr = descr();
                } else if (key.equals("fortran_order") && fortran == null) {
                    fortran = truth();
                } else if (key.equals("shape") && shape == null) {
                    shape = tuple();
                } else {
                    throw broken("header-field", "the key '" + Names.brief(key) + "' is unknown or there twice");
                }
                if (!peek('}')) {
                    take(',');
                }
            }
            take('}');
            skipSpace();
            if (at != text.length()) {
                throw broken("header-end", "something follows the header's closing brace");
            }
            if (descr == null || fortran == null || shape == null) {
                throw broken("header-field", "descr, fortran_order and shape are needed");
            }
            return new NpyHeader(type(descr), fortran, shape, start + text.length());
        }

        private NumpyType type(String descr) throws BrokenRule {
            NumpyType type = NumpyType.of(descr);
            if (type == null) {
                throw broken("dtype", "element type '" + Names.brief(descr) + "', readable are " + NumpyType.READABLE);
            }
            return type;
        }

        private String descr() throws BrokenRule {
            if (peek('[')) {
                throw broken("dtype", "arrays of records are not readable");
            }
            return string();
        }

        private boolean truth() throws BrokenRule {
            skipSpace();
            for (boolean value : new boolean[] {true, false}) {
                String word = value ? "True" : "False";
                if (text.startsWith(word, at)) {
                    at += word.length();
                    return value;
                }
            }
            throw broken("header-syntax", "expected True or False");
        }

        private List<Long> tuple() throws BrokenRule {
            List<Long> sizes = new ArrayList<>();
            take('(');
            boolean comma = true;
            while (!peek(')')) {
                if (!comma) {
                    throw broken("header-syntax", "expected ','");
                }
                if (sizes.size() == Shapes.MAX_RANK) {
                    throw broken("shape", "more than " + Shapes.MAX_RANK + " dimensions");
                }
                sizes.add(number());
                comma = peek(',');
                if (comma) {
                    take(',');
                }
            }
            take(')');
            // (3) is a number in brackets, (3,) a tuple.
            if (sizes.size() == 1 && !comma) {
                throw broken("header-syntax", "expected ','");
            }
            return List.copyOf(sizes);
        }

        private long number() throws BrokenRule {
            skipSpace();
            int begin = at;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            try {
                return Long.parseLong(text.substring(begin, at));
            } catch (NumberFormatException e) {
                throw broken("header-number", "expected a whole number from 0 to 2^63-1");
            }
        }

        private String string() throws BrokenRule {
            skipSpace();
            char quote = at < text.length() ? text.charAt(at) : 0;
            int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
            if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
                throw broken("header-syntax", "expected a string");
            }
            String value = text.substring(at + 1, end);
            at = end + 1;
            return value;
        }

        private boolean peek(char c) {
            skipSpace();
            return at < text.length() && text.charAt(at) == c;
        }

        private void take(char c) throws BrokenRule {
            if (!peek(c)) {
                throw broken("header-syntax", "expected '" + c + "'");
            }
            at++;
        }

        private void skipSpace() {
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\n')) {
                at++;
            }
        }

        private BrokenRule broken(String rule, String detail) {
            return new BrokenRule(start + at, rule, detail);
        }
    }
}
