package org.luthier.assembler.basicpitch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.ZipFile;
import org.luthier.api.notes.Posteriorgram;

/** Just enough of npz to read the golden posteriorgrams: little-endian float32 matrices in row-major order. */
final class Npz {
    private Npz() {}

    static Posteriorgram matrix(Path file, String name, int bins) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ByteBuffer bytes = ByteBuffer.wrap(
                            zip.getInputStream(zip.getEntry(name + ".npy")).readAllBytes())
                    .order(ByteOrder.LITTLE_ENDIAN);
            int header = bytes.getShort(8);
            String text = new String(bytes.array(), 10, header, StandardCharsets.US_ASCII);
            if (!text.contains("'<f4'")
                    || !text.contains("'fortran_order': False")
                    || !text.contains(", " + bins + ")")) {
                throw new IOException(
                        file + ": expected a row-major float32 matrix with " + bins + " columns, got " + text);
            }
            float[] values = new float[(bytes.capacity() - 10 - header) / Float.BYTES];
            bytes.position(10 + header).asFloatBuffer().get(values);
            return new Posteriorgram(name, values.length / bins, bins, values);
        }
    }
}
