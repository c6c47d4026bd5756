package org.luthier.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * A T5X checkpoint: a folder with the file {@code checkpoint}, a MessagePack value that holds small parameters and names the zarr arrays
 * beside it that hold the others.
 *
 * <p>Given as the folder or as that file. A tensor is called by the keys that lead to it below {@code target}, joined with dots. The
 * training step is metadata; the state of the optimizer is passed over without being decoded. Arrays must lie inside the folder, and
 * what the file and an array say of each other must agree. The checksum is that of the sorted lines that sha256sum prints for the files
 * that are read: {@code checkpoint}, each {@code .zarray} and each chunk.
 */
@Component(service = CheckpointFormat.class)
public final class T5xFormat implements CheckpointFormat {
    private static final String FILE = "checkpoint";
    private static final Set<String> ROOT_KEYS = Set.of("version", "optimizer", "target", "state");
    private static final List<Long> VERSIONS = List.of(2L, 3L);
    /** Names of the file system; paths are relative to the folder. */
    private static final List<String> STORES = List.of("file", "gfile");

    private static final int NDARRAY = 1;
    private static final int COMPLEX = 2;
    private static final int NUMPY_SCALAR = 3;

    private static final Map<String, DType> DTYPES = Map.of(
            "float64", DType.F64,
            "float32", DType.F32,
            "float16", DType.F16,
            "bfloat16", DType.BF16,
            "int64", DType.I64,
            "int32", DType.I32,
            "int16", DType.I16,
            "int8", DType.I8,
            "uint8", DType.U8,
            "bool", DType.BOOL);

    @Override
    public String id() {
        return "t5x";
    }

    @Override
    public String description() {
        return "T5X folders (checkpoint with zarr arrays)";
    }

    @Override
    public boolean recognises(Path path) {
        Path file = Files.isDirectory(path) ? path.resolve(FILE) : path;
        // A small map whose first key is one of a T5X root.
        return FileBytes.startsWith(file, 16, start -> {
            int first = start.remaining() < 2 ? 0 : start.get(1) & 0xff;
            int length = first & 0x1f;
            if ((first & 0xe0) != 0xa0 || (start.get(0) & 0xf0) != 0x80 || start.remaining() < 2 + length) {
                return false;
            }
            String key = new String(start.array(), 2, length, StandardCharsets.ISO_8859_1);
            return ROOT_KEYS.contains(key);
        });
    }

    @Override
    public Checkpoint open(Path path) {
        Path given = Files.isDirectory(path) ? path.resolve(FILE) : real(path);
        CheckpointFolder folder = new CheckpointFolder(given.getParent());
        String name = given.getFileName().toString();
        FileBytes file = folder.open(name);
        folder.add(name);
        try {
            return new Root(file, folder).read();
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** A file that is given may be reached over links; its arrays are beside it. */
    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            throw FileBytes.unreadable(file, e);
        }
    }

    private interface Parameter extends StoredCheckpoint.Stored {
        ByteBuffer read();
    }

    /** A parameter in the file itself. */
    private record Inline(TensorInfo tensor, FileBytes file, MsgPack.Binary data) implements Parameter {
        @Override
        public ByteBuffer read() {
            return file.read(data.offset(), data.length());
        }
    }

    /** A parameter in an array beside the file. */
    private record Beside(TensorInfo tensor, ZarrArray array) implements Parameter {
        @Override
        public ByteBuffer read() {
            return array.read();
        }
    }

    /** Reads the file {@code checkpoint}. */
    private static final class Root {
        private final FileBytes file;
        private final CheckpointFolder folder;
        private final MsgPack in;
        private final Map<String, Parameter> parameters = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private final Set<Path> arrays = new HashSet<>();
        private final ZarrArray.Budget budget = new ZarrArray.Budget();
        private Map<?, ?> target;

        Root(FileBytes file, CheckpointFolder folder) {
            this.file = file;
            this.folder = folder;
            this.in = new MsgPack(file, 0, file.size());
        }

        Checkpoint read() {
            in.readMap("the checkpoint", key -> {
                switch (key) {
                    case "version" -> readVersion();
                    // Newer files have what is in here at the root.
                    case "optimizer" -> in.readMap("the optimizer", this::readSection);
                    default -> readSection(key);
                }
            });
            in.expectEnd();
            if (target == null) {
                throw broken("no-target", "it has no parameters: no 'target' at the root or in 'optimizer'");
            }
            collect(target, "");
            return new Opened(file, folder, parameters, metadata);
        }

