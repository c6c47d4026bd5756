package org.luthier.checkpoint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** Finds the tensors in what a pickle of PyTorch says, and tells the rest as metadata. */
final class TorchTensors {
    private static final String STATE_DICT = "state_dict";
    private static final String UTILS = "torch._utils";
    private static final int MAX_DEPTH = 64;
    private static final int MAX_VISITS = 1 << 20;
    private static final int MAX_TENSORS = 1 << 16;
    private static final int MAX_METADATA = 1000;
    private static final int MAX_METADATA_DEPTH = 5;
    private static final int MAX_METADATA_TEXT = 256;
    private static final int MAX_METADATA_LIST = 32;
    private static final int MAX_NAMED = 20;

    /** Modules whose names are expected in a file and are not remarked on. */
    private static final Set<String> FAMILIAR = Set.of(
            "collections.OrderedDict",
            "torch.Size",
            "torch.device",
            "_codecs.encode",
            "copyreg._reconstructor",
            "copy_reg._reconstructor",
            "numpy.dtype",
            "numpy.ndarray",
            "numpy.core.multiarray.scalar",
            "numpy.core.multiarray._reconstruct",
            "numpy._core.multiarray.scalar",
            "numpy._core.multiarray._reconstruct",
            // What trainers note among the parameters, as the published checkpoints of YourMT3+ do: told in the
            // metadata.
            "argparse.Namespace",
            "pathlib.PosixPath",
            "utils.event_codec.FastCodec",
            "utils.note_event_dataclasses.Event",
            "utils.note_event_dataclasses.EventRange",
            "utils.task_manager.TaskManager",
            "utils.tokenizer.NoteEventTokenizer");

    /** Element types of storages; those that tensors of are not readable have a width only. */
    private static final Map<String, Element> ELEMENTS = Map.ofEntries(
            Map.entry("DoubleStorage", new Element(DType.F64, 8)),
            Map.entry("FloatStorage", new Element(DType.F32, 4)),
            Map.entry("HalfStorage", new Element(DType.F16, 2)),
            Map.entry("BFloat16Storage", new Element(DType.BF16, 2)),
            Map.entry("LongStorage", new Element(DType.I64, 8)),
            Map.entry("IntStorage", new Element(DType.I32, 4)),
            Map.entry("ShortStorage", new Element(DType.I16, 2)),
            Map.entry("CharStorage", new Element(DType.I8, 1)),
            Map.entry("ByteStorage", new Element(DType.U8, 1)),
            Map.entry("BoolStorage", new Element(DType.BOOL, 1)),
            Map.entry("ComplexFloatStorage", new Element(null, 8)),
            Map.entry("ComplexDoubleStorage", new Element(null, 16)),
            Map.entry("QInt8Storage", new Element(null, 1)),
            Map.entry("QUInt8Storage", new Element(null, 1)),
            Map.entry("QInt32Storage", new Element(null, 4)),
            Map.entry("UntypedStorage", new Element(null, 1)));

    private record Element(DType dtype, int width) {}

    /**
     * A storage.
     *
     * @param type its name in PyTorch
     */
    record Storage(String key, String type, long elements) {
        long bytes() {
            return elements * ELEMENTS.get(type).width;
        }
    }

    /**
     * A tensor: a view of a storage.
     *
     * @param offset of its first element in the storage, counted in elements
     * @param strides from one element to the next in each dimension
     */
    record Tensor(TensorInfo tensor, Storage storage, long offset, long[] strides) implements StoredCheckpoint.Stored {
        /** Elements from the first to the last one in the storage. */
        long span() {
            long span = tensor.elements() == 0 ? 0 : 1;
            for (int i = 0; i < strides.length && span > 0; i++) {
                span += (tensor.shape().get(i) - 1) * strides[i];
            }
            return span;
        }

        boolean isContiguous() {
            long[] rowMajor = Shapes.strides(tensor.shape());
            for (int i = 0; i < strides.length; i++) {
                if (tensor.shape().get(i) > 1 && strides[i] != rowMajor[i]) {
                    return false;
                }
            }
            return true;
        }
    }

    private final FileBytes file;
    private final Map<String, Storage> storages = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final Set<Object> withoutTensors = Collections.newSetFromMap(new IdentityHashMap<>());
    private int visits;

    /** @param pickle that was read */
    TorchTensors(FileBytes file, Pickle pickle) {
        this.file = file;
        pickle.persistents().forEach(this::storage);
        List<String> strange = pickle.globals().stream()
                .filter(global -> !isFamiliar(global))
                .map(Pickle.Global::toString)
                .toList();
        if (!strange.isEmpty()) {
            warnings.add("it names " + strange.size() + (strange.size() == 1 ? " object" : " objects")
                    + " of the program that wrote it, none of which was imported: "
                    + strange.stream().limit(MAX_NAMED).map(Names::brief).collect(Collectors.joining(", "))
                    + (strange.size() > MAX_NAMED ? ", ..." : ""));
        }
    }

