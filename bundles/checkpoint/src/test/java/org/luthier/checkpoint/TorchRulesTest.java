package org.luthier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;

/**
 * Pickles and zip files that no torch would write: what could do harm elsewhere is named, what is strange stays a record, and nothing
 * takes long.
 */
class TorchRulesTest {
    private static final String STORAGE =
            "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\2tQ";
    private static final String REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n";
    private static final String HOOKS = "\u0089ccollections\nOrderedDict\n)R";

    /** A vector of two floats. */
    private static final String TENSOR = tensor(STORAGE, "K\0", "K\2\u0085", "K\1\u0085");

    @TempDir
    Path temporary;

    private final TorchFormat format = new TorchFormat();

    /**
     * A broken rule.
     *
     * @param pickle a character is a byte
     */
    private record Rule(String rule, String name, String pickle) {
        @Override
        public String toString() {
            return rule + ": " + name;
        }
    }

    /** Every way to name a function, in places where Python would call it while loading. */
    static Stream<Rule> attacks() {
        Map<String, String> ways = new LinkedHashMap<>();
        for (String function : List.of(
                "os system",
                "posix system",
                "nt system",
                "subprocess Popen",
                "builtins eval",
                "builtins getattr",
                "__builtin__ exec",
                "sys modules",
                "runpy _run_code",
                "socket socket",
                "importlib import_module",
                "os.path join",
                "ctypes.util find_library",
                "timeit timeit",
                "cProfile run",
                "idlelib.pyshell ModifiedInterpreter",
                "pip._internal main",
                "operator attrgetter",
                "pickle loads",
                "shutil rmtree")) {
            String[] words = function.split(" ");
            ways.put("GLOBAL " + function, "c" + words[0] + "\n" + words[1] + "\n");
            ways.put("STACK_GLOBAL " + function, shortText(words[0]) + shortText(words[1]) + "\u0093");
        }
        String system = "cposix\nsystem\n";
        String command = text("touch harmed") + "\u0085";
        ways.put("REDUCE", system + command + "R");
        ways.put("NEWOBJ", system + command + "\u0081");
        ways.put("NEWOBJ_EX", system + command + "}\u0092");
        ways.put("REDUCE of a remembered one", system + "q\0" + "0h\0" + command + "R");
        ways.put("BUILD with it as state", "cmine\nThing\n)R" + system + "b");
        ways.put("argument of another", "cfunctools\npartial\n" + system + "\u0085R");
        ways.put("key of a dictionary", "}" + system + "Ns");
        ways.put("in what is thrown away", system + command + "R0N");
        ways.put("id of what is outside", system + "Q");
        ways.put("id of what is outside, nested", system + "QQ");
        return ways.entrySet().stream()
                .map(way -> new Rule(
                        "harmful-global", way.getKey(), "}" + text("w") + TENSOR + "s" + way.getValue() + "0"));
    }