        private void readVersion() {
            long offset = in.at();
            Object version = in.read();
            if (!(version instanceof Long number && VERSIONS.contains(number))) {
                throw file.broken(
                        offset, "version", "version " + Names.brief(version) + " of T5X, readable are " + VERSIONS);
            }
            metadata.put("version", version.toString());
        }

        private void readSection(String key) {
            switch (key) {
                case "target" -> {
                    long offset = in.at();
                    if (target != null) {
                        throw file.broken(offset, "duplicate-key", "a second 'target'");
                    }
                    if (!(in.read() instanceof Map<?, ?> map)) {
                        throw file.broken(offset, "structure", "expected a map of parameters");
                    }
                    target = map;
                }
                case "state" ->
                    in.readMap("the state", field -> {
                        if (field.equals("step")) {
                            readStep();
                        } else {
                            in.skip();
                        }
                    });
                default -> in.skip();
            }
        }

        private void readStep() {
            long offset = in.at();
            Object step = in.read();
            if (step instanceof MsgPack.Extension extension) {
                Inline scalar = inline("step", extension);
                step = scalar.tensor.shape().isEmpty() ? integer(scalar) : null;
            }
            if (!(step instanceof Long)) {
                throw file.broken(offset, "step", "expected a whole number for the training step");
            }
            metadata.put("step", step.toString());
        }

        private static Long integer(Inline scalar) {
            return switch (scalar.tensor.dtype()) {
                case I32 -> (long) scalar.read().getInt();
                case I64 -> scalar.read().getLong();
                default -> null;
            };
        }

        private void collect(Map<?, ?> node, String prefix) {
            node.forEach((key, value) -> {
                String name = prefix + key;
                if (((String) key).isEmpty() || !Names.isUsable(name)) {
                    throw broken("name", "no name for a parameter: '" + Names.brief(name) + "'");
                }
                if (value instanceof Map<?, ?> map && !(map.get("driver") instanceof String)) {
                    collect(map, name + ".");
                } else if (parameters.put(name, parameter(name, value)) != null) {
                    throw broken("duplicate-name", "two parameters are called '" + name + "'");
                }
            });
        }

        private Parameter parameter(String name, Object value) {
            if (value instanceof Map<?, ?> reference) {
                return beside(name, reference);
            }
            if (value instanceof MsgPack.Extension extension) {
                return inline(name, extension);
            }
            throw broken("structure", "'" + name + "' is no array: " + Names.brief(value));
        }

        private Inline inline(String name, MsgPack.Extension extension) {
            long offset = extension.offset();
            if (extension.type() != NDARRAY && extension.type() != NUMPY_SCALAR) {
                throw file.broken(
                        offset,
                        "extension",
                        "'" + name + "' is an extension of type " + extension.type()
                                + (extension.type() == COMPLEX ? " (a complex number)" : "") + ", readable are "
                                + NDARRAY + " (array) and " + NUMPY_SCALAR + " (scalar)");
            }
            MsgPack body = new MsgPack(file, offset, offset + extension.length());
            if (!(body.read() instanceof List<?> list
                    && list.size() == 3
                    && list.get(0) instanceof List<?> sizes
                    && list.get(1) instanceof String type
                    && list.get(2) instanceof MsgPack.Binary data)) {
                throw file.broken(offset, "array", "'" + name + "' is not made of a shape, a type and data");
            }
            body.expectEnd();
            List<Long> shape = shape(name, offset, sizes);
            DType dtype = dtype(type);
            if (dtype == null) {
                throw file.broken(
                        offset,
                        "dtype",
                        "'" + name + "' has the type '" + Names.brief(type) + "', readable are " + readable());
            }
            long bytes = Shapes.bytes(shape, dtype);
            if (bytes != data.length()) {
                throw file.broken(
                        data.offset(),
                        "tensor-size",
                        "'" + name + "' of shape " + shape + " and type " + dtype + " needs "
                                + (bytes < 0 ? "more than 2^63" : bytes) + " bytes, it has " + data.length());
            }
            return new Inline(new TensorInfo(name, shape, dtype), file, data);
        }