    /** The storages that the pickle speaks of, by key. */
    Map<String, Storage> storages() {
        return storages;
    }

    Map<String, Tensor> tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return metadata;
    }

    List<String> warnings() {
        return warnings;
    }

    /** Takes what the pickle holds apart. */
    void read(Object root) {
        if (root instanceof Pickle.Dict dict && dict.get(STATE_DICT) instanceof Pickle.Dict state) {
            if (Collections.frequency(dict.keys, STATE_DICT) > 1) {
                throw broken("duplicate-key", "'" + STATE_DICT + "' is there twice");
            }
            collect("", state, 0);
            long others = storages.size()
                    - tensors.values().stream().map(Tensor::storage).distinct().count();
            if (others > 0) {
                metadata.put("storages outside " + STATE_DICT, String.valueOf(others));
            }
            for (int i = 0; i < dict.keys.size(); i++) {
                if (dict.keys.get(i) instanceof String key && !key.equals(STATE_DICT)) {
                    describe(key, dict.values.get(i), 0);
                }
            }
        } else {
            collect("", root, 0);
        }
        if (tensors.isEmpty()) {
            throw broken("no-tensors", "there is no tensor in it");
        }
    }

    private static boolean isFamiliar(Pickle.Global global) {
        return FAMILIAR.contains(global.toString())
                || global.module().equals(UTILS)
                || global.module().equals("builtins")
                || global.module().equals("__builtin__")
                || global.module().matches("torch(\\.cuda|\\.storage)?") && ELEMENTS.containsKey(global.name());
    }

    private void collect(String name, Object value, int depth) {
        visit(depth);
        if (value instanceof Pickle.Dict dict) {
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < dict.keys.size(); i++) {
                Object key = dict.keys.get(i);
                Object inner = dict.values.get(i);
                if (!(key instanceof String) && !(key instanceof Long)) {
                    refuseTensors(name, "under a key that is no text", inner);
                } else if (!seen.add(key.toString())) {
                    throw broken("duplicate-key", "'" + Names.brief(join(name, key)) + "' is there twice");
                } else {
                    collect(join(name, key), inner, depth + 1);
                }
            }
        } else if (value instanceof List<?> || value instanceof Pickle.Tuple) {
            List<?> list = value instanceof Pickle.Tuple tuple ? tuple.values() : (List<?>) value;
            if (hasTensors(value)) {
                for (int i = 0; i < list.size(); i++) {
                    collect(join(name, i), list.get(i), depth + 1);
                }
            } else {
                describe(name, value, depth);
            }
        } else if (value instanceof Pickle.Record record && isTensor(record)) {
            add(name.isEmpty() ? "tensor" : name, record);
        } else {
            refuseTensors(name, "inside of " + what(value), value);
            describe(name, value, depth);
        }
    }

    /** A name that is too long to be used stops growing: otherwise it could be as long as the file at every step. */
    private static String join(String name, Object key) {
        String text = key.toString();
        String part = text.length() > NamePattern.LONGEST ? text.substring(0, NamePattern.LONGEST + 1) : text;
        return name.isEmpty() ? part : name.length() > NamePattern.LONGEST ? name : name + "." + part;
    }

    /** Counts a step, so that lists of lists of lists that are all the same one end, and cycles too. */
    private void visit(int depth) {
        if (depth > MAX_DEPTH) {
            throw broken("nesting", "it is nested deeper than " + MAX_DEPTH);
        }
        if (++visits > MAX_VISITS) {
            throw broken("too-many-values", "more than " + MAX_VISITS + " values");
        }
    }

    private static boolean isTensor(Pickle.Record record) {
        return record.callable instanceof Pickle.Global global
                && global.module().equals(UTILS);
    }

    private static String what(Object value) {
        if (value instanceof Pickle.Record record) {
            Object made = record.callable;
            // copyreg._reconstructor(class, object, None) and the like name the class first.
            if (made instanceof Pickle.Global global
                    && global.name().startsWith("_reconstruct")
                    && record.arguments instanceof Pickle.Tuple tuple
                    && !tuple.values().isEmpty()) {
                made = tuple.values().get(0);
            }
            return made instanceof Pickle.Global global ? "an object of " + Names.brief(global) : "an object";
        }
        return value instanceof Pickle.Persistent ? "a storage without a tensor" : "a value";
    }

    private void refuseTensors(String name, String where, Object value) {
        if (hasTensors(value)) {
            throw broken(
                    "inert-object",
                    "there are tensors " + where + (name.isEmpty() ? "" : " at '" + Names.brief(name) + "'")
                            + ", which is not loaded; save a plain state_dict() instead");
        }
    }

    /** Whether a storage can be reached from a value. */
    private boolean hasTensors(Object value) {
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> open = new ArrayDeque<>();
        reach(value, seen, open);
        while (!open.isEmpty()) {
            Object next = open.pop();
            visit(0);
            if (next instanceof Pickle.Persistent) {
                return true;
            } else if (next instanceof Pickle.Dict dict) {
                dict.keys.forEach(each -> reach(each, seen, open));
                dict.values.forEach(each -> reach(each, seen, open));
            } else if (next instanceof Pickle.Record record) {
                reach(record.callable, seen, open);
                reach(record.arguments, seen, open);
                reach(record.state, seen, open);
                reach(record.entries, seen, open);
                reach(record.elements, seen, open);
            } else if (next instanceof Pickle.Tuple tuple) {
                tuple.values().forEach(each -> reach(each, seen, open));
            } else if (next instanceof List<?> list) {
                list.forEach(each -> reach(each, seen, open));
            }
        }
        withoutTensors.addAll(seen);
        return false;
    }

    private void reach(Object value, Set<Object> seen, Deque<Object> open) {
        boolean holds = value instanceof Pickle.Dict
                || value instanceof Pickle.Record
                || value instanceof Pickle.Tuple
                || value instanceof Pickle.Persistent
                || value instanceof List<?>;
        if (holds && !withoutTensors.contains(value) && seen.add(value)) {
            open.push(value);
        }
    }

    private void add(String name, Pickle.Record record) {
        if (!Names.isUsable(name)) {
            throw broken("name", "no name for a tensor: '" + Names.brief(name) + "'");
        }
        Tensor tensor = tensor(name, record);
        if (tensors.size() == MAX_TENSORS) {
            throw broken("too-many-tensors", "more than " + MAX_TENSORS + " tensors");
        }
        if (tensors.put(name, tensor) != null) {
            throw broken("duplicate-name", "two tensors are called '" + Names.brief(name) + "'");
        }
    }

    /** What {@code torch._utils} would make of its arguments. */
    private Tensor tensor(String name, Pickle.Record record) {
        String function = ((Pickle.Global) record.callable).name();
        List<?> arguments = record.arguments instanceof Pickle.Tuple tuple ? tuple.values() : List.of();
        boolean parameter = function.equals("_rebuild_parameter") || function.equals("_rebuild_parameter_with_state");
        if (parameter
                && !arguments.isEmpty()
                && arguments.get(0) instanceof Pickle.Record inner
                && isTensor(inner)
                && ((Pickle.Global) inner.callable).name().startsWith("_rebuild_tensor")) {
            return tensor(name, inner);
        }
        if (!function.equals("_rebuild_tensor_v2") && !function.equals("_rebuild_tensor")) {
            throw broken(
                    "tensor-kind",
                    "tensor '" + name + "' is made by " + UTILS + "." + Names.brief(function)
                            + ", readable are ordinary tensors and parameters");
        }
        if (arguments.size() < 4
                || !(arguments.get(0) instanceof Pickle.Persistent persistent)
                || !(arguments.get(1) instanceof Long offset)) {
            throw broken("tensor-arguments", "tensor '" + name + "' is not told by storage, offset, size and stride");
        }
        Storage storage = storage(persistent);
        List<Long> shape = sizes(name, arguments.get(2));
        List<Long> strides = sizes(name, arguments.get(3));
        DType dtype = ELEMENTS.get(storage.type).dtype;
        if (dtype == null) {
            throw broken("dtype", "tensor '" + name + "' has a " + storage.type + ", which no type here matches");
        }
        if (shape.size() != strides.size() || !fits(shape, strides, offset, storage.elements)) {
            throw broken(
                    "tensor-size",
                    "tensor '" + name + "' of shape " + Names.brief(shape) + ", strides " + Names.brief(strides)
                            + " and offset " + offset + " does not fit a storage of " + storage.elements + " elements");
        }
        long[] steps = strides.stream().mapToLong(Long::longValue).toArray();
        return new Tensor(new TensorInfo(name, shape, dtype), storage, offset, steps);
    }

    /** Whether a view lies in its storage and has no more elements than that. */
    private static boolean fits(List<Long> shape, List<Long> strides, long offset, long elements) {
        long count = Shapes.bytes(shape, DType.U8);
        if (offset < 0 || offset > elements || count < 0 || count > elements) {
            return false;
        }
        long last = offset;
        for (int i = 0; i < shape.size() && count > 0; i++) {
            // Every size is at most the count of elements here.
            long steps = shape.get(i) - 1;
            if (steps > 0 && strides.get(i) > elements / steps) {
                return false;
            }
            last += steps * strides.get(i);
        }
        return count == 0 || last < elements;
    }

    private List<Long> sizes(String name, Object value) {
        Object plain = value;
        if (value instanceof Pickle.Record record
                && record.callable instanceof Pickle.Global global
                && global.is("torch", "Size")
                && record.arguments instanceof Pickle.Tuple arguments
                && arguments.values().size() == 1) {
            plain = arguments.values().get(0);
        }
        List<Long> sizes = new ArrayList<>();
        for (Object size : plain instanceof Pickle.Tuple tuple ? tuple.values() : Collections.singletonList(plain)) {
            if (!(size instanceof Long number) || number < 0 || sizes.size() == Shapes.MAX_RANK) {
                throw broken(
                        "shape",
                        "tensor '" + name + "' needs at most " + Shapes.MAX_RANK
                                + " whole numbers from 0 to 2^63-1 as shape and as strides");
            }
            sizes.add(number);
        }
        return List.copyOf(sizes);
    }

    /** What a persistent id tells: ("storage", type, key, device, elements) and, in older files, a view, which is none. */
    private Storage storage(Pickle.Persistent persistent) {
        if (!(persistent.id() instanceof Pickle.Tuple tuple
                && tuple.values().size() >= 5
                && tuple.values().size() <= 6
                && "storage".equals(tuple.values().get(0))
                && tuple.values().get(1) instanceof Pickle.Global type
                && tuple.values().get(2) instanceof String key
                && tuple.values().get(4) instanceof Long elements)) {
            throw broken("persistent-id", "what stands outside the pickle is told by something else than a storage");
        }
        if (tuple.values().size() == 6 && tuple.values().get(5) != null) {
            throw broken("storage-view", "storage '" + Names.brief(key) + "' is a part of another one");
        }
        Element element = type.module().matches("torch(\\.cuda|\\.storage)?") ? ELEMENTS.get(type.name()) : null;
        if (element == null) {
            throw broken(
                    "dtype", "storage '" + Names.brief(key) + "' is a " + Names.brief(type) + ", which is not known");
        }
        if (elements < 0 || elements > Long.MAX_VALUE / element.width) {
            throw broken("storage-size", "storage '" + Names.brief(key) + "' of " + elements + " elements");
        }
        Storage storage = new Storage(key, type.name(), elements);
        Storage other = storages.putIfAbsent(key, storage);
        if (other != null && !other.equals(storage)) {
            throw broken(
                    "storage-type",
                    "storage '" + Names.brief(key) + "' is a " + other.type + " of " + other.elements
                            + " elements and a " + type.name() + " of " + elements);
        }
        return storage;
    }

    /** Tells what is no tensor, as far as it is short text and numbers. */
    private void describe(String name, Object value, int depth) {
        if (depth > MAX_METADATA_DEPTH || metadata.size() >= MAX_METADATA || !Names.isUsable(name)) {
            return;
        }
        visit(depth);
        if (value instanceof Pickle.Dict dict) {
            for (int i = 0; i < dict.keys.size(); i++) {
                if (dict.keys.get(i) instanceof String key) {
                    describe(join(name, key), dict.values.get(i), depth + 1);
                }
            }
        } else if (value instanceof Pickle.Record record) {
            if (!isTensor(record)) {
                metadata.putIfAbsent(name, what(record));
                describe(name, record.state instanceof Pickle.Dict ? record.state : null, depth + 1);
            }
        } else if (value instanceof Pickle.Tuple tuple) {
            describeList(name, tuple.values());
        } else if (value instanceof List<?> list) {
            describeList(name, list);
        } else if (isPlain(value)) {
            metadata.put(name, value.toString());
        }
    }

    private void describeList(String name, List<?> list) {
        if (list.size() <= MAX_METADATA_LIST && list.stream().allMatch(TorchTensors::isPlain)) {
            metadata.put(name, list.toString());
        }
    }

    private static boolean isPlain(Object value) {
        return value instanceof Number
                || value instanceof Boolean
                || value instanceof String text
                        && text.length() <= MAX_METADATA_TEXT
                        && text.chars().noneMatch(Character::isISOControl);
    }

    private CheckpointException broken(String rule, String detail) {
        return file.broken(-1, rule, detail);
    }
}
