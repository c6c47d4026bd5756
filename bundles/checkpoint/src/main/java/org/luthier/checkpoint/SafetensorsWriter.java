package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * Writes safetensors files: the same tensors give the same bytes.
 *
 * <p>Tensors stay in the order given, metadata is sorted by key. The header is padded with spaces so that the data starts at a
 * multiple of 8.
 */
public final class SafetensorsWriter {
    private SafetensorsWriter() {}

    /**
     * A tensor to write.
     *
     * @param name unique in the file, and one that {@link SafetensorsFormat} reads
     * @param dtype element type
     * @param shape sizes of the dimensions, none for a scalar
     * @param bytes little-endian, row-major, from position to limit; the position stays
     */
    public record Tensor(String name, DType dtype, List<Long> shape, ByteBuffer bytes) {
        public Tensor {
            shape = List.copyOf(shape);
            if (bytes.remaining() != Shapes.bytes(shape, dtype)) {
                throw new IllegalArgumentException("tensor '" + name + "' of shape " + shape + " and type " + dtype
                        + " needs " + Shapes.bytes(shape, dtype) + " bytes, got " + bytes.remaining());
            }
        }

        /** A tensor of 32-bit floats. */
        public static Tensor of(String name, float[] values, long... shape) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(values);
            return new Tensor(name, DType.F32, Arrays.stream(shape).boxed().toList(), bytes);
        }
    }

    /**
     * Writes a file; the stream stays open.
     *
     * @throws LuthierException if a tensor has a name that could not be read again, or that of another
     */
    public static void write(OutputStream out, Map<String, String> metadata, List<Tensor> tensors) throws IOException {
        writeHeader(
                out,
                metadata,
                tensors.stream()
                        .map(tensor -> new TensorInfo(tensor.name(), tensor.shape(), tensor.dtype()))
                        .toList());
        byte[] block = new byte[1 << 16];
        for (Tensor tensor : tensors) {
            ByteBuffer bytes = tensor.bytes().duplicate();
            while (bytes.hasRemaining()) {
                int count = Math.min(block.length, bytes.remaining());
                bytes.get(block, 0, count);
                out.write(block, 0, count);
            }
        }
    }

    /**
     * Writes a file up to where the first tensor's bytes start, for callers whose tensors are too many for the memory; their bytes follow
     * end to end, little-endian and row-major, in the same order.
     *
     * @throws LuthierException if a tensor has a name that could not be read again, or that of another
     */
    public static void writeHeader(OutputStream out, Map<String, String> metadata, List<TensorInfo> tensors)
            throws IOException {
        byte[] header = header(metadata, tensors);
        int padding = -header.length & 7;
        ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        out.write(length.putLong(header.length + padding).array());
        out.write(header);
        out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] header(Map<String, String> metadata, List<TensorInfo> tensors) throws IOException {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        Set<String> names = new HashSet<>();
        long offset = 0;
        try (JsonGenerator json = Json.mapper().createGenerator(header)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(SafetensorsFormat.METADATA);
                for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            for (TensorInfo tensor : tensors) {
                check(tensor.name(), names);
                json.writeObjectFieldStart(tensor.name());
                json.writeStringField("dtype", tensor.dtype().name());
                json.writeArrayFieldStart("shape");
                for (long size : tensor.shape()) {
                    json.writeNumber(size);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(offset);
                offset += Shapes.bytes(tensor.shape(), tensor.dtype());
                json.writeNumber(offset);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        return header.toByteArray();
    }

    private static void check(String name, Set<String> before) {
        String shown = "'" + Names.brief(name) + "'";
        if (name.equals(SafetensorsFormat.METADATA) || !Names.isUsable(name) || !Names.isText(name)) {
            throw new LuthierException(
                    "safetensors: " + shown + " is no name for a tensor; expected are 1 to " + NamePattern.LONGEST
                            + " characters, no control characters, and not " + SafetensorsFormat.METADATA);
        }
        if (!before.add(name)) {
            throw new LuthierException("safetensors: two tensors are called " + shown);
        }
    }
}
