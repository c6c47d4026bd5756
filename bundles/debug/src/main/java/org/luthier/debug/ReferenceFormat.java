package org.luthier.debug;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Computation;
import org.luthier.checkpoint.SafetensorsWriter;

/** The format {@code luthier-reference/1}: what the metadata of the safetensors file say, and back. */
final class ReferenceFormat {
    static final String FORMAT = "luthier-reference/1";
    private static final String OWN = "own";
    private static final String CACHED = "cached";
    private static final StoredCheckpoint NO_CHECKPOINT = new StoredCheckpoint(null, null);
    private static final Set<DType> INTEGERS = EnumSet.of(DType.I64, DType.I32, DType.I16, DType.I8, DType.U8);
    private static final ObjectMapper JSON =
            withoutNulls(new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS));

    /** The same mapper, for which a null in a list or as a value in a map is an error. */
    static ObjectMapper withoutNulls(ObjectMapper mapper) {
        return mapper.setDefaultSetterInfo(JsonSetter.Value.forContentNulls(Nulls.FAIL));
    }

    /** A slice as JSON has it. */
    record StoredSlice(int axis, int[] indices) {
        static StoredSlice of(Slice slice) {
            return new StoredSlice(slice.axis(), slice.indices().toArray());
        }

        Slice slice() {
            return new Slice(axis, IntLists.immutable.of(indices));
        }
    }

    /**
     * The weights of a trace as JSON has them.
     *
     * @param path from the folder of the file, with slashes
     */
    record StoredCheckpoint(String sha256, String path) {}

    private ReferenceFormat() {}

    /** Whether a file says that it is a reference of ours, of whatever version. */
    static boolean isOne(Checkpoint checkpoint) {
        return checkpoint.metadata().getOrDefault("format", "").startsWith("luthier-reference/");
    }

    static Reference read(Checkpoint checkpoint) {
        Map<String, String> metadata = checkpoint.metadata();
        String format = metadata.get("format");
        if (!format.equals(FORMAT)) {
            throw new LuthierException(checkpoint.name() + ": expected format " + FORMAT + ", got " + format
                    + "; it was written by another version of Luthier");
        }
        List<String> order = field(checkpoint, "order", new TypeReference<List<String>>() {}, null);
        List<Integer> segments = field(checkpoint, "segments", new TypeReference<List<Integer>>() {}, List.of());
        Map<String, List<StoredSlice>> slices =
                field(checkpoint, "slices", new TypeReference<Map<String, List<StoredSlice>>>() {}, Map.of());
        List<String> steps = field(checkpoint, "steps", new TypeReference<List<String>>() {}, List.of());
        Map<String, Double> noise = field(checkpoint, "noise", new TypeReference<Map<String, Double>>() {}, Map.of());
        noise.forEach((name, difference) -> {
            if (!(difference >= 0) || difference.isInfinite()) {
                throw new LuthierException(checkpoint.name() + ": metadata 'noise' of '" + name
                        + "': expected a difference from 0 up, got " + difference);
            }
        });

        Map<String, Supplier<RecordedTensor>> tensors = new LinkedHashMap<>();
        for (String name : order) {
            if (!checkpoint.tensors().containsKey(name)) {
                throw new LuthierException(
                        checkpoint.name() + ": metadata 'order' names '" + name + "', which is not in the file");
            }
            List<Slice> kept = slices.getOrDefault(name, List.of()).stream()
                    .map(StoredSlice::slice)
                    .toList();
            tensors.put(
                    name,
                    () -> tensor(
                            checkpoint, name, name, kept, noise.getOrDefault(name, Double.NaN), steps.contains(name)));
        }
        List<String> unordered = new ArrayList<>(checkpoint.tensors().keySet());
        unordered.removeAll(order);
        if (!unordered.isEmpty()) {
            throw new LuthierException(
                    checkpoint.name() + ": metadata 'order' does not name " + String.join(", ", unordered));
        }
        Reference.Header header = new Reference.Header(
                metadata.getOrDefault("model", ""),
                metadata.getOrDefault("framework", ""),
                metadata.getOrDefault("dtype", ""),
                metadata.getOrDefault("seed", "none"),
                segments,
                OWN.equals(metadata.get("features")));
        return new Reference(checkpoint.name(), header, origin(checkpoint), tensors, checkpoint::close);
    }

    private static Origin origin(Checkpoint checkpoint) {
        Map<String, String> metadata = checkpoint.metadata();
        StoredCheckpoint weights =
                field(checkpoint, "checkpoint", new TypeReference<StoredCheckpoint>() {}, NO_CHECKPOINT);
        List<Computation> computations =
                field(checkpoint, "computations", new TypeReference<List<Computation>>() {}, List.of());
        return new Origin(
                metadata.get("definition"),
                path(checkpoint, weights.path()),
                weights.sha256(),
                CACHED.equals(metadata.get("decoder")),
                computations);
    }

    static boolean isInteger(DType dtype) {
        return INTEGERS.contains(dtype);
    }

    /** Reads one tensor of a file as it is stored. */
    static RecordedTensor tensor(
            Checkpoint checkpoint, String key, String name, List<Slice> slices, double noise, boolean steps) {
        TensorInfo stored = checkpoint.tensors().get(key);
        List<Integer> shape = stored.shape().stream().map(Math::toIntExact).toList();
        boolean integers = isInteger(stored.dtype());
        try {
            return new RecordedTensor(name, shape, checkpoint.floats(key), slices, noise, integers, steps);
        } catch (IllegalArgumentException e) {
            throw new LuthierException(checkpoint.name() + ": " + e.getMessage(), e);
        }
    }

    private static Path path(Checkpoint checkpoint, String text) {
        try {
            return text == null ? null : Path.of(text);
        } catch (InvalidPathException e) {
            throw new LuthierException(
                    checkpoint.name() + ": metadata 'checkpoint' names '" + text + "', which cannot be a file here", e);
        }
    }

    private static <T> T field(Checkpoint checkpoint, String key, TypeReference<T> type, T otherwise) {
        String text = checkpoint.metadata().get(key);
        if (text == null && otherwise != null) {
            return otherwise;
        }
        try {
            T value = text == null ? null : JSON.readValue(text, type);
            if (value != null) {
                return value;
            }
        } catch (JsonProcessingException e) {
            throw new LuthierException(
                    checkpoint.name() + ": metadata '" + key + "' is not the JSON that " + FORMAT
                            + " asks for; docs/reference-format.md describes it",
                    e);
        }
        throw new LuthierException(checkpoint.name() + ": " + FORMAT + " needs metadata '" + key + "'");
    }

    static Map<String, String> metadata(
            Reference.Header header, Origin origin, Path target, List<RecordedTensor> tensors) {
        Map<String, List<StoredSlice>> slices = new LinkedHashMap<>();
        Map<String, Double> noise = new LinkedHashMap<>();
        for (RecordedTensor tensor : tensors) {
            if (!tensor.slices().isEmpty()) {
                slices.put(
                        tensor.name(),
                        tensor.slices().stream().map(StoredSlice::of).toList());
            }
            if (!Double.isNaN(tensor.noise())) {
                noise.put(tensor.name(), tensor.noise());
            }
        }
        List<String> steps = tensors.stream()
                .filter(RecordedTensor::steps)
                .map(RecordedTensor::name)
                .toList();
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", FORMAT);
        metadata.put("model", header.model());
        metadata.put("framework", header.framework());
        metadata.put("dtype", header.dtype());
        metadata.put("seed", header.seed());
        metadata.put("order", json(tensors.stream().map(RecordedTensor::name).toList()));
        if (!header.segments().isEmpty()) {
            metadata.put("segments", json(header.segments()));
        }
        if (header.ownFeatures()) {
            metadata.put("features", OWN);
        }
        if (!slices.isEmpty()) {
            metadata.put("slices", json(slices));
        }
        if (!steps.isEmpty()) {
            metadata.put("steps", json(steps));
        }
        if (!noise.isEmpty()) {
            metadata.put("noise", json(noise));
        }
        if (origin.definition() != null) {
            metadata.put("definition", origin.definition());
        }
        if (origin.checkpoint() != null) {
            metadata.put(
                    "checkpoint", json(new StoredCheckpoint(origin.sha256(), relative(origin.checkpoint(), target))));
        }
        if (origin.cached()) {
            metadata.put("decoder", CACHED);
        }
        if (!origin.computations().isEmpty()) {
            metadata.put("computations", json(origin.computations()));
        }
        return metadata;
    }

    /** Where a file is, seen from the folder of another. */
    private static String relative(Path file, Path target) {
        Path folder = target.toAbsolutePath().normalize().getParent();
        Path absolute = file.toAbsolutePath().normalize();
        Path shown = absolute.getRoot().equals(folder.getRoot()) ? folder.relativize(absolute) : absolute;
        return shown.toString().replace(File.separatorChar, '/');
    }

    /** A tensor as the file holds it. */
    static SafetensorsWriter.Tensor stored(RecordedTensor tensor) {
        long[] shape = tensor.shape().stream().mapToLong(Integer::longValue).toArray();
        if (!tensor.integers()) {
            return SafetensorsWriter.Tensor.of(tensor.name(), tensor.values(), shape);
        }
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(tensor.values().length, Integer.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < tensor.values().length; i++) {
            bytes.putInt(i * Integer.BYTES, (int) tensor.values()[i]);
        }
        return new SafetensorsWriter.Tensor(
                tensor.name(), DType.I32, LongStream.of(shape).boxed().toList(), bytes);
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
