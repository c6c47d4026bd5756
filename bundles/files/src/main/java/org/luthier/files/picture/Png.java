package org.luthier.files.picture;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Writes pictures as PNG (ISO/IEC 15948). */
public final class Png {
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    private static final byte[] EIGHT_BIT_RGB = {8, 2, 0, 0, 0};
    private static final byte[] EIGHT_BIT_PALETTE = {8, 3, 0, 0, 0};
    private static final int MOST_COLOURS = 256;
    /** Each byte is stored as it is. */
    private static final int FILTER_NONE = 0;
    /** Each byte is stored as its difference from the one above. */
    private static final int FILTER_UP = 2;

    private Png() {}

    /** The pixels of a picture, from the upper left corner. */
    @FunctionalInterface
    public interface Pixels {
        /** The pixel in a column and a row. */
        int at(int x, int y);
    }

    /**
     * Writes a picture with 8 bits a channel.
     *
     * @param pixels 0xRRGGBB
     * @param out flushed, not closed
     */
    public static void rgb(int width, int height, Pixels pixels, OutputStream out) throws IOException {
        ByteArrayOutputStream rows = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(rows)) {
            byte[] row = new byte[1 + 3 * width];
            row[0] = FILTER_UP;
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    int pixel = pixels.at(x, y);
                    int above = y == 0 ? 0 : pixels.at(x, y - 1);
                    for (int channel = 0; channel < 3; channel++) {
                        int shift = 16 - 8 * channel;
                        row[1 + 3 * x + channel] = (byte) ((pixel >> shift) - (above >> shift));
                    }
                }
                deflater.write(row);
            }
        }
        DataOutputStream data = begin(width, height, EIGHT_BIT_RGB, out);
        end(data, rows.toByteArray());
    }

    /**
     * Writes a picture of few colours, a byte a pixel.
     *
     * @param pixels places in the palette
     * @param palette up to 256 colours 0xAARRGGBB, AA from 0 transparent to 255 opaque
     * @param out flushed, not closed
     */
    public static void indexed(int width, int height, Pixels pixels, int[] palette, OutputStream out)
            throws IOException {
        if (palette.length < 1 || palette.length > MOST_COLOURS) {
            throw new IllegalArgumentException("palette: expected 1 to 256 colours, got " + palette.length);
        }
        ByteBuffer colours = ByteBuffer.allocate(3 * palette.length);
        byte[] opacity = new byte[palette.length];
        for (int i = 0; i < palette.length; i++) {
            colours.put((byte) (palette[i] >> 16)).put((byte) (palette[i] >> 8)).put((byte) palette[i]);
            opacity[i] = (byte) (palette[i] >>> 24);
        }
        ByteArrayOutputStream rows = new ByteArrayOutputStream();
        Deflater best = new Deflater(Deflater.BEST_COMPRESSION);
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(rows, best)) {
            byte[] row = new byte[1 + width];
            row[0] = FILTER_NONE;
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    row[1 + x] = (byte) pixels.at(x, y);
                }
                deflater.write(row);
            }
        } finally {
            best.end();
        }
        DataOutputStream data = begin(width, height, EIGHT_BIT_PALETTE, out);
        chunk(data, "PLTE", colours.array());
        chunk(data, "tRNS", opacity);
        end(data, rows.toByteArray());
    }

    private static DataOutputStream begin(int width, int height, byte[] kind, OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        data.write(SIGNATURE);
        byte[] header =
                ByteBuffer.allocate(13).putInt(width).putInt(height).put(kind).array();
        chunk(data, "IHDR", header);
        return data;
    }

    private static void end(DataOutputStream data, byte[] rows) throws IOException {
        chunk(data, "IDAT", rows);
        chunk(data, "IEND", new byte[0]);
        data.flush();
    }

    private static void chunk(DataOutputStream out, String type, byte[] content) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 checksum = new CRC32();
        checksum.update(name);
        checksum.update(content);
        out.writeInt(content.length);
        out.write(name);
        out.write(content);
        out.writeInt((int) checksum.getValue());
    }
}