    static List<Rule> pickles() {
        String state = "}" + text("w");
        return List.of(
                new Rule("pickle-opcode", "INST", "(iposix\nsystem\n"),
                new Rule("pickle-opcode", "OBJ", "(cmine\nThing\no"),
                new Rule("pickle-opcode", "EXT1", "\u0082\1"),
                new Rule("pickle-opcode", "EXT2", "\u0083\1\0"),
                new Rule("pickle-opcode", "EXT4", "\u0084\1\0\0\0"),
                new Rule("pickle-opcode", "PERSID", "Pstorage\n"),
                new Rule("pickle-opcode", "INT", "I1\n"),
                new Rule("pickle-opcode", "STRING", "S'os'\n"),
                new Rule("pickle-opcode", "GET", "g0\n"),
                new Rule("pickle-opcode", "NEXT_BUFFER", "\u0097"),
                new Rule("pickle-opcode", "none", "\u00ff"),
                new Rule("pickle-protocol", "protocol 0", "\u0080\0"),
                new Rule("pickle-protocol", "protocol 6", "\u0080\6"),
                new Rule("pickle-stack", "empty", "0"),
                new Rule("pickle-stack", "nothing to remember", "q\0"),
                new Rule("pickle-stack", "below a mark", "N(\u0085"),
                new Rule("pickle-stack", "no mark", "t"),
                new Rule("pickle-stack", "odd", "}(Nu"),
                new Rule("pickle-stack", "too much", "NN"),
                new Rule("pickle-stack", "mark at the end", "N("),
                new Rule("pickle-memo", "unknown", "h\1"),
                new Rule("pickle-memo", "unknown, long", "j\1\1\1\1"),
                new Rule("pickle-type", "append to a tuple", ")Na"),
                new Rule("pickle-type", "append to nothing", "Na"),
                new Rule("pickle-type", "entry of a list", "]NNs"),
                new Rule("pickle-type", "build on a list", "]Nb"),
                new Rule("pickle-type", "build on text", text("x") + "Nb"),
                new Rule("pickle-global", "no text", "K\1K\1\u0093"),
                new Rule("pickle-global", "control character", "c\1\nx\n"),
                new Rule("pickle-global", "long", "c" + "x".repeat(300) + "\nx\n"),
                new Rule("pickle-global", "long on the stack", text("x".repeat(300)) + text("y") + "\u0093"),
                new Rule("pickle-number", "long", "\u008b\u00ff\u00ff\u00ff\u007f"),
                new Rule("pickle-number", "negative length", "\u008b\u00ff\u00ff\u00ff\u00ff"),
                new Rule("pickle-text", "no UTF-8", "X\1\0\0\0\u00ff"),
                new Rule("truncated", "text of 2 GB", "X\u00ff\u00ff\u00ff\u007f"),
                new Rule("truncated", "text of 2^63", "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f"),
                new Rule("truncated", "bytes of 2^64", "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff"),
                new Rule("truncated", "negative string", "T\u00ff\u00ff\u00ff\u00ff"),
                new Rule("truncated", "frame", "\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f"),
                new Rule("pickle-values", "lists", "(" + "]".repeat(1_100_000) + "1N"),
                new Rule("pickle-values", "memo", memoBomb()),
                new Rule("nesting", "lists", state + "]".repeat(100) + TENSOR + "a".repeat(100) + "s"),
                new Rule("nesting", "cycle", state + "]q\1" + TENSOR + "a" + "h\1as"),
                new Rule("too-many-tensors", "laughs", state + laughs(TENSOR, "h\1".repeat(10) + "l") + "s"),
                new Rule(
                        "too-many-values",
                        "laughs about nothing",
                        state + TENSOR + "s" + text("v") + laughs("N", text("a") + "h\1" + text("b") + "h\1d") + "s"),
                new Rule("persistent-id", "text", state + text("storage") + "Qs"),
                new Rule("persistent-id", "nested", state + STORAGE + "Qs"),
                new Rule("persistent-id", "other word", state + STORAGE.replace(text("storage"), text("module")) + "s"),
                new Rule("persistent-id", "key that is a number", state + STORAGE.replace(text("0"), "K\0") + "s"),
                new Rule("storage-view", "part", state + STORAGE.replace("K\2tQ", "K\2)tQ") + "s"),
                new Rule(
                        "storage-size",
                        "negative",
                        state + STORAGE.replace("K\2tQ", "J\u00ff\u00ff\u00ff\u00fftQ") + "s"),
                new Rule(
                        "storage-size",
                        "2^63",
                        state + STORAGE.replace("K\2tQ", "\u008a\10\0\0\0\0\0\0\0\100tQ") + "s"),
                new Rule("storage-size", "missing", state + TENSOR.replace(text("0"), text("1")) + "s"),
                new Rule("storage-size", "by a way out", state + TENSOR.replace(text("0"), text("../data.pkl")) + "s"),
                new Rule("storage-size", "other", state + TENSOR.replace("K\2tQ", "K\3tQ") + "s"),
                new Rule(
                        "storage-type",
                        "two types",
                        state + TENSOR + "s" + text("v") + TENSOR.replace("FloatS", "LongS") + "s"),
                new Rule("dtype", "unknown storage", state + TENSOR.replace("FloatS", "FancyS") + "s"),
                new Rule("dtype", "storage of another module", state + TENSOR.replace("ctorch\n", "cmine\n") + "s"),
                new Rule("tensor-kind", "other function", state + TENSOR.replace("_v2", "_v9") + "s"),
                new Rule("tensor-arguments", "none", state + REBUILD + ")Rs"),
                new Rule("tensor-arguments", "no tuple", state + REBUILD + "NRs"),
                new Rule("tensor-arguments", "no storage", state + tensor("N", "K\0", "K\2\u0085", "K\1\u0085") + "s"),
                new Rule(
                        "shape",
                        "negative",
                        state + tensor(STORAGE, "K\0", "J\u00ff\u00ff\u00ff\u00ff\u0085", "K\1\u0085") + "s"),
                new Rule(
                        "shape", "float", state + tensor(STORAGE, "K\0", "G\0\0\0\0\0\0\0\0\u0085", "K\1\u0085") + "s"),
                new Rule(
                        "shape",
                        "65 sizes",
                        state + tensor(STORAGE, "K\0", "(" + "K\1".repeat(65) + "t", "K\1\u0085") + "s"),
                new Rule(
                        "tensor-size",
                        "fewer strides",
                        state + tensor(STORAGE, "K\0", "K\1K\1\u0086", "K\1\u0085") + "s"),
                new Rule("tensor-size", "longer", state + tensor(STORAGE, "K\0", "K\3\u0085", "K\1\u0085") + "s"),
                new Rule("tensor-size", "offset", state + tensor(STORAGE, "K\1", "K\2\u0085", "K\1\u0085") + "s"),
                new Rule(
                        "tensor-size",
                        "negative offset",
                        state + tensor(STORAGE, "J\u00ff\u00ff\u00ff\u00ff", "K\2\u0085", "K\1\u0085") + "s"),
                new Rule("tensor-size", "stride", state + tensor(STORAGE, "K\0", "K\2\u0085", "K\2\u0085") + "s"),
                new Rule(
                        "tensor-size",
                        "huge stride",
                        state + tensor(STORAGE, "K\0", "K\2\u0085", big() + "\u0085") + "s"),
                new Rule(
                        "tensor-size",
                        "huge size of stride 0",
                        state + tensor(STORAGE, "K\0", big() + "\u0085", "K\0\u0085") + "s"),
                new Rule(
                        "tensor-size",
                        "product that wraps round",
                        state + tensor(STORAGE, "K\0", big() + big() + "\u0086", "K\0K\0\u0086") + "s"),
                new Rule("name", "NUL", "}" + text("a\0b") + TENSOR + "s"),
                new Rule("name", "escape sequence", "}" + text("a\33[2J") + TENSOR + "s"),
                new Rule("name", "long", "}" + text("x".repeat(2000)) + TENSOR + "s"),
                new Rule("duplicate-key", "names", state + TENSOR + "s" + text("w") + TENSOR + "s"),
                new Rule("duplicate-key", "state_dict", "}" + text("state_dict") + "}s" + text("state_dict") + "}s"),
                new Rule(
                        "duplicate-name",
                        "by two ways",
                        "}" + text("a") + "}" + text("b") + TENSOR + "ss" + text("a.b") + TENSOR + "s"),
                new Rule("inert-object", "argument", state + "cmine\nThing\n" + TENSOR + "\u0085Rs"),
                new Rule("inert-object", "state", state + "cmine\nThing\n)R}" + text("x") + TENSOR + "sbs"),
                new Rule("inert-object", "entry", state + "cmine\nThing\n)R" + text("x") + TENSOR + "ss"),
                new Rule("inert-object", "element", state + "cmine\nThing\n)R" + TENSOR + "as"),
                new Rule("inert-object", "key that is a tuple", "})" + TENSOR + "s"),
                new Rule("inert-object", "whole", "cmine\nThing\n)R}" + text("x") + TENSOR + "sb"),
                new Rule("inert-object", "storage alone", state + STORAGE + "s"),
                new Rule("no-tensors", "number", "K\1"),
                new Rule("no-tensors", "empty", "}"),
                new Rule("no-tensors", "deep tuples", "N" + "\u0085".repeat(500_000)),
                new Rule("trailing-data", "second pickle", "}" + text("w") + TENSOR + "s.N"));
    }

