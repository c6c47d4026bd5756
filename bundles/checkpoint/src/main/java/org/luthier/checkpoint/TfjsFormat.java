package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * A TensorFlow.js model: model.json, whose weightsManifest names the tensors and the shard files that hold their bytes end to end.
 *
 * <p>Given as the folder or as model.json. Shards must lie inside the folder and be together exactly as long as the tensors. Types:
 * float32, int32, bool and uint8; quantised weights are refused by name. The checksum is that of the sorted lines that sha256sum
 * prints for model.json and the shards.
 */
@Component(service = CheckpointFormat.class)
public final class TfjsFormat implements CheckpointFormat {
    private static final String MODEL = "model.json";
    private static final String MANIFEST = "weightsManifest";
    private static final long MAX_JSON = 100_000_000;

    @Override
    public String id() {
        return "tfjs";
    }

    @Override
    public String description() {
        return "TensorFlow.js models (model.json with shards)";
    }

    @Override
    public boolean recognises(Path path) {
        return Json.hasField(Files.isDirectory(path) ? path.resolve(MODEL) : path, MANIFEST);
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes model = FileBytes.open(Files.isDirectory(path) ? path.resolve(MODEL) : path);
        Map<String, FileBytes> shards = new LinkedHashMap<>();
        try {
            CheckpointFolder folder =
                    new CheckpointFolder(model.path().toAbsolutePath().getParent());
            folder.add(model.name());
            return new Manifest(model, folder, shards).read();
        } catch (RuntimeException | Error e) {
            closeAll(model, shards.values());
            throw e;
        }
    }

    private static void closeAll(FileBytes model, Collection<FileBytes> shards) {
        shards.forEach(FileBytes::close);
        model.close();
    }

    /** Bytes of a tensor: from here to there in the shards of its group laid end to end. */
    private record Extent(TensorInfo tensor, List<FileBytes> shards, long begin, long end)
            implements StoredCheckpoint.Stored {}

    /** Reads the manifest of one model. */
    private static final class Manifest {
        private final FileBytes model;
        private final CheckpointFolder folder;
        private final Map<String, FileBytes> shards;
        private final Map<String, Extent> extents = new LinkedHashMap<>();

        Manifest(FileBytes model, CheckpointFolder folder, Map<String, FileBytes> shards) {
            this.model = model;
            this.folder = folder;
            this.shards = shards;
        }

        Checkpoint read() {
            JsonNode root = parse();
            Map<String, String> metadata = new LinkedHashMap<>();
            for (String field : List.of("format", "generatedBy", "convertedBy")) {
                if (root.path(field).isTextual()) {
                    metadata.put(field, root.get(field).textValue());
                }
            }
            for (JsonNode group : list(root, MANIFEST)) {
                readGroup(group);
            }
            return new Opened(model, folder, shards, extents, metadata);
        }

        private JsonNode parse() {
            if (model.size() > MAX_JSON) {
                throw broken("too-large", "model.json has " + model.size() + " bytes, allowed are " + MAX_JSON);
            }
            try (InputStream in = model.stream(0, model.size())) {
                return Json.mapper().readTree(Json.reader(in));
            } catch (JacksonException e) {
                long at = e.getLocation() == null ? -1 : e.getLocation().getCharOffset();
                throw new CheckpointException(
                        model.path().toString(), at, "json", "no valid JSON: " + Json.reason(e), e);
            } catch (java.nio.charset.CharacterCodingException e) {
                throw new CheckpointException(model.path().toString(), -1, "json-utf8", "not UTF-8", e);
            } catch (IOException e) {
                throw FileBytes.unreadable(model.path(), e);
            }
        }

        private void readGroup(JsonNode group) {
            List<FileBytes> files = new ArrayList<>();
            long length = 0;
            for (JsonNode path : list(group, "paths")) {
                FileBytes shard = openShard(text(path, "a path"));
                files.add(shard);
                length = Math.addExact(length, shard.size());
            }
            long offset = 0;
            for (JsonNode weight : list(group, "weights")) {
                TensorInfo tensor = readWeight(weight);
                long bytes = Shapes.bytes(tensor.shape(), tensor.dtype());
                if (bytes < 0 || bytes > length - offset) {
                    throw broken(
                            "truncated",
                            "tensor '" + tensor.name() + "' of shape " + tensor.shape() + " needs "
                                    + (bytes < 0 ? "more than 2^63" : bytes) + " bytes, its shards have "
                                    + (length - offset) + " left");
                }
                extents.put(tensor.name(), new Extent(tensor, List.copyOf(files), offset, offset + bytes));
                offset += bytes;
            }
            if (offset != length) {
                throw broken(
                        "shard-size", "the tensors of a group take " + offset + " bytes, its shards have " + length);
            }
        }

