package org.luthier.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;

/** A T5X folder to be written: its values can be changed to wrong ones before, its files after. */
final class T5xFolder {
    final Path path;
    final Map<String, Object> root = new LinkedHashMap<>();
    final Map<String, Object> optimizer = new LinkedHashMap<>();
    final Map<String, Object> state = new LinkedHashMap<>();
    final Map<String, Object> target = new LinkedHashMap<>();

    /** A value as it is to be written, byte by byte. */
    record Raw(int... bytes) {}

    /** A map in which a key may be there twice. */
    record Pairs(List<Object> keysAndValues) {
        static Pairs of(Object... keysAndValues) {
            return new Pairs(Arrays.asList(keysAndValues));
        }
    }

    record Extension(int type, byte[] body) {}

    /** A value whose length takes four bytes, however small it is. */
    record Wide(Object value) {}

    T5xFolder(Path path) throws IOException {
        this.path = Files.createDirectories(path);
        root.put("version", 3);
        root.put("optimizer", optimizer);
        optimizer.put("state", state);
        state.put("param_states", new LinkedHashMap<>(Map.of("v", array(List.of(2), "float32", new byte[8]))));
        state.put("step", array(List.of(), "int32", new byte[] {64, 66, 15, 0}));
        optimizer.put("target", target);
    }

    /** One array in the file ({@code a}), and beside it one as gzip ({@code k}), one in two zlib chunks ({@code m}) and one plain. */
    static T5xFolder oneOfEachKind(Path path) throws IOException {
        T5xFolder folder = new T5xFolder(path);
        folder.target.put("a", floats(1, 2, 3));
        folder.zarr("k", "float32", header(List.of(2, 3)), Map.of("0.0", little(1, 2, 3, 4, 5, 6)));
        Map<String, Object> chunked = header(List.of(3, 2));
        compressor(chunked, "zlib");
        chunked.put("chunks", List.of(2, 2));
        folder.zarr("m", "float32", chunked, Map.of("0.0", little(1, 2, 3, 4), "1.0", little(5, 6, 7, 8)));
        Map<String, Object> plain = header(List.of(2));
        compressor(plain, "none");
        return folder.zarr("u", "float32", plain, Map.of("0", little(1, 2)));
    }

    /** An array inside the file. */
    static Extension array(List<?> shape, String dtype, byte[] data) {
        return new Extension(1, pack(Arrays.asList(shape, dtype, data)));
    }

    static Extension floats(float... values) {
        return array(List.of(values.length), "float32", little(values));
    }

    /** What {@code .zarray} says of a gzip array of floats with one chunk. */
    static Map<String, Object> header(List<?> shape) {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("chunks", shape);
        header.put("compressor", new LinkedHashMap<>(Map.of("id", "gzip", "level", 1)));
        header.put("dimension_separator", ".");
        header.put("dtype", "<f4");
        header.put("fill_value", null);
        header.put("filters", null);
        header.put("order", "C");
        header.put("shape", shape);
        header.put("zarr_format", 2);
        return header;
    }

    static void compressor(Map<String, Object> header, String id) {
        header.put("compressor", id.equals("none") ? null : new LinkedHashMap<>(Map.of("id", id, "level", 1)));
    }

    /** What {@code checkpoint} says of an array beside it. */
    static Map<String, Object> reference(String path, String dtype, Map<String, Object> header) {
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (String field : List.of("chunks", "compressor", "dtype", "shape")) {
            metadata.put(field, header.get(field));
        }
        Map<String, Object> reference = new LinkedHashMap<>();
        reference.put("driver", "zarr");
        reference.put("dtype", dtype);
        reference.put("kvstore", new LinkedHashMap<>(Map.of("driver", "gfile", "path", path)));
        reference.put("metadata", metadata);
        if (header.get("shape") instanceof List<?> shape) {
            Map<String, Object> transform = new LinkedHashMap<>();
            transform.put("input_exclusive_max", shape.stream().map(List::of).toList());
            transform.put("input_inclusive_min", shape.stream().map(size -> 0).toList());
            reference.put("transform", transform);
        }
        return reference;
    }

    /** Adds a reference to an array and writes the array; chunks are as stored but for the compression. */
    T5xFolder zarr(String name, String dtype, Map<String, Object> header, Map<String, byte[]> chunks)
            throws IOException {
        target.put(name, reference("target." + name + "/", dtype, header));
        Path folder = Files.createDirectories(path.resolve("target." + name));
        Files.write(folder.resolve(".zarray"), Json.mapper().writeValueAsBytes(header));
        String compressor = header.get("compressor") instanceof Map<?, ?> map ? (String) map.get("id") : "none";
        for (Map.Entry<String, byte[]> chunk : chunks.entrySet()) {
            Path file = folder.resolve(chunk.getKey());
            Files.createDirectories(file.getParent());
            Files.write(file, compress(compressor, chunk.getValue()));
        }
        return this;
    }

