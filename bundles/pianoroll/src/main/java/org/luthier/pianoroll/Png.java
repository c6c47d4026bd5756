package org.luthier.pianoroll;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;

/** Writes a picture as PNG (ISO/IEC 15948): 8 bits a channel, red, green and blue. */
final class Png {
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    private static final byte[] EIGHT_BIT_RGB = {8, 2, 0, 0, 0};
    /** Each byte is stored as its difference from the one above. */
    private static final int FILTER_UP = 2;

    private Png() {}

    static void write(Canvas canvas, OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        data.write(SIGNATURE);
        chunk(
                data,
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(canvas.width())
                        .putInt(canvas.height())
                        .put(EIGHT_BIT_RGB)
                        .array());
        chunk(data, "IDAT", compressedRows(canvas));
        chunk(data, "IEND", new byte[0]);
        data.flush();
    }

    private static byte[] compressedRows(Canvas canvas) throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(compressed)) {
            byte[] row = new byte[1 + 3 * canvas.width()];
            row[0] = FILTER_UP;
            for (int y = 0; y < canvas.height(); y++) {
                for (int x = 0; x < canvas.width(); x++) {
                    int pixel = canvas.pixel(x, y);
                    int above = y == 0 ? 0 : canvas.pixel(x, y - 1);
                    for (int channel = 0; channel < 3; channel++) {
                        int shift = 16 - 8 * channel;
                        row[1 + 3 * x + channel] = (byte) ((pixel >> shift) - (above >> shift));
                    }
                }
                deflater.write(row);
            }
        }
        return compressed.toByteArray();
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
