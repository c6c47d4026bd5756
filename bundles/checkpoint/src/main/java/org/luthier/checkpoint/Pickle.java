package org.luthier.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.checkpoint.CheckpointException;

/**
 * A pickle machine that does nothing: what a pickle would import, call or set up becomes a record of that wish.
 *
 * <p>It knows the opcodes that Python writes since protocol 2 and refuses the others, among them those of the extension registry, and
 * names of what can do harm, wherever they stand. Opcodes and values are counted, every length is held against the bytes that are left,
 * and nothing here recurs: a pickle may nest as deep as it likes. Values may share others and be cycles.
 *
 * <p>Values are null, Boolean, Long, BigInteger, Double, String, {@link Bytes}, {@link Tuple}, List, {@link Dict}, {@link Global},
 * {@link Record} and {@link Persistent}; sets are lists.
 */
final class Pickle {
    private static final int MAX_OPCODES = 1 << 24;
    private static final int MAX_VALUES = 1 << 20;
    private static final int MAX_NUMBER = 64;
    private static final int MAX_GLOBAL = 256;

    /** Modules that no checkpoint needs and every attack does. */
    private static final Set<String> HARMFUL = Set.of(
            ("os posix nt posixpath ntpath subprocess sys runpy socket shutil importlib imp pkgutil zipimport pty commands"
                            + " popen2 platform ctypes _ctypes code codeop pdb bdb timeit cProfile profile trace doctest idlelib pip"
                            + " ensurepip venv distutils setuptools webbrowser requests urllib urllib2 http httplib aiohttp ftplib"
                            + " smtplib telnetlib asyncio multiprocessing threading _thread tempfile pickle _pickle cPickle marshal"
                            + " shelve dill cloudpickle joblib operator _operator gc atexit site builtins __builtin__")
                    .split(" "));

    /** What is harmless of the modules above. */
    private static final Set<String> BUILTIN_TYPES = Set.of(
            ("object set frozenset slice range complex bytearray bytes dict list tuple int long float str unicode bool")
                    .split(" "));

    /** Binary data. */
    record Bytes(long offset, long length) {}

    record Tuple(List<Object> values) {}

    /** The name of something to import; comparable, so that a set of names with one hash code takes no time. */
    record Global(String module, String name) implements Comparable<Global> {
        @Override
        public int compareTo(Global other) {
            int modules = module.compareTo(other.module);
            return modules != 0 ? modules : name.compareTo(other.name);
        }

        boolean is(String otherModule, String otherName) {
            return module.equals(otherModule) && name.equals(otherName);
        }

        @Override
        public String toString() {
            return module + "." + name;
        }
    }

    /** What stands outside the pickle, told by its id. */
    record Persistent(Object id) {}

    /** A dictionary as it was written: a key may be there twice. */
    static final class Dict {
        final List<Object> keys = new ArrayList<>();
        final List<Object> values = new ArrayList<>();

        void put(Object key, Object value) {
            keys.add(key);
            values.add(value);
        }

        /** The last value of a key, as Python would have it, or null. */
        Object get(String key) {
            int at = keys.lastIndexOf(key);
            return at < 0 ? null : values.get(at);
        }
    }

    /** Something that would be called or made, with what would be done to it then. */
    static final class Record {
        final Object callable;
        final Object arguments;
        /** Set by BUILD, or null. */
        Object state;

        final Dict entries = new Dict();
        final List<Object> elements = new ArrayList<>();

        Record(Object callable, Object arguments) {
            this.callable = callable;
            this.arguments = arguments;
        }
    }

    /** A value as an error may show it. Others than these may be cycles, or deep. */
    static String brief(Object value) {
        boolean plain = value == null || value instanceof String || value instanceof Number || value instanceof Boolean;
        return plain ? Names.brief(value) : "a " + value.getClass().getSimpleName();
    }

    private final FileBytes file;
    private final long end;
    private long at;
    private final FileWindow window;
    private final Set<Global> globals = new LinkedHashSet<>();
    private final List<Persistent> persistents = new ArrayList<>();
    private final List<Object> stack = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private int opcodes;
    private int values;
    private long opcodeAt;

    /** Reads from one offset to another. */
    Pickle(FileBytes file, long begin, long end) {
        this.file = file;
        this.at = begin;
        this.end = end;
        this.window = new FileWindow(file, end, ByteOrder.LITTLE_ENDIAN);
    }

    /** Where the pickle after this one begins. */
    long at() {
        return at;
    }

    /** Everything that was named to be imported, in the order of the file. */
    Set<Global> globals() {
        return globals;
    }

    /** Everything that stands outside, in the order of the file. */
    List<Persistent> persistents() {
        return persistents;
    }