    @ParameterizedTest
    @MethodSource({"attacks", "pickles"})
    void aBrokenRuleIsNamed(Rule rule) throws IOException {
        Path file = zip(rule.pickle, Map.of("data/0", new byte[8]));
        CheckpointException e = assertThrows(CheckpointException.class, () -> readAll(file));
        assertEquals(rule.rule, e.rule(), e.getMessage());
        assertEquals(file.toString(), e.file());
        assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
        assertTrue(e.getMessage().length() < 600, e.getMessage());
        try (Stream<Path> files = Files.list(temporary)) {
            assertEquals(1, files.count());
        }
    }

    /** Beside a tensor, and never on the way to one. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cmine\nThing\n)R",
                "cmine\nThing\n)\u0081}b",
                "cmine\nThing\n)}\u0092",
                "NNN\u0092NNRNb",
                "cfunctools\npartial\ncmine\nf\n\u0085R",
                "cbuiltins\nset\n]\u0085R",
                "K\1)R",
                "cmine\nThing\n)Rq\1h\1b",
                "(N1(lN\u0088\u0089J\0\0\0\0M\0\0\u008a\0G\0\0\0\0\0\0\0\0U\1xT\1\0\0\0xC\1xB\1\0\0\0x\u008f(N\u0090N(N\u0091(NNd2(t",
                "]q\1h\1a",
            })
    void strangeThingsStayRecords(String value) throws IOException {
        Path file =
                zip("}" + text("w") + TENSOR + "s" + text("other") + "(" + value + "ls", Map.of("data/0", new byte[8]));
        try (Checkpoint checkpoint = format.open(file)) {
            assertEquals(List.of("w"), List.copyOf(checkpoint.tensors().keySet()));
            assertEquals(value.contains("mine"), !checkpoint.warnings().isEmpty());
        }
    }

    @Test
    void namesOfStrangersAreOneLineHoweverManyThereAre() throws IOException {
        StringBuilder pickle = new StringBuilder("}" + text("w") + TENSOR + "s");
        for (int i = 0; i < 5000; i++) {
            pickle.append("cmine").append(i).append("\nThing\n0");
        }
        try (Checkpoint checkpoint = format.open(zip(pickle.toString(), Map.of("data/0", new byte[8])))) {
            assertEquals(1, checkpoint.warnings().size());
            assertTrue(
                    checkpoint.warnings().get(0).length() < 1000,
                    checkpoint.warnings().toString());
        }
    }

    @Test
    void theZipFile() throws IOException {
        String pickle = "\u0080\2}" + text("w") + TENSOR + "s.";
        byte[] data = pickle.getBytes(ISO_8859_1);
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("a/data.pkl", data);
        entries.put("a/data/0", "12345678".getBytes(ISO_8859_1));
        readAll(write(TestFiles.zip(false, entries)));
        assertRule("torch-compressed", TestFiles.zip(true, entries));
        assertWith(entries, "b/version", "3", "torch-folder");
        assertWith(entries, "version", "3", "torch-folder");
        assertWith(entries, "a/byteorder", "middle", "torch-byteorder");
        assertWith(entries, "a/constants.pkl", "", "torchscript");
        assertRule("torch-pickle", TestFiles.zip(false, Map.of("a/data/0", new byte[8])));
        assertRule("torch-pickle", TestFiles.zip(false, Map.of()));

        byte[] zip = TestFiles.zip(false, entries);
        int storage = new String(zip, ISO_8859_1).indexOf("12345678");
        zip[storage] ^= 1;
        assertRule("zip-data", zip);
        zip[storage] ^= 1;
        int name = new String(zip, ISO_8859_1).indexOf(text("w"));
        zip[name + 5] ^= 1;
        assertRule("zip-data", zip);
    }

    @Test
    void theLegacyForm() throws IOException {
        byte[] number = {0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9, 0x20, 0x6a, (byte) 0xa8, 0x50, 0x19};
        String magic = "\u0080\2\u008a\n" + new String(number, ISO_8859_1) + ".";
        String version = "\u0080\2M\u00e9\3.";
        String system = "\u0080\2}.";
        String state = "\u0080\2}" + text("w") + TENSOR + "s.";
        String keys = "\u0080\2(" + text("0") + "l.";
        String storage = "\2\0\0\0\0\0\0\0" + "\0\0\u0080\77\0\0\0\100";
        try (Checkpoint checkpoint = format.open(write(magic + version + system + state + keys + storage))) {
            assertEquals(1, checkpoint.floats("w")[0]);
            assertEquals(2, checkpoint.floats("w")[1]);
        }
        assertRule("torch-version", magic + "\u0080\2M\u00ea\3." + system + state + keys + storage);
        assertRule("torch-version", magic + "\u0080\2]q\1h\1a." + system + state + keys + storage);
        assertRule("torch-legacy", magic + version + "\u0080\2N." + state + keys + storage);
        assertRule("torch-legacy", magic + version + system + state + "\u0080\2N." + storage);
        assertRule("torch-legacy", magic + version + system + state + "\u0080\2(" + text("1") + "l." + storage);
        assertRule(
                "torch-legacy",
                magic + version + system + state + "\u0080\2(" + text("0") + text("0") + "l." + storage + storage);
        assertRule("torch-legacy", magic + version + system + state + "\u0080\2(]q\1h\1al." + storage);
        assertRule("storage-size", magic + version + system + state + "\u0080\2].");
        assertRule("storage-size", magic + version + system + state + keys + "\3" + storage.substring(1));
        assertRule("storage-size", magic + version + system + state + keys + storage.substring(0, 15));
        assertRule("truncated", magic + version + system + state + keys + storage.substring(0, 7));
        assertRule("trailing-data", magic + version + system + state + keys + storage + "x");
        assertRule(
                "harmful-global",
                magic + version + "\u0080\2cos\nsystem\n" + text("ls") + "\u0085R." + state + keys + storage);
        assertRule("harmful-global", magic + version + system + state + "\u0080\2cos\nsystem\n." + storage);
    }

    private void assertWith(Map<String, byte[]> entries, String name, String content, String rule) throws IOException {
        Map<String, byte[]> more = new LinkedHashMap<>(entries);
        more.put(name, content.getBytes(ISO_8859_1));
        assertRule(rule, TestFiles.zip(false, more));
    }

    private void assertRule(String rule, String file) throws IOException {
        assertRule(rule, file.getBytes(ISO_8859_1));
    }

    private void assertRule(String rule, byte[] file) throws IOException {
        Path path = write(file);
        CheckpointException e = assertThrows(CheckpointException.class, () -> readAll(path));
        assertEquals(rule, e.rule(), e.getMessage());
    }

    private void readAll(Path file) {
        try (Checkpoint checkpoint = format.open(file)) {
            checkpoint.tensors().keySet().forEach(checkpoint::floats);
        }
    }

    private Path write(String file) throws IOException {
        return write(file.getBytes(ISO_8859_1));
    }

    private Path write(byte[] file) throws IOException {
        return Files.write(temporary.resolve("x.pth"), file);
    }

    private Path zip(String pickle, Map<String, byte[]> others) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        if (!pickle.startsWith("\u0080")) {
            bytes.write(new byte[] {(byte) 0x80, 2});
        }
        bytes.write(pickle.getBytes(ISO_8859_1));
        bytes.write('.');
        entries.put("archive/data.pkl", bytes.toByteArray());
        others.forEach((name, data) -> entries.put("archive/" + name, data));
        return write(TestFiles.zip(false, entries));
    }

    /** Text of ASCII and other low characters, up to 64 KB. */
    private static String text(String text) {
        return "X" + (char) (text.length() & 0xff) + (char) (text.length() >> 8) + "\0\0" + text;
    }

    private static String shortText(String text) {
        return "\u008c" + (char) text.length() + text;
    }

    private static String tensor(String storage, String offset, String shape, String strides) {
        return REBUILD + "(" + storage + offset + shape + strides + HOOKS + "tR";
    }

    /** 2^62 - 1 or so. */
    private static String big() {
        return "\u008a\10\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\77";
    }

    /** One value remembered a million times. */
    private static String memoBomb() {
        StringBuilder pickle = new StringBuilder("N");
        for (int i = 0; i < 1_100_000; i++) {
            pickle.append('r')
                    .append((char) (i & 0xff))
                    .append((char) (i >> 8 & 0xff))
                    .append((char) (i >> 16))
                    .append('\0');
        }
        return pickle.toString();
    }

    /** Something that holds something several times that holds something several times ..., thirty levels deep. */
    private static String laughs(String about, String level) {
        return about + "q\1" + ("0(" + level + "q\1").repeat(30);
    }
}