        private List<Long> shape(String name, long offset, List<?> sizes) {
            List<Long> shape = new ArrayList<>();
            for (Object size : sizes) {
                if (!(size instanceof Long number) || number < 0 || shape.size() == Shapes.MAX_RANK) {
                    throw file.broken(
                            offset,
                            "shape",
                            "'" + name + "' must have at most " + Shapes.MAX_RANK + " sizes from 0 to 2^63-1, found "
                                    + Names.brief(size));
                }
                shape.add(number);
            }
            return List.copyOf(shape);
        }

        /** The reference must say what TensorStore would do with it: read the whole array as it is. */
        private Beside beside(String name, Map<?, ?> reference) {
            reference.forEach((key, value) -> {
                if (!List.of("driver", "dtype", "kvstore", "metadata", "transform")
                        .contains(key)) {
                    throw broken(
                            "reference",
                            "'" + name + "' is a reference with an unknown field '" + Names.brief(key) + "'");
                }
            });
            if (!reference.get("driver").equals("zarr")) {
                throw broken(
                        "driver",
                        "'" + name + "' has the driver '" + Names.brief(reference.get("driver"))
                                + "', readable is zarr");
            }
            if (!(reference.get("kvstore") instanceof Map<?, ?> store
                    && store.get("driver") instanceof String driver
                    && STORES.contains(driver)
                    && store.get("path") instanceof String path)) {
                throw broken(
                        "reference",
                        "'" + name + "' does not say where its array is: expected a path and one of the stores "
                                + STORES);
            }
            if (!(reference.get("metadata") instanceof Map<?, ?> said)) {
                throw broken("reference", "'" + name + "' has no metadata");
            }
            String place = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
            if (!arrays.add(folder.real(place))) {
                throw broken(
                        "duplicate-path", "'" + name + "' has the array of another parameter, " + Names.brief(path));
            }
            ZarrArray array = new ZarrArray(folder, place);
            String wrong = array.disagreement(said);
            if (wrong == null && reference.containsKey("dtype") && dtype(reference.get("dtype")) != array.dtype()) {
                wrong = "type " + Names.brief(reference.get("dtype")) + ", .zarray says " + array.dtype();
            }
            if (wrong == null && reference.containsKey("transform")) {
                wrong = transform(reference.get("transform"), array.shape());
            }
            if (wrong != null) {
                throw folder.broken(
                        place + "/.zarray", -1, "disagreement", file.name() + " says of '" + name + "': " + wrong);
            }
            array.checkChunks(budget);
            return new Beside(new TensorInfo(name, array.shape(), array.dtype()), array);
        }

        /** What is wrong with a transform if it is not "everything, from 0 on", or null. */
        private static String transform(Object transform, List<Long> shape) {
            List<Long> zeros = shape.stream().map(size -> 0L).toList();
            // Bounds in a list of their own may be moved by a later resize; they are numbers all the same.
            List<List<Long>> ends = shape.stream().map(List::of).toList();
            boolean whole = transform instanceof Map<?, ?> map
                    && map.keySet().stream().allMatch(Set.of("input_inclusive_min", "input_exclusive_max")::contains)
                    && zeros.equals(map.get("input_inclusive_min"))
                    && (ends.equals(map.get("input_exclusive_max")) || shape.equals(map.get("input_exclusive_max")));
            return whole ? null : "transform " + Names.brief(transform) + ", expected all of the shape " + shape;
        }

        private static DType dtype(Object name) {
            return name instanceof String text ? DTYPES.get(text) : null;
        }

        private static String readable() {
            return DTYPES.keySet().stream().sorted().collect(Collectors.joining(", "));
        }

        private CheckpointException broken(String rule, String detail) {
            return file.broken(-1, rule, detail);
        }
    }

    private static final class Opened extends FolderCheckpoint<Parameter> {
        private final String name;

        Opened(
                FileBytes file,
                CheckpointFolder folder,
                Map<String, Parameter> parameters,
                Map<String, String> metadata) {
            super("t5x", file, folder, parameters, metadata);
            this.name = folder.name();
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        ByteBuffer bytes(Parameter parameter) {
            return parameter.read();
        }
    }
}
