package org.luthier.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;
import org.luthier.files.Sha256;

class SafetensorsTest {
    @TempDir
    Path folder;

    private final SafetensorsFormat format = new SafetensorsFormat();

    @Test
    void readsWhatItWrites() throws IOException {
        List<Tensor> tensors = List.of(
                Tensor.of("weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3),
                Tensor.of("scalar", new float[] {-0.5f}),
                Tensor.of("empty", new float[0], 3, 0, 2),
                new Tensor("flags é\uD83C\uDFB5", DType.BOOL, List.of(3L), ByteBuffer.wrap(new byte[] {1, 0, 1})),
                Tensor.of("last", new float[] {7}, 1));
        byte[] bytes = written(Map.of("b", "2", "a", "ein \"Wort\""), tensors);
        Path file = Files.write(folder.resolve("x.bin"), bytes);
        try (Checkpoint checkpoint = format.open(file)) {
            assertEquals("safetensors", checkpoint.format());
            assertEquals("x.bin", checkpoint.name());
            assertEquals(Map.of("a", "ein \"Wort\"", "b", "2"), checkpoint.metadata());
            assertEquals(
                    tensors.stream()
                            .map(tensor -> new TensorInfo(tensor.name(), tensor.shape(), tensor.dtype()))
                            .toList(),
                    List.copyOf(checkpoint.tensors().values()));
            for (Tensor tensor : tensors) {
                ByteBuffer read = checkpoint.read(tensor.name());
                assertEquals(ByteOrder.LITTLE_ENDIAN, read.order());
                assertEquals(0, read.position());
                assertEquals(tensor.bytes(), read);
            }
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, checkpoint.floats("weight"));
            assertArrayEquals(new float[] {-0.5f}, checkpoint.floats("scalar"));
            assertArrayEquals(new float[] {1, 0, 1}, checkpoint.floats("flags é\uD83C\uDFB5"));
            assertEquals(Sha256.hex(bytes), checkpoint.sha256());
        }
        assertEquals(
                0, (8 + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong()) % 8, "data is aligned");
    }

    @Test
    void theSameTensorsGiveTheSameBytes() throws IOException {
        List<Tensor> tensors = List.of(Tensor.of("b", new float[] {1}, 1), Tensor.of("a", new float[] {2}, 1));
        byte[] bytes = written(Map.of("z", "1", "y", "2"), tensors);
        String header = "{\"__metadata__\":{\"y\":\"2\",\"z\":\"1\"},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
        String text = new String(bytes, 8, bytes.length - 16, UTF_8);
        assertEquals(header, text.stripTrailing());
        assertEquals((header.length() + 7) / 8 * 8, text.length());
    }

    @Test
    void writerRefusesWhatNoReaderWouldTake() {
        float[] one = {1};
        assertThrows(
                LuthierException.class,
                () -> written(Map.of(), List.of(Tensor.of("a", one, 1), Tensor.of("a", one, 1))));
        for (String name : new String[] {"__metadata__", "\uD83C", "", "a\nb", "\u009b", "a".repeat(1025)}) {
            String message = assertThrows(
                            LuthierException.class, () -> written(Map.of(), List.of(Tensor.of(name, one, 1))))
                    .getMessage();
            assertTrue(message.endsWith("no control characters, and not __metadata__"), message);
            assertTrue(message.chars().noneMatch(Character::isISOControl), message);
        }
        assertThrows(IllegalArgumentException.class, () -> Tensor.of("a", one, 2));
        assertThrows(IllegalArgumentException.class, () -> Tensor.of("a", one, -1));
    }

