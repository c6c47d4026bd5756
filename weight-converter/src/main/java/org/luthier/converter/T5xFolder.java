package org.luthier.converter;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * Writes a T5X checkpoint, version 3: the file {@code checkpoint} with what has at most one dimension, and a zarr array of one gzip chunk
 * for each other weight. The optimizer is Adafactor at its start: as large as T5X restores it, and all zeros.
 */
final class T5xFolder {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREFIX = "target.";

    private final Path folder;
    private final Map<String, Object> parameters = new TreeMap<>();
    private final Map<String, Object> states = new TreeMap<>();

    T5xFolder(Path folder) {
        this.folder = folder;
    }

    /** Writes a weight, in any thread; gives what {@link #add} takes. */
    Object store(TensorInfo tensor, ByteBuffer bytes) throws IOException {
        byte[] elements = new byte[bytes.remaining()];
        bytes.get(elements);
        if (tensor.shape().size() < 2 || tensor.elements() == 0) {
            return new MsgPackWriter.Array(tensor, elements);
        }
        Map<String, Object> header = new TreeMap<>();
        header.put("chunks", tensor.shape());
        header.put("compressor", new TreeMap<>(Map.of("id", "gzip", "level", 1)));
        header.put("dtype", ZarrType.of(tensor.dtype()).zarr());
        header.put("shape", tensor.shape());
        Map<String, Object> zarray = new TreeMap<>(header);
        zarray.put("dimension_separator", ".");
        zarray.put("fill_value", null);
        zarray.put("filters", null);
        zarray.put("order", "C");
        zarray.put("zarr_format", 2);
        Path array = Files.createDirectory(folder.resolve(PREFIX + tensor.name()));
        Files.write(array.resolve(".zarray"), JSON.writeValueAsBytes(zarray));
        String chunk = String.join(".", Collections.nCopies(tensor.shape().size(), "0"));
        try (OutputStream out = new FastGzip(Files.newOutputStream(array.resolve(chunk)))) {
            out.write(elements);
        }
        Map<String, Object> reference = new TreeMap<>();
        reference.put("driver", "zarr");
        reference.put("dtype", ZarrType.of(tensor.dtype()).flax());
        reference.put("kvstore", new TreeMap<>(Map.of("driver", "gfile", "path", PREFIX + tensor.name() + "/")));
        reference.put("metadata", header);
        reference.put(
                "transform",
                new TreeMap<>(Map.of(
                        "input_exclusive_max",
                        tensor.shape().stream().map(List::of).toList(),
                        "input_inclusive_min",
                        tensor.shape().stream().map(size -> 0).toList())));
        return reference;
    }

    /** Enters a stored weight. */
    void add(TensorInfo tensor, Object stored) {
        put(parameters, tensor.name(), stored);
        List<Long> shape = tensor.shape();
        // Two statistics for a matrix, the longer side's first, one for anything else.
        boolean matrix = shape.size() == 2;
        Map<String, Object> state = new TreeMap<>();
        state.put("m", zeros(1));
        state.put("v", matrix ? zeros(1) : zeros(tensor.elements()));
        state.put("v_col", zeros(matrix ? Math.max(shape.get(0), shape.get(1)) : 1));
        state.put("v_row", zeros(matrix ? Math.min(shape.get(0), shape.get(1)) : 1));
        put(states, tensor.name(), state);
    }

    /** Writes the file {@code checkpoint}, which completes the folder. */
    void finish(long step) throws IOException {
        ByteBuffer steps = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, (int) step);
        Map<String, Object> state = new TreeMap<>();
        state.put("param_states", states);
        state.put("step", new MsgPackWriter.Array(new TensorInfo("step", List.of(), DType.I32), steps.array()));
        Map<String, Object> optimizer = new TreeMap<>(Map.of("state", state, "target", parameters));
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("version", 3);
        root.put("optimizer", optimizer);
        Files.write(folder.resolve("checkpoint"), MsgPackWriter.bytes(root));
    }

    private static MsgPackWriter.Array zeros(long count) {
        return new MsgPackWriter.Array(
                new TensorInfo("zeros", List.of(count), DType.F32), new byte[Math.toIntExact(4 * count)]);
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> tree, String name, Object leaf) {
        Map<String, Object> node = tree;
        String[] keys = name.split("\\.", -1);
        for (int i = 0; i < keys.length - 1; i++) {
            Object inner = node.computeIfAbsent(keys[i], key -> new TreeMap<String, Object>());
            if (!(inner instanceof Map<?, ?>)) {
                throw new LuthierException(
                        "'" + name + "' lies inside of another weight, as a T5X folder cannot have it");
            }
            node = (Map<String, Object>) inner;
        }
        node.put(keys[keys.length - 1], leaf);
    }

    /** gzip as fast as it gets, which is how T5X writes. */
    private static final class FastGzip extends GZIPOutputStream {
        FastGzip(OutputStream out) throws IOException {
            super(out, 1 << 16);
            def.setLevel(1);
        }
    }
}