        private FileBytes openShard(String path) {
            if (shards.containsKey(path)) {
                throw broken("manifest", "the shard '" + path + "' is listed twice");
            }
            FileBytes shard = folder.open(path);
            shards.put(path, shard);
            folder.add(path);
            return shard;
        }

        private TensorInfo readWeight(JsonNode weight) {
            String name = text(weight.path("name"), "the name of a weight");
            for (Iterator<String> fields = weight.fieldNames(); fields.hasNext(); ) {
                String field = fields.next();
                if (field.equals("quantization")) {
                    throw broken("quantization", "tensor '" + name + "' is quantised, only whole values can be read");
                }
                if (!List.of("name", "shape", "dtype").contains(field)) {
                    throw broken("manifest", "tensor '" + name + "' has an unknown field '" + field + "'");
                }
            }
            if (extents.containsKey(name)) {
                throw broken("manifest", "two tensors are called '" + name + "'");
            }
            List<Long> shape = new ArrayList<>();
            for (JsonNode size : list(weight, "shape")) {
                if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
                    throw broken(
                            "manifest-number",
                            "the shape of '" + name + "' must hold whole numbers from 0 to 2^63-1, got " + size);
                }
                shape.add(size.longValue());
            }
            String type = text(weight.path("dtype"), "the dtype of '" + name + "'");
            DType dtype = switch (type) {
                case "float32" -> DType.F32;
                case "int32" -> DType.I32;
                case "bool" -> DType.BOOL;
                case "uint8" -> DType.U8;
                default ->
                    throw broken(
                            "dtype",
                            "tensor '" + name + "' has the type '" + type
                                    + "', readable are float32, int32, bool and uint8");
            };
            return new TensorInfo(name, List.copyOf(shape), dtype);
        }

        private JsonNode list(JsonNode node, String field) {
            if (!node.path(field).isArray()) {
                throw broken("manifest", "expected a list '" + field + "'");
            }
            return node.get(field);
        }

        private String text(JsonNode node, String what) {
            if (!node.isTextual()) {
                throw broken("manifest", "expected text for " + what);
            }
            return node.textValue();
        }

        private CheckpointException broken(String rule, String detail) {
            return model.broken(-1, rule, detail);
        }
    }

    private static final class Opened extends StoredCheckpoint<Extent> {
        private final FileBytes model;
        private final CheckpointFolder folder;
        private final Map<String, FileBytes> shards;

        Opened(
                FileBytes model,
                CheckpointFolder folder,
                Map<String, FileBytes> shards,
                Map<String, Extent> extents,
                Map<String, String> metadata) {
            super("tfjs", model, extents, metadata);
            this.model = model;
            this.folder = folder;
            this.shards = shards;
        }

        @Override
        ByteBuffer bytes(Extent extent) {
            long length = extent.end() - extent.begin();
            ByteBuffer whole = null;
            long shardBegin = 0;
            for (FileBytes shard : extent.shards()) {
                long from = Math.max(extent.begin(), shardBegin);
                long to = Math.min(extent.end(), shardBegin + shard.size());
                if (from < to) {
                    ByteBuffer part = shard.read(from - shardBegin, to - from);
                    if (part.remaining() == length) {
                        return part;
                    }
                    whole = (whole == null ? allocate(extent.tensor(), length) : whole).put(part);
                }
                shardBegin += shard.size();
            }
            return whole == null ? ByteBuffer.allocate(0) : whole.flip();
        }

        private ByteBuffer allocate(TensorInfo tensor, long length) {
            if (length > FileBytes.MAX_ARRAY) {
                throw model.broken(
                        -1,
                        "too-large",
                        "tensor '" + tensor.name() + "' has " + length + " bytes, a buffer holds "
                                + FileBytes.MAX_ARRAY);
            }
            return ByteBuffer.allocate((int) length);
        }

        @Override
        public String sha256() {
            return folder.sha256();
        }

        @Override
        public Map<String, String> files() {
            return folder.files();
        }

        @Override
        public void close() {
            closeAll(model, shards.values());
        }
    }
}