    /** Each header breaks one rule; the number is how many bytes of data follow. */
    @ParameterizedTest(name = "{2}: {0}")
    @CsvSource(
            quoteCharacter = '`',
            delimiter = ';',
            value = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; ok",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}   ; 4; ok",
                "{}; 0; ok",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}; 4; ok",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}; 0; tensor-size",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}; 0; ok",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}; 4; ok",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}; 4; ok",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}}; 4; overlap",
                "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]},\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}; 4; ok",
                "[]; 0; header-start",
                "' {}'; 0; header-start",
                "{; 0; header-start",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}x; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}{}; 4; header-end",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}; 0; header-json",
                "{\"__metadata__\":{},\"__metadata__\":{}}; 0; header-json",
                "{\"__metadata__\":{\"k\":1}}; 0; header-json",
                "{\"__metadata__\":{\"k\":null}}; 0; header-json",
                "{\"__metadata__\":{\"k\":{}}}; 0; header-json",
                "{\"__metadata__\":[]}; 0; header-json",
                "{\"a\":[]}; 0; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}; 4; header-field",
                "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}; 4; header-field",
                "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-field",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}; 4; header-field",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}; 4; header-field",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":0}}; 4; header-field",
                "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; dtype",
                "{\"a\":{\"dtype\":\"U16\",\"shape\":[2],\"data_offsets\":[0,4]}}; 4; dtype",
                "{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; dtype",
                "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-0],\"data_offsets\":[0,0]}}; 0; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[true],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775808],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,4]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}}; 4; tensor-size",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}; 0; tensor-size",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}; 4; tensor-size",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}; 4; tensor-size",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}; 4; header-number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}; 4; truncated",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 5; data-end",
                "{}; 1; data-end",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}; 8; hole",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}; 12; hole",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; overlap",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}; 8; overlap",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775803,9223372036854775807]}}; 4; hole",
                "{\"\\ud83c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; name",
                "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; name",
                "{\"\\udc00\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[NaN],\"data_offsets\":[0,4]}}; 4; header-json",
                "{/**/\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}; 4; header-json",
            })
    void headerRules(String header, int dataBytes, String rule) throws IOException {
        // A quoted cell keeps its leading space.
        String text = header.startsWith("'") ? header.substring(1, header.length() - 1) : header;
        Path file = Files.write(folder.resolve("x"), TestFiles.safetensors(text, dataBytes));
        assertRule(rule, file);
    }

    @Test
    void headerLength() throws IOException {
        for (long length : new long[] {3, 100_000_001, Long.MAX_VALUE, -1, Long.MIN_VALUE, 0, 1}) {
            ByteBuffer bytes = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
            bytes.putLong(length).put((byte) '{').put((byte) '}');
            assertRule(length == 0 || length == 1 ? "header-start" : "header-length", write(bytes.array()));
        }
        assertRule("truncated", write(new byte[0]));
        assertRule("truncated", write(new byte[7]));
        assertRule("header-start", write(new byte[8]));
    }

    @Test
    void hugeHeaderIsRefusedByItsLengthAlone() throws IOException {
        Path file = folder.resolve("huge");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(200_000_000);
            sparse.writeLong(Long.reverseBytes(100_000_001));
        }
        assertRule("header-length", file);
    }

    @Test
    void headerMustBeUtf8() throws IOException {
        for (String bad : List.of("c3", "c0af", "eda080", "f4908080", "ff")) {
            byte[] bytes = TestFiles.safetensors("{\"__metadata__\":{\"k\":\"xxxx\"}}", 0);
            byte[] wrong = java.util.HexFormat.of().parseHex(bad);
            System.arraycopy(wrong, 0, bytes, 8 + 22, wrong.length);
            assertRule("header-utf8", write(bytes));
        }
        byte[] utf16 = "{}".getBytes(java.nio.charset.StandardCharsets.UTF_16LE);
        byte[] bytes = ByteBuffer.allocate(12)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(4)
                .put(utf16)
                .array();
        assertRule("header-json", write(bytes));
    }

    @Test
    void deepHeaderIsRefused() throws IOException {
        assertRule("header-json", write(TestFiles.safetensors("{\"a\":" + "[".repeat(100_000), 0)));
        assertRule("header-number", write(TestFiles.safetensors("{\"a\":{\"shape\":" + "[".repeat(100_000), 0)));
    }

    @Test
    void errorNamesFilePlaceAndRule() throws IOException {
        Path file = write(TestFiles.safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5));
        CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(file));
        assertEquals(file.toString(), e.file());
        assertTrue(e.getMessage().endsWith("the file has 5 bytes of data [data-end]"), e.getMessage());

        Path hole = write(TestFiles.safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}", 4));
        assertEquals(
                Files.size(hole) - 1,
                assertThrows(CheckpointException.class, () -> format.open(hole)).offset());
    }

    @Test
    void missingTensorSuggestsTheNearest() throws IOException {
        Path file = write(written(
                Map.of(),
                List.of(Tensor.of("note1.weight", new float[1], 1), Tensor.of("onset1.bias", new float[1], 1))));
        try (Checkpoint checkpoint = format.open(file)) {
            CheckpointException e = assertThrows(CheckpointException.class, () -> checkpoint.read("note1.weihgt"));
            assertEquals("no-such-tensor", e.rule());
            assertTrue(e.getMessage().contains("the nearest name is 'note1.weight'"), e.getMessage());
        }
    }

    @Test
    void readsInsideAZipFileSystem() throws IOException {
        byte[] bytes =
                written(Map.of(), List.of(Tensor.of("a", new float[] {1, 2}, 2), Tensor.of("b", new float[] {3}, 1)));
        Path jar = Files.write(folder.resolve("models.jar"), TestFiles.zip(true, Map.of("m/x.safetensors", bytes)));
        try (FileSystem files = FileSystems.newFileSystem(jar)) {
            Path inside = files.getPath("m/x.safetensors");
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(inside)) {
                assertArrayEquals(new float[] {3}, checkpoint.floats("b"));
                assertArrayEquals(new float[] {1, 2}, checkpoint.floats("a"));
                assertEquals(Sha256.hex(bytes), checkpoint.sha256());
                assertEquals("x.safetensors", checkpoint.name());
            }
        }
    }

    @Test
    void severalThreadsReadAtOnce() throws Exception {
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            float[] values = new float[1000];
            java.util.Arrays.fill(values, i);
            tensors.add(Tensor.of("t" + i, values, 1000));
        }
        byte[] bytes = written(Map.of(), tensors);
        Path jar = Files.write(folder.resolve("models.jar"), TestFiles.zip(true, Map.of("x", bytes)));
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try (FileSystem files = FileSystems.newFileSystem(jar)) {
            for (Path file : List.of(write(bytes), files.getPath("x"))) {
                try (Checkpoint checkpoint = format.open(file)) {
                    List<Callable<float[]>> reads = new ArrayList<>();
                    for (int i = 0; i < 1000; i++) {
                        String name = "t" + i % 50;
                        reads.add(() -> checkpoint.floats(name));
                    }
                    int i = 0;
                    for (Future<float[]> read : pool.invokeAll(reads)) {
                        float[] expected = new float[1000];
                        java.util.Arrays.fill(expected, i++ % 50);
                        assertArrayEquals(expected, read.get());
                    }
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void fileThatShrinksIsATypedError() throws IOException {
        Path file = write(written(Map.of(), List.of(Tensor.of("a", new float[100], 100))));
        try (Checkpoint checkpoint = format.open(file)) {
            try (RandomAccessFile shorter = new RandomAccessFile(file.toFile(), "rw")) {
                shorter.setLength(100);
            }
            assertEquals(
                    "truncated",
                    assertThrows(CheckpointException.class, () -> checkpoint.read("a"))
                            .rule());
        }
    }

    @Test
    void closedCheckpointIsATypedError() throws IOException {
        Checkpoint checkpoint = format.open(write(written(Map.of(), List.of(Tensor.of("a", new float[1], 1)))));
        checkpoint.close();
        assertThrows(CheckpointException.class, () -> checkpoint.read("a"));
        assertThrows(CheckpointException.class, checkpoint::sha256);
        checkpoint.close();
    }

    @Test
    void recognisesByContent() throws IOException {
        assertTrue(format.recognises(write(TestFiles.safetensors("{}", 0))));
        assertFalse(format.recognises(write(TestFiles.safetensors("[]", 0))));
        assertFalse(format.recognises(write(new byte[8])));
        assertFalse(format.recognises(folder));
        assertFalse(format.recognises(folder.resolve("missing")));
    }

    private void assertRule(String rule, Path file) {
        if (rule.equals("ok")) {
            format.open(file).close();
            return;
        }
        CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(file));
        assertEquals(rule, e.rule(), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("file"), bytes);
    }

    private static byte[] written(Map<String, String> metadata, List<Tensor> tensors) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(out, metadata, tensors);
        return out.toByteArray();
    }
}