    static byte[] compress(String compressor, byte[] data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        OutputStream out = switch (compressor) {
            case "gzip" -> new GZIPOutputStream(bytes);
            case "zlib" -> new DeflaterOutputStream(bytes);
            default -> bytes;
        };
        try (out) {
            out.write(data);
        }
        return bytes.toByteArray();
    }

    Path file() {
        return path.resolve("checkpoint");
    }

    Path write() throws IOException {
        Files.write(file(), pack(root));
        return path;
    }

    /** As MessagePack, in the shortest form. */
    static byte[] pack(Object value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            pack(value, false, new DataOutputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static void pack(Object value, boolean wide, DataOutputStream out) throws IOException {
        if (value == null) {
            out.write(0xc0);
        } else if (value instanceof Boolean truth) {
            out.write(truth ? 0xc3 : 0xc2);
        } else if (value instanceof Integer number) {
            if (number >= -32 && number < 128) {
                out.write(number);
            } else if (number > 0 && number < 0x10000) {
                out.write(0xcd);
                out.writeShort(number);
            } else {
                out.write(0xd2);
                out.writeInt(number);
            }
        } else if (value instanceof Long number) {
            out.write(0xd3);
            out.writeLong(number);
        } else if (value instanceof Double number) {
            out.write(0xcb);
            out.writeDouble(number);
        } else if (value instanceof String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            length(out, wide, utf8.length, 0xa0, 32, 0xd9);
            out.write(utf8);
        } else if (value instanceof byte[] data) {
            length(out, wide, data.length, 0, 0, 0xc4);
            out.write(data);
        } else if (value instanceof Extension extension) {
            int size = extension.body.length;
            if (!wide && Integer.bitCount(size) == 1 && size <= 16) {
                out.write(0xd4 + Integer.numberOfTrailingZeros(size));
            } else {
                length(out, wide, size, 0, 0, 0xc7);
            }
            out.write(extension.type);
            out.write(extension.body);
        } else if (value instanceof List<?> list) {
            length(out, wide, list.size(), 0x90, 16, 0xdb);
            for (Object each : list) {
                pack(each, false, out);
            }
        } else if (value instanceof Map<?, ?> map) {
            List<Object> pairs = new ArrayList<>();
            map.forEach((key, each) -> pairs.addAll(Arrays.asList(key, each)));
            pack(new Pairs(pairs), wide, out);
        } else if (value instanceof Pairs pairs) {
            length(out, wide, pairs.keysAndValues.size() / 2, 0x80, 16, 0xdd);
            for (Object each : pairs.keysAndValues) {
                pack(each, false, out);
            }
        } else if (value instanceof Wide inner) {
            pack(inner.value, true, out);
        } else if (value instanceof Raw raw) {
            for (int each : raw.bytes) {
                out.write(each);
            }
        } else {
            throw new IllegalArgumentException("not to be packed: " + value);
        }
    }

    /** A length: in the first byte, or in one, two or four bytes; lists and maps have no form with one. */
    private static void length(DataOutputStream out, boolean wide, int length, int fix, int fixEnd, int code)
            throws IOException {
        if (!wide && length < fixEnd) {
            out.write(fix | length);
        } else if (!wide && length < 0x100 && code != 0xdb && code != 0xdd) {
            out.write(code);
            out.write(length);
        } else if (!wide && length < 0x10000) {
            out.write(code + 1);
            out.writeShort(length);
        } else {
            out.write(code + 2);
            out.writeInt(length);
        }
    }

    /** Little-endian bytes of 16-bit numbers. */
    static byte[] shorts(int... values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : values) {
            bytes.putShort((short) value);
        }
        return bytes.array();
    }

    static byte[] little(float... values) {
        return TestFiles.floats(ByteOrder.LITTLE_ENDIAN, values);
    }

    static byte[] concat(byte[] one, byte... other) {
        byte[] both = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }

    /** The numbers 1 to 6 as gzip with flags and what belongs to them. */
    static byte[] gzipWith(int flags, byte... more) throws IOException {
        byte[] gzip = compress("gzip", little(1, 2, 3, 4, 5, 6));
        byte[] head = Arrays.copyOf(gzip, 10);
        head[3] = (byte) flags;
        return concat(concat(head, more), Arrays.copyOfRange(gzip, 10, gzip.length));
    }
}
