package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
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
    private static final List<String> METADATA = List.of("format", "generatedBy", "convertedBy");
    private static final long MAX_JSON = 100_000_000;
    private static final int MAX_WEIGHTS = 1 << 18;

    /** Each is an open file. */
    private static final int MAX_SHARDS = 512;

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
        private JsonParser json;
        private int weights;

        Manifest(FileBytes model, CheckpointFolder folder, Map<String, FileBytes> shards) {
            this.model = model;
            this.folder = folder;
            this.shards = shards;
        }

        Checkpoint read() {
            if (model.size() > MAX_JSON) {
                throw broken("too-large", "model.json has " + model.size() + " bytes, allowed are " + MAX_JSON);
            }
            Map<String, String> metadata = new LinkedHashMap<>();
            Json.read(model, 0, model.size(), "", parser -> {
                json = parser;
                readFields(metadata);
            });
            return new Opened(model, folder, shards, extents, metadata);
        }

        /** What else there is, the topology above all, is passed over. */
        private void readFields(Map<String, String> metadata) throws IOException {
            boolean read = false;
            expect(json.nextToken(), JsonToken.START_OBJECT, "an object");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                if (field.equals(MANIFEST)) {
                    readList(MANIFEST, this::readGroup);
                    read = true;
                } else if (METADATA.contains(field) && json.currentToken() == JsonToken.VALUE_STRING) {
                    metadata.put(field, json.getText());
                } else {
                    json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw broken("json", "something follows the last brace");
            }
            if (!read) {
                throw broken("manifest", "expected a list '" + MANIFEST + "'");
            }
        }

        private void readGroup() throws IOException {
            List<String> paths = null;
            List<TensorInfo> weights = null;
            expect(json.currentToken(), JsonToken.START_OBJECT, "an object for a group of weights");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "paths" -> {
                        List<String> all = new ArrayList<>();
                        readList(field, () -> all.add(text("a path")));
                        paths = all;
                    }
                    case "weights" -> {
                        List<TensorInfo> all = new ArrayList<>();
                        readList(field, () -> all.add(readWeight()));
                        weights = all;
                    }
                    default -> json.skipChildren();
                }
            }
            if (paths == null || weights == null) {
                throw broken("manifest", "expected the lists 'paths' and 'weights'");
            }
            place(paths, weights);
        }

        private void place(List<String> paths, List<TensorInfo> weights) {
            List<FileBytes> files = new ArrayList<>();
            long length = 0;
            for (String path : paths) {
                FileBytes shard = openShard(path);
                files.add(shard);
                length = Math.addExact(length, shard.size());
            }
            List<FileBytes> group = List.copyOf(files);
            long offset = 0;
            for (TensorInfo tensor : weights) {
                long bytes = Shapes.bytes(tensor.shape(), tensor.dtype());
                if (bytes < 0 || bytes > length - offset) {
                    throw broken(
                            "truncated",
                            "tensor '" + Names.brief(tensor.name()) + "' of shape " + tensor.shape() + " needs "
                                    + (bytes < 0 ? "more than 2^63" : bytes) + " bytes, its shards have "
                                    + (length - offset) + " left");
                }
                if (extents.put(tensor.name(), new Extent(tensor, group, offset, offset + bytes)) != null) {
                    throw broken("manifest", "two tensors are called '" + Names.brief(tensor.name()) + "'");
                }
                offset += bytes;
            }
            if (offset != length) {
                throw broken(
                        "shard-size", "the tensors of a group take " + offset + " bytes, its shards have " + length);
            }
        }

        private FileBytes openShard(String path) {
            if (shards.containsKey(path)) {
                throw broken("manifest", "the shard '" + Names.brief(path) + "' is listed twice");
            }
            if (shards.size() == MAX_SHARDS) {
                throw broken("too-many-shards", "more than " + MAX_SHARDS + " shards");
            }
            FileBytes shard = folder.open(path);
            shards.put(path, shard);
            folder.add(path);
            return shard;
        }

        private TensorInfo readWeight() throws IOException {
            String name = null;
            List<Long> shape = null;
            String type = null;
            expect(json.currentToken(), JsonToken.START_OBJECT, "an object for a weight");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "name" -> name = text("the name of a weight");
                    case "shape" -> shape = shape();
                    case "dtype" -> type = text("the dtype of a weight");
                    case "quantization" ->
                        throw broken("quantization", "a tensor is quantised, only whole values can be read");
                    default -> throw broken("manifest", "a tensor has an unknown field '" + Names.brief(field) + "'");
                }
            }
            if (name == null || shape == null || type == null) {
                throw broken("manifest", "a tensor needs name, shape and dtype");
            }
            if (!Names.isUsable(name)) {
                throw broken("name", "no name for a tensor: '" + Names.brief(name) + "'");
            }
            if (++weights > MAX_WEIGHTS) {
                throw broken("too-many-tensors", "more than " + MAX_WEIGHTS + " tensors");
            }
            DType dtype = switch (type) {
                case "float32" -> DType.F32;
                case "int32" -> DType.I32;
                case "bool" -> DType.BOOL;
                case "uint8" -> DType.U8;
                default ->
                    throw broken(
                            "dtype",
                            "tensor '" + Names.brief(name) + "' has the type '" + Names.brief(type)
                                    + "', readable are float32, int32, bool and uint8");
            };
            return new TensorInfo(name, shape, dtype);
        }

        private List<Long> shape() throws IOException {
            List<Long> shape = new ArrayList<>();
            readList("shape", () -> {
                if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        || json.getLongValue() < 0
                        || shape.size() == Shapes.MAX_RANK) {
                    throw broken(
                            "manifest-number",
                            "a shape must hold at most " + Shapes.MAX_RANK + " whole numbers from 0 to 2^63-1, got "
                                    + Names.brief(json.getText()));
                }
                shape.add(json.getLongValue());
            });
            return List.copyOf(shape);
        }

        private interface Element {
            void read() throws IOException;
        }

        /** Reads a list whose first token is the current one, element by element. */
        private void readList(String field, Element element) throws IOException {
            expect(json.currentToken(), JsonToken.START_ARRAY, "a list '" + field + "'");
            while (json.nextToken() != JsonToken.END_ARRAY) {
                element.read();
            }
        }

        private String text(String what) throws IOException {
            expect(json.currentToken(), JsonToken.VALUE_STRING, "text for " + what);
            return json.getText();
        }

        private void expect(JsonToken token, JsonToken expected, String what) {
            if (token != expected) {
                throw broken("manifest", "expected " + what + ", got " + token);
            }
        }

        private CheckpointException broken(String rule, String detail) {
            return model.broken(-1, rule, detail);
        }
    }

    private static final class Opened extends FolderCheckpoint<Extent> {
        private final FileBytes model;
        private final Map<String, FileBytes> shards;

        Opened(
                FileBytes model,
                CheckpointFolder folder,
                Map<String, FileBytes> shards,
                Map<String, Extent> extents,
                Map<String, String> metadata) {
            super("tfjs", model, folder, extents, metadata);
            this.model = model;
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
                        "tensor '" + Names.brief(tensor.name()) + "' has " + length + " bytes, a buffer holds "
                                + FileBytes.MAX_ARRAY);
            }
            return ByteBuffer.allocate((int) length);
        }

        @Override
        public void close() {
            shards.values().forEach(FileBytes::close);
            super.close();
        }
    }
}
