package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Undoes gzip (RFC 1952) and zlib (RFC 1950) for data whose length is known: exactly so many bytes come out and nothing follows, in one
 * gzip member, or it is an error.
 */
final class Compressed {
    /** Deflate makes at most 1032 bytes of one. */
    private static final long MAX_RATIO = 1032;

    /** Rarely exceeded by weights; beyond it the length is proved before the memory is taken. */
    private static final int USUAL_RATIO = 16;

    private static final int GZIP_HEADER = 10;
    private static final int GZIP_TRAILER = 8;
    private static final int HEADER_CRC = 1 << 1;
    private static final int EXTRA = 1 << 2;
    private static final int NAME = 1 << 3;
    private static final int COMMENT = 1 << 4;
    private static final int RESERVED = 0xe0;

    /** What is wrong, with its place in the compressed data. */
    static final class Damaged extends Exception {
        private static final long serialVersionUID = 1L;

        final long offset;
        final String rule;

        Damaged(long offset, String rule, String detail) {
            super(detail);
            this.offset = offset;
            this.rule = rule;
        }
    }

    private Compressed() {}

    /** The most bytes that data of a length can be compressed to. */
    static long longest(long length) {
        return length + length / 8 + (1 << 16);
    }

    /** The most bytes that can be made of compressed data of a length; a block header more or less on tiny data. */
    static long mostInflated(long length) {
        return (length + 1) * MAX_RATIO;
    }

    /** Undoes gzip. */
    static ByteBuffer gunzip(ByteBuffer in, int length) throws Damaged {
        int header = gzipHeader(in);
        ByteBuffer out = inflate(in, header, true, length);
        int trailer = in.position();
        expectLeft(in, GZIP_TRAILER);
        CRC32 crc = new CRC32();
        crc.update(out.duplicate());
        if (in.getInt() != (int) crc.getValue() || in.getInt() != length) {
            throw new Damaged(trailer, "checksum", "the checksum or the length behind the data is of other data");
        }
        return out;
    }

    /** Undoes zlib. */
    static ByteBuffer inflate(ByteBuffer in, int length) throws Damaged {
        ByteBuffer out = inflate(in, 0, false, length);
        expectLeft(in, 0);
        return out;
    }

    private static void expectLeft(ByteBuffer in, int expected) throws Damaged {
        if (in.remaining() < expected) {
            throw new Damaged(in.limit(), "truncated", "ends before its checksum");
        }
        if (in.remaining() > expected) {
            throw new Damaged(
                    in.position() + expected,
                    "trailing-data",
                    (in.remaining() - expected) + " bytes follow the compressed data");
        }
    }

    private static int gzipHeader(ByteBuffer in) throws Damaged {
        in.order(ByteOrder.LITTLE_ENDIAN);
        if (in.limit() < GZIP_HEADER) {
            throw new Damaged(in.limit(), "truncated", "ends inside the gzip header");
        }
        int flags = in.get(3) & 0xff;
        if (in.getShort(0) != (short) 0x8b1f || in.get(2) != 8 || (flags & RESERVED) != 0) {
            throw new Damaged(0, "gzip-header", "does not begin as gzip data");
        }
        int at = GZIP_HEADER;
        if ((flags & EXTRA) != 0) {
            if (in.limit() < at + 2) {
                throw new Damaged(in.limit(), "truncated", "ends inside the gzip header");
            }
            at += 2 + (in.getShort(at) & 0xffff);
        }
        for (int texts = Integer.bitCount(flags & (NAME | COMMENT)); texts > 0; texts--) {
            while (at < in.limit() && in.get(at) != 0) {
                at++;
            }
            at++;
        }
        at += (flags & HEADER_CRC) != 0 ? 2 : 0;
        if (at > in.limit()) {
            throw new Damaged(in.limit(), "truncated", "ends inside the gzip header");
        }
        return at;
    }

    private static ByteBuffer inflate(ByteBuffer in, int from, boolean raw, int length) throws Damaged {
        if (length > (long) USUAL_RATIO * in.limit() + (1 << 16)) {
            inflate(in, from, raw, new byte[1 << 13], length);
        }
        byte[] out = new byte[length];
        inflate(in, from, raw, out, length);
        return ByteBuffer.wrap(out);
    }

    /**
     * Inflates from a place in the data on and leaves the position behind the compressed data.
     *
     * @param out takes all, or is used again and again
     */
    private static void inflate(ByteBuffer in, int from, boolean raw, byte[] out, int length) throws Damaged {
        Inflater inflater = new Inflater(raw);
        try {
            inflater.setInput(in.duplicate().position(from));
            byte[] more = new byte[1];
            long count = 0;
            while (!inflater.finished()) {
                long left = length - count;
                int got;
                if (left == 0) {
                    got = inflater.inflate(more);
                } else {
                    int begin = out.length == length ? (int) count : 0;
                    got = inflater.inflate(out, begin, (int) Math.min(left, out.length - begin));
                }
                count += got;
                if (count > length) {
                    throw new Damaged(-1, "length", "inflates to more than the " + length + " bytes that are needed");
                }
                if (got == 0 && !inflater.finished()) {
                    if (inflater.needsDictionary()) {
                        throw new Damaged(from, "compressed-data", "needs a preset dictionary");
                    }
                    throw new Damaged(
                            in.limit(), "truncated", "ends after " + count + " of " + length + " inflated bytes");
                }
            }
            if (count < length) {
                throw new Damaged(-1, "length", "inflates to " + count + " bytes, needed are " + length);
            }
            in.position(in.limit() - inflater.getRemaining());
        } catch (DataFormatException e) {
            throw new Damaged(
                    from + inflater.getBytesRead(),
                    "compressed-data",
                    "damaged compressed data" + (e.getMessage() == null ? "" : ": " + e.getMessage()));
        } finally {
            inflater.end();
        }
    }
}