    /** Reads one pickle; the next one knows nothing of it. */
    Object read() {
        stack.clear();
        marks.clear();
        memo.clear();
        while (true) {
            opcodeAt = at;
            int opcode = next(1).get() & 0xff;
            if (++opcodes > MAX_OPCODES) {
                throw broken("pickle-opcodes", "more than " + MAX_OPCODES + " opcodes");
            }
            if (opcode == '.') {
                Object result = pop();
                if (!stack.isEmpty() || !marks.isEmpty()) {
                    throw broken("pickle-stack", "values are left at the end");
                }
                return result;
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x80 -> protocol();
            case 0x95 -> frame();
            case '(' -> marks.add(stack.size());
            case '0' -> pop();
            case '1' -> sinceMark();
            case '2' -> push(top());
            case 'N' -> push(null);
            case 0x88 -> push(true);
            case 0x89 -> push(false);
            case 'J' -> push((long) next(4).getInt());
            case 'K' -> push((long) (next(1).get() & 0xff));
            case 'M' -> push((long) (next(2).getShort() & 0xffff));
            case 0x8a -> push(number(next(1).get() & 0xff));
            case 0x8b -> push(number(next(4).getInt()));
            case 'G' -> push(next(8).order(ByteOrder.BIG_ENDIAN).getDouble());
            case 'U' -> push(text(next(1).get() & 0xff, StandardCharsets.ISO_8859_1));
            case 'T' -> push(text(next(4).getInt(), StandardCharsets.ISO_8859_1));
            case 0x8c -> push(text(next(1).get() & 0xff, StandardCharsets.UTF_8));
            case 'X' -> push(text(next(4).getInt() & 0xffffffffL, StandardCharsets.UTF_8));
            case 0x8d -> push(text(next(8).getLong(), StandardCharsets.UTF_8));
            case 'C' -> push(bytes(next(1).get() & 0xff));
            case 'B' -> push(bytes(next(4).getInt() & 0xffffffffL));
            case 0x8e, 0x96 -> push(bytes(next(8).getLong()));
            case ']', 0x8f -> push(new ArrayList<>());
            case 'l', 0x91 -> push(sinceMark());
            case ')' -> push(new Tuple(List.of()));
            case 't' -> push(new Tuple(sinceMark()));
            case 0x85 -> push(tuple(1));
            case 0x86 -> push(tuple(2));
            case 0x87 -> push(tuple(3));
            case '}' -> push(new Dict());
            case 'd' -> {
                Dict dict = new Dict();
                setAll(dict, sinceMark());
                push(dict);
            }
            case 'a' -> elements(1).add(pop());
            case 'e', 0x90 -> {
                List<Object> added = sinceMark();
                elements(0).addAll(added);
            }
            case 's' -> {
                Object value = pop();
                Object key = pop();
                entries().put(key, value);
            }
            case 'u' -> {
                List<Object> added = sinceMark();
                setAll(entries(), added);
            }
            case 'h' -> push(recall(next(1).get() & 0xff));
            case 'j' -> push(recall(next(4).getInt() & 0xffffffffL));
            case 'q' -> remember(next(1).get() & 0xff);
            case 'r' -> remember(next(4).getInt() & 0xffffffffL);
            case 0x94 -> remember(memo.size());
            case 'c' -> push(global(line(), line()));
            case 0x93 -> {
                Object name = pop();
                Object module = pop();
                if (!(module instanceof String moduleText && name instanceof String nameText)) {
                    throw broken("pickle-global", "what to import is not named by text");
                }
                push(global(moduleText, nameText));
            }
            case 'R', 0x81 -> {
                Object arguments = pop();
                push(call(pop(), arguments));
            }
            case 0x92 -> {
                Object keywords = pop();
                Object arguments = pop();
                push(call(pop(), new Tuple(Arrays.asList(arguments, keywords))));
            }
            case 'b' -> build(pop());
            case 'Q' -> {
                Persistent persistent = new Persistent(pop());
                persistents.add(persistent);
                push(persistent);
            }
            default ->
                throw broken(
                        "pickle-opcode",
                        "the opcode " + Integer.toHexString(opcode) + " is none that checkpoints are written with");
        }
    }

    private void protocol() {
        int version = next(1).get();
        if (version < 2 || version > 5) {
            throw broken("pickle-protocol", "protocol " + version + ", readable are 2 to 5");
        }
    }

    /** Frames only help to read ahead. */
    private void frame() {
        long length = next(8).getLong();
        if (length < 0 || length > end - at) {
            throw broken("truncated", "a frame of " + length + " bytes, there are " + (end - at));
        }
    }

    private void push(Object value) {
        if (++values > MAX_VALUES) {
            throw broken("pickle-values", "more than " + MAX_VALUES + " values");
        }
        stack.add(value);
    }

    private int floor() {
        return marks.isEmpty() ? 0 : marks.get(marks.size() - 1);
    }

    private Object top() {
        if (stack.size() <= floor()) {
            throw broken("pickle-stack", "a value is needed, the stack is empty");
        }
        return stack.get(stack.size() - 1);
    }

    private Object pop() {
        Object value = top();
        stack.remove(stack.size() - 1);
        return value;
    }

    private List<Object> sinceMark() {
        if (marks.isEmpty()) {
            throw broken("pickle-stack", "a mark is needed, there is none");
        }
        List<Object> tail = stack.subList(marks.remove(marks.size() - 1), stack.size());
        List<Object> values = new ArrayList<>(tail);
        tail.clear();
        return values;
    }

    private Tuple tuple(int size) {
        Object[] values = new Object[size];
        for (int i = size - 1; i >= 0; i--) {
            values[i] = pop();
        }
        return new Tuple(Arrays.asList(values));
    }

    /** The elements of the list, or of the record of one, so many values below the top. */
    @SuppressWarnings("unchecked")
    private List<Object> elements(int below) {
        Object target = stack.size() - below <= floor() ? null : stack.get(stack.size() - 1 - below);
        if (target instanceof Record record) {
            return record.elements;
        }
        if (!(target instanceof List<?> list)) {
            throw broken("pickle-type", "a list is needed to add to");
        }
        return (List<Object>) list;
    }

    private Dict entries() {
        Object target = top();
        if (target instanceof Record record) {
            return record.entries;
        }
        if (!(target instanceof Dict dict)) {
            throw broken("pickle-type", "a dictionary is needed to add to");
        }
        return dict;
    }

    private void setAll(Dict dict, List<Object> keysAndValues) {
        if (keysAndValues.size() % 2 != 0) {
            throw broken("pickle-stack", "a key without a value");
        }
        for (int i = 0; i < keysAndValues.size(); i += 2) {
            dict.put(keysAndValues.get(i), keysAndValues.get(i + 1));
        }
    }

    private void remember(long key) {
        memo.put(key, top());
        if (memo.size() > MAX_VALUES) {
            throw broken("pickle-values", "more than " + MAX_VALUES + " values to remember");
        }
    }

    private Object recall(long key) {
        Object value = memo.get(key);
        if (value == null && !memo.containsKey(key)) {
            throw broken("pickle-memo", "nothing was remembered under " + key);
        }
        return value;
    }

    private Object call(Object callable, Object arguments) {
        // Python's ordered dictionary is one; filled by entries that follow, as torch.save writes it.
        boolean ordered = callable instanceof Global global && global.is("collections", "OrderedDict");
        return ordered && arguments instanceof Tuple tuple && tuple.values.isEmpty()
                ? new Dict()
                : new Record(callable, arguments);
    }

    private void build(Object state) {
        Object target = top();
        if (target instanceof Record record) {
            record.state = state;
        } else if (!(target instanceof Dict)) {
            throw broken("pickle-type", "only what was made can be built on");
        }
    }

    private Global global(String module, String name) {
        String whole = module + "." + name;
        if (whole.length() > MAX_GLOBAL || !whole.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw broken("pickle-global", "no name of something to import: '" + Names.brief(whole) + "'");
        }
        String root = module.contains(".") ? module.substring(0, module.indexOf('.')) : module;
        boolean harmless = BUILTIN_TYPES.contains(name) && (module.equals("builtins") || module.equals("__builtin__"));
        if (HARMFUL.contains(root) && !harmless) {
            throw broken(
                    "harmful-global",
                    "it asks for " + Names.brief(whole)
                            + ", which no checkpoint needs; nothing was run, do not load this file elsewhere");
        }
        Global global = new Global(module, name);
        globals.add(global);
        return global;
    }

    /** A line of a global's name. */
    private String line() {
        StringBuilder line = new StringBuilder();
        while (true) {
            char c = (char) next(1).get();
            if (c == '\n') {
                return line.toString();
            }
            line.append(c);
            if (line.length() > MAX_GLOBAL) {
                throw broken("pickle-global", "the name of what to import is longer than " + MAX_GLOBAL + " letters");
            }
        }
    }

    private Object number(int bytes) {
        if (bytes < 0 || bytes > MAX_NUMBER) {
            throw broken("pickle-number", "a number of " + bytes + " bytes, at most are " + MAX_NUMBER);
        }
        byte[] littleEndian = new byte[bytes];
        next(bytes).get(littleEndian);
        byte[] bigEndian = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            bigEndian[i] = littleEndian[bytes - 1 - i];
        }
        BigInteger number = bytes == 0 ? BigInteger.ZERO : new BigInteger(bigEndian);
        return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
    }

    private String text(long length, Charset charset) {
        Bytes bytes = bytes(length);
        try {
            ByteBuffer encoded = length <= FileWindow.LONGEST
                    ? window.at(bytes.offset, (int) length)
                    : file.read(bytes.offset, length);
            return charset.newDecoder().decode(encoded).toString();
        } catch (CharacterCodingException e) {
            // Python lets half a pair of surrogates pass here; no name of a tensor has one.
            throw broken("pickle-text", "a text is not UTF-8");
        }
    }

    private Bytes bytes(long length) {
        if (length < 0 || length > end - at) {
            throw broken("truncated", "needs " + Long.toUnsignedString(length) + " bytes, there are " + (end - at));
        }
        Bytes bytes = new Bytes(at, length);
        at += length;
        return bytes;
    }

    /** The next bytes, little-endian. */
    private ByteBuffer next(int length) {
        if (length > end - at) {
            throw broken("truncated", "the pickle ends inside an opcode");
        }
        at += length;
        return window.at(at - length, length);
    }

    private CheckpointException broken(String rule, String detail) {
        return file.broken(opcodeAt, rule, detail);
    }
}
