package org.luthier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;

/**
 * Files that are valid, or nearly so, and would cost a careless reader hours or all memory. Each takes a moment; the patience is for what
 * would never end.
 */
@Timeout(120)
class CostlyFilesTest {
    private static final String STORAGE =
            "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\2tQ";
    private static final String TENSOR = "ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE
            + "K\0K\2\u0085K\1\u0085\u0089ccollections\nOrderedDict\n)RtR";

    @TempDir
    Path folder;

    @Test
    void layersThatCountFromFarAway() throws IOException {
        for (String layer : List.of("999999999", "007", "00", "99999999999999999999")) {
            try (Checkpoint checkpoint = checkpoint(Tensor.of("l." + layer + ".w", new float[1], 1))) {
                NameRules rules = rules("{'match':'l.*.w','to':'layer{1}'}");
                if (layer.equals("999999999")) {
                    CheckpointException e =
                            assertThrows(CheckpointException.class, () -> rules.apply(checkpoint, "family"));
                    assertEquals("missing-tensor", e.rule());
                } else {
                    // No number that a layer would have: a name like any other.
                    assertEquals(1, rules.apply(checkpoint, "family").tensors().size());
                }
            }
        }
    }

    @Test
    void wildcardsOnANameOfOneLetter() throws IOException {
        List<Tensor> tensors = IntStream.range(0, 50)
                .mapToObj(i -> Tensor.of("a".repeat(900) + i, new float[1], 1))
                .toList();
        try (Checkpoint checkpoint = checkpoint(tensors.toArray(Tensor[]::new))) {
            NameRules rules = rules("{'match':'" + "**a".repeat(9) + "','optional':true}");
            assertEquals(
                    "unused-tensor",
                    assertThrows(CheckpointException.class, () -> rules.apply(checkpoint, "family"))
                            .rule());
        }
        assertThrows(LuthierException.class, () -> rules("{'match':'" + "*a".repeat(10) + "'}"));
    }

    @Test
    void rulesWithHolesAndLongOnes() throws IOException {
        assertThrows(
                LuthierException.class, () -> read("{'format':'luthier-names/1','recognisedBy':[null],'rules':[]}"));
        assertThrows(LuthierException.class, () -> rules("{'match':'a','transform':[null]}"));
        assertThrows(LuthierException.class, () -> read(" ".repeat(1 << 20) + "{}"));
        String axes = IntStream.range(0, 100_000).mapToObj(i -> " " + i).collect(Collectors.joining());
        LuthierException e = assertThrows(
                LuthierException.class, () -> rules("{'match':'a','transform':['transpose" + axes + "']}"));
        assertTrue(e.getMessage().length() < 2000, e.getMessage());
    }

    @Test
    void emptyTensorsWithLongAxes() throws IOException {
        long half = 1L << 60;
        try (Checkpoint checkpoint = checkpoint(
                new Tensor("a", DType.I8, List.of(0L, half), ByteBuffer.allocate(0)),
                new Tensor("b", DType.I8, List.of(0L, half), ByteBuffer.allocate(0)))) {
            MappedWeights split =
                    rules("{'match':'*','to':['{1}.0','{1}.1'],'split':1}").apply(checkpoint, "family");
            assertEquals(0, split.bytes("b.1").remaining());
            MappedWeights transposed =
                    rules("{'match':'*','transform':['transpose 1 0']}").apply(checkpoint, "family");
            assertEquals(0, transposed.bytes("a").remaining());
            MappedWeights stacked =
                    rules("{'match':['a','b'],'to':'c','stack':0}").apply(checkpoint, "family");
            assertEquals(0, stacked.bytes("c").remaining());
        }
        try (Checkpoint checkpoint = checkpoint(
                new Tensor("a", DType.I8, List.of(0L, Long.MAX_VALUE), ByteBuffer.allocate(0)),
                new Tensor("b", DType.I8, List.of(0L, Long.MAX_VALUE), ByteBuffer.allocate(0)))) {
            NameRules rules = rules("{'match':['a','b'],'to':'c','stack':1}");
            assertEquals(
                    "misshapen-tensor",
                    assertThrows(CheckpointException.class, () -> rules.apply(checkpoint, "family"))
                            .rule());
        }
    }

    @Test
    void globalsOfOneHashCode() throws IOException {
        List<String> names = List.of("");
        while (names.size() < 1 << 17) {
            names = names.stream()
                    .flatMap(name -> List.of(name + "Aa", name + "BB").stream())
                    .toList();
        }
        StringBuilder pickle = new StringBuilder("}" + text("w") + TENSOR + "s");
        names.forEach(name -> pickle.append("cmine\n").append(name).append("\n0"));
        try (Checkpoint checkpoint = new TorchFormat().open(torch(pickle.toString()))) {
            assertEquals(1, checkpoint.tensors().size());
        }
    }

    @Test
    void aLongKeyOnTheWayToEverything() throws IOException {
        // Remembered once, it is the only key of a hundred thousand dictionaries.
        String key = "X" + "\0\0\u0010\0" + "k".repeat(1 << 20) + "q\1";
        String pickle = "](" + TENSOR + "}" + key + "Ns" + "}h\1Ns".repeat(100_000) + "e";
        long before = allocated();
        CheckpointException e = assertThrows(CheckpointException.class, () -> {
            try (Checkpoint checkpoint = new TorchFormat().open(torch("}" + text("w") + pickle + "s"))) {
                assertEquals(1, checkpoint.tensors().size());
                throw new CheckpointException("", -1, "opened", "");
            }
        });
        assertEquals("opened", e.rule());
        assertTrue(allocated() - before < 1L << 30, "allocated " + (allocated() - before));
    }

    @Test
    void keysThatAParserTakesForOne() throws IOException {
        // Equal under 33 * hash + letter, whatever it starts from.
        List<String> names = List.of("");
        while (names.size() < 1 << 12) {
            names = names.stream()
                    .flatMap(name -> List.of(name + "Aa", name + "B@").stream())
                    .toList();
        }
        String metadata = names.stream().map(name -> "\"" + name + "\":\"\"").collect(Collectors.joining(","));
        Path file = write(TestFiles.safetensors("{\"__metadata__\":{" + metadata + "}}", 0));
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            assertEquals(1 << 12, checkpoint.metadata().size());
        }
        Path json = Files.writeString(folder.resolve("x.json"), "{" + metadata + ",\"weight_map\":{}}");
        assertEquals("index-json", broken(new ShardedSafetensorsFormat(), json).rule());
    }

    @Test
    void moreEntriesThanAnyModelHas() throws IOException {
        String many = IntStream.range(0, (1 << 18) + 1)
                .mapToObj(i -> "\"" + i + "\":\"\"")
                .collect(Collectors.joining(","));
        assertEquals(
                "too-many-entries",
                broken(new SafetensorsFormat(), write(TestFiles.safetensors("{\"__metadata__\":{" + many + "}}", 0)))
                        .rule());
        assertEquals(
                "too-many-entries",
                broken(new ShardedSafetensorsFormat(), write(("{\"weight_map\":{" + many + "}}").getBytes(UTF_8)))
                        .rule());
        String weights = "{\"name\":\"w\",\"shape\":[],\"dtype\":\"bool\"},".repeat((1 << 18) + 1);
        assertEquals(
                "too-many-tensors",
                broken(
                                new TfjsFormat(),
                                write(("{\"weightsManifest\":[{\"paths\":[],\"weights\":[" + weights + "]}]}")
                                        .getBytes(UTF_8)))
                        .rule());
    }

    @Test
    void moreDimensionsThanAnyTensorHas() throws IOException {
        String ones = "1,".repeat(30_000);
        assertEquals(
                "shape",
                broken(new NpyFormat(), write(TestFiles.npy("<f4", true, "(" + ones + ")", new byte[4])))
                        .rule());
        String sizes = "1" + ",1".repeat(64);
        assertEquals(
                "shape",
                broken(
                                new SafetensorsFormat(),
                                write(TestFiles.safetensors(
                                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[" + sizes + "],\"data_offsets\":[0,1]}}",
                                        1)))
                        .rule());
        assertEquals(
                "manifest-number",
                broken(
                                new TfjsFormat(),
                                write(("{\"weightsManifest\":[{\"paths\":[],\"weights\":[{\"shape\":[" + sizes
                                                + "]}]}]}")
                                        .getBytes(UTF_8)))
                        .rule());
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "\\n", "\\u001b[2J", "\\u0000"})
    void anErrorIsOneShortLineWhateverTheNames(String letters) throws IOException {
        String name = letters.repeat(40_000 / letters.length());
        List<String> headers = List.of(
                "{\"" + name + "\":[]}",
                "{\"" + name + "\":{\"dtype\":\"F31\"}}",
                "{\"a\":{\"dtype\":\"" + name + "\"}}",
                "{\"a\":{\"" + name + "\":1}}",
                "{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,2]}}",
                "{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                "{\"__metadata__\":{\"" + name + "\":1}}",
                "{\"a\":1,\"" + name + "\"" + name);
        for (String header : headers) {
            assertShort(broken(new SafetensorsFormat(), write(TestFiles.safetensors(header, 2))));
            assertShort(broken(new ShardedSafetensorsFormat(), write(header.getBytes(UTF_8))));
            assertShort(broken(
                    new TfjsFormat(), write(("{\"weightsManifest\":[{\"paths\":[" + header + "]}]}").getBytes(UTF_8))));
        }
        assertShort(broken(
                new ShardedSafetensorsFormat(), write(("{\"weight_map\":{\"a\":\"" + name + "\"}}").getBytes(UTF_8))));
        String zip = "y".repeat(40_000);
        assertShort(broken(
                new NpzFormat(), write(TestFiles.zip(false, new LinkedHashMap<>(Map.of("../" + zip, new byte[0]))))));
        assertShort(broken(new NpyFormat(), write(TestFiles.npy(1, "{'" + zip + "': 1}", new byte[0]))));
    }

    @Test
    void aHeaderOf100MegabytesIsNotKept() throws IOException {
        Path file = folder.resolve("long");
        byte[] spaces = new byte[1 << 20];
        Arrays.fill(spaces, (byte) ' ');
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(100_000_000)
                    .array());
            out.write('{');
            int left = 100_000_000 - 2;
            for (; left > spaces.length; left -= spaces.length) {
                out.write(spaces);
            }
            out.write(spaces, 0, left);
            out.write('}');
        }
        new SafetensorsFormat().open(write(TestFiles.safetensors("{}", 0))).close();
        long before = allocated();
        Checkpoints.builtIn().open(file).close();
        assertTrue(allocated() - before < 1 << 24, "allocated " + (allocated() - before));
    }

    /** The file has a hole where its numbers would be. */
    @Test
    void aWeightTooLargeForItsNewType() throws IOException {
        long half = (1L << 30) - 64;
        Path file = write(TestFiles.safetensors(
                "{\"w\":{\"dtype\":\"F16\",\"shape\":[" + half + "],\"data_offsets\":[0," + 2 * half + "]}}", 0));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), channel.size() + 2 * half - 1);
        }
        try (Checkpoint checkpoint = new SafetensorsFormat().open(file)) {
            MappedWeights weights = rules("{'match':'w'}").apply(checkpoint, "family");
            CheckpointException e = assertThrows(CheckpointException.class, () -> weights.cast(DType.F32));
            assertEquals("too-large", e.rule());
            assertTrue(e.getMessage().contains(" has 4294967040 bytes as F32, "), e.getMessage());
            weights.cast(DType.BF16);
        }
    }

    @Test
    void aTopologyIsNotKept() throws IOException {
        String nodes = "[],".repeat(10_000_000);
        Path file = write(("{\"modelTopology\":[" + nodes + "[]],\"weightsManifest\":[]}").getBytes(UTF_8));
        long before = allocated();
        new TfjsFormat().open(file).close();
        assertTrue(allocated() - before < 1 << 24, "allocated " + (allocated() - before));
    }

    @Test
    void aGridOfChunksThatAreNotThere() throws IOException {
        Map<String, Object> header = T5xFolder.header(List.of(1L << 40, 1L << 20));
        header.put("chunks", List.of(1, 1));
        for (Object fill : new Object[] {null, 0}) {
            header.put("fill_value", fill);
            T5xFolder t5x = new T5xFolder(folder.resolve("t" + fill));
            t5x.zarr("w", "float32", header, Map.of()).write();
            long before = allocated();
            assertEquals(
                    fill == null ? "missing-chunk" : "fill-size",
                    broken(new T5xFormat(), t5x.path).rule());
            assertTrue(allocated() - before < 4 << 20, "allocated " + (allocated() - before));
        }
    }

    private static void assertShort(CheckpointException e) {
        assertTrue(e.getMessage().length() < 2000, e.getMessage());
        assertTrue(e.getMessage().chars().noneMatch(Character::isISOControl), e.getMessage());
    }

    private static CheckpointException broken(CheckpointFormat format, Path path) {
        return assertThrows(CheckpointException.class, () -> format.open(path).close());
    }

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("file"), bytes);
    }

    private Checkpoint checkpoint(Tensor... tensors) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(out, Map.of(), List.of(tensors));
        return new SafetensorsFormat().open(write(out.toByteArray()));
    }

    private NameRules rules(String rule) throws IOException {
        return read("{'format':'luthier-names/1','recognisedBy':['**'],'rules':[" + rule + "]}");
    }

    private NameRules read(String json) throws IOException {
        return NameRules.read(Files.writeString(folder.resolve("names.json"), json.replace('\'', '"'))
                .toUri()
                .toURL());
    }

    private Path torch(String pickle) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("a/data.pkl", ("\u0080\2" + pickle + ".").getBytes(ISO_8859_1));
        entries.put("a/data/0", new byte[8]);
        return write(TestFiles.zip(false, entries));
    }

    /** Text as a pickle has it. */
    private static String text(String text) {
        return "X" + (char) text.length() + "\0\0\0" + text;
    }
}
