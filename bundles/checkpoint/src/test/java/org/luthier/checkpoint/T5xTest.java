package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.checkpoint.T5xFolder.array;
import static org.luthier.checkpoint.T5xFolder.compressor;
import static org.luthier.checkpoint.T5xFolder.floats;
import static org.luthier.checkpoint.T5xFolder.header;
import static org.luthier.checkpoint.T5xFolder.little;
import static org.luthier.checkpoint.T5xFolder.shorts;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.checkpoint.T5xFolder.Extension;
import org.luthier.checkpoint.T5xFolder.Pairs;
import org.luthier.checkpoint.T5xFolder.Raw;
import org.luthier.checkpoint.T5xFolder.Wide;
import org.luthier.files.Sha256;

class T5xTest {
    @TempDir
    Path temporary;

    private final T5xFormat format = new T5xFormat();

    @Test
    void arraysInsideTheFileComeInEveryLength() throws IOException {
        T5xFolder folder = folder();
        Map<String, Object> inner = new LinkedHashMap<>();
        folder.target.put("encoder", Map.of("layers_0", inner));
        inner.put("f4", floats(1, -2));
        inner.put(
                "f8",
                array(
                        List.of(1, 2),
                        "float64",
                        ByteBuffer.allocate(16)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putDouble(0.5)
                                .putDouble(3)
                                .array()));
        inner.put("f2", array(List.of(2), "float16", shorts(0x3c00, 0xc000)));
        inner.put("bf16", array(List.of(2), "bfloat16", shorts(0x3f80, 0xc040)));
        inner.put("i8", array(List.of(2), "int8", new byte[] {-1, 5}));
        inner.put("u8", array(List.of(2), "uint8", new byte[] {-1, 5}));
        inner.put("bool", array(List.of(2), "bool", new byte[] {1, 0}));
        inner.put("i2", array(List.of(1), "int16", shorts(-7)));
        inner.put("i8.scalar", new Extension(3, T5xFolder.pack(List.of(List.of(), "int64", new byte[] {
            9, 0, 0, 0, 0, 0, 0, 0
        }))));
        inner.put("none", array(List.of(0, 5), "float32", new byte[0]));
        inner.put("bin16", array(List.of(300), "uint8", new byte[300]));
        inner.put("bin32", array(List.of(70_000), "uint8", new byte[70_000]));
        inner.put(
                "wide",
                new Wide(new Extension(
                        1,
                        T5xFolder.pack(new Wide(
                                List.of(List.of(new Wide(1)), new Wide("uint8"), new Wide(new byte[] {3})))))));
        // A body of exactly 16 bytes has a form of its own.
        inner.put("fixed", array(List.of(6), "uint8", new byte[] {1, 2, 3, 4, 5, 6}));
        try (Checkpoint checkpoint = format.open(folder.write())) {
            assertEquals("t5x", checkpoint.format());
            assertEquals("t5x-folder", checkpoint.name());
            assertEquals(Map.of("version", "3", "step", "1000000"), checkpoint.metadata());
            String prefix = "encoder.layers_0.";
            assertEquals(
                    inner.keySet().stream().map(key -> prefix + key).toList(),
                    List.copyOf(checkpoint.tensors().keySet()));
            assertArrayEquals(new float[] {1, -2}, checkpoint.floats(prefix + "f4"));
            assertArrayEquals(new float[] {0.5f, 3}, checkpoint.floats(prefix + "f8"));
            assertEquals(
                    List.of(1L, 2L), checkpoint.tensors().get(prefix + "f8").shape());
            assertArrayEquals(new float[] {1, -2}, checkpoint.floats(prefix + "f2"));
            assertArrayEquals(new float[] {1, -3}, checkpoint.floats(prefix + "bf16"));
            assertEquals(DType.BF16, checkpoint.tensors().get(prefix + "bf16").dtype());
            assertArrayEquals(new float[] {-1, 5}, checkpoint.floats(prefix + "i8"));
            assertArrayEquals(new float[] {255, 5}, checkpoint.floats(prefix + "u8"));
            assertArrayEquals(new float[] {1, 0}, checkpoint.floats(prefix + "bool"));
            assertArrayEquals(new float[] {-7}, checkpoint.floats(prefix + "i2"));
            assertArrayEquals(new float[] {9}, checkpoint.floats(prefix + "i8.scalar"));
            assertEquals(
                    List.of(), checkpoint.tensors().get(prefix + "i8.scalar").shape());
            assertArrayEquals(new float[0], checkpoint.floats(prefix + "none"));
            assertEquals(300, checkpoint.floats(prefix + "bin16").length);
            assertEquals(70_000, checkpoint.floats(prefix + "bin32").length);
            assertArrayEquals(new float[] {3}, checkpoint.floats(prefix + "wide"));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, checkpoint.floats(prefix + "fixed"));
        }
    }

    @Test
    void arraysBesideTheFileComeInEveryFormOfZarr() throws IOException {
        T5xFolder folder = folder();
        for (String compressor : List.of("gzip", "zlib", "none")) {
            Map<String, Object> whole = header(List.of(2, 3));
            compressor(whole, compressor);
            folder.zarr(compressor, "float32", whole, Map.of("0.0", little(1, 2, 3, 4, 5, 6)));

            // 3 x 5 in chunks of 2 x 2: the chunks at the edge hold rows and columns that do not exist.
            Map<String, Object> chunked = header(List.of(3, 5));
            compressor(chunked, compressor);
            chunked.put("chunks", List.of(2, 2));
            chunked.put("dimension_separator", "/");
            folder.zarr(
                    "chunked-" + compressor,
                    "float32",
                    chunked,
                    Map.of(
                            "0/0", little(0, 1, 10, 11),
                            "0/1", little(2, 3, 12, 13),
                            "0/2", little(4, -1, 14, -1),
                            "1/0", little(20, 21, -1, -1),
                            "1/1", little(22, 23, -1, -1),
                            "1/2", little(24, -1, -1, -1)));
        }
        Map<String, Object> fortran = header(List.of(2, 3));
        fortran.put("order", "F");
        fortran.put("dtype", ">f4");
        fortran.remove("dimension_separator");
        folder.zarr(
                "fortran", "float32", fortran, Map.of("0.0", TestFiles.floats(ByteOrder.BIG_ENDIAN, 1, 4, 2, 5, 3, 6)));

        Map<String, Object> filled = header(List.of(2, 3));
        filled.put("chunks", List.of(2, 1));
        filled.put("fill_value", -1.5);
        folder.zarr("filled", "float32", filled, Map.of("0.1", little(7, 8)));

        Map<String, Object> halves = header(List.of(2));
        halves.put("dtype", "<f2");
        halves.put("chunks", List.of(4));
        halves.put("fill_value", 0);
        folder.zarr("halves", "float16", halves, Map.of("0", shorts(0x3c00, 0xc000, 0, 0)));
        halves.put("shape", List.of(3));
        folder.zarr("zeros", "float16", halves, Map.of());

        Map<String, Object> brain = header(List.of(2));
        brain.put("dtype", "bfloat16");
        folder.zarr("brain", "bfloat16", brain, Map.of("0", shorts(0x3f80, 0xc040)));

        Map<String, Object> scalar = header(List.of());
        scalar.put("dtype", "|i1");
        folder.zarr("scalar", "int8", scalar, Map.of("0", new byte[] {-3}));

        Map<String, Object> none = header(List.of(0, 3));
        none.put("chunks", List.of(1, 3));
        folder.zarr("empty", "float32", none, Map.of());

        Map<String, Object> cube = header(List.of(2, 2, 3));
        cube.put("chunks", List.of(1, 2, 2));
        folder.zarr(
                "cube",
                "float32",
                cube,
                Map.of(
                        "0.0.0",
                        little(0, 1, 10, 11),
                        "0.0.1",
                        little(2, -1, 12, -1),
                        "1.0.0",
                        little(100, 101, 110, 111),
                        "1.0.1",
                        little(102, -1, 112, -1)));

        try (Checkpoint checkpoint = format.open(folder.write())) {
            for (String compressor : List.of("gzip", "zlib", "none")) {
                assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, checkpoint.floats(compressor));
                assertArrayEquals(
                        new float[] {0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24},
                        checkpoint.floats("chunked-" + compressor));
            }
            assertEquals(
                    List.of(3L, 5L), checkpoint.tensors().get("chunked-gzip").shape());
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, checkpoint.floats("fortran"));
            assertArrayEquals(new float[] {-1.5f, 7, -1.5f, -1.5f, 8, -1.5f}, checkpoint.floats("filled"));
            assertArrayEquals(new float[] {1, -2}, checkpoint.floats("halves"));
            assertArrayEquals(new float[] {0, 0, 0}, checkpoint.floats("zeros"));
            assertArrayEquals(new float[] {1, -3}, checkpoint.floats("brain"));
            assertArrayEquals(new float[] {-3}, checkpoint.floats("scalar"));
            assertArrayEquals(new float[0], checkpoint.floats("empty"));
            assertArrayEquals(
                    new float[] {0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112}, checkpoint.floats("cube"));
        }
    }

    @Test
    void newerFilesHaveTheParametersAtTheRoot() throws IOException {
        T5xFolder folder = folder();
        folder.target.put("w", floats(1));
        folder.root.clear();
        folder.root.put("version", 3);
        folder.root.put("flax_mutables", Map.of("x", new Extension(77, new byte[3])));
        folder.root.put("state", folder.state);
        folder.root.put("target", folder.target);
        folder.state.put("step", 12);
        try (Checkpoint checkpoint = format.open(folder.write())) {
            assertEquals(List.of("w"), List.copyOf(checkpoint.tensors().keySet()));
            assertEquals("12", checkpoint.metadata().get("step"));
        }
    }

    @Test
    void theStateOfTheOptimizerIsNotDecoded() throws IOException {
        T5xFolder folder = base();
        folder.state.put(
                "param_states",
                Arrays.asList(
                        new Extension(99, new byte[] {(byte) 0xc1}),
                        // No UTF-8, keys that are no text, a key there twice, numbers of every kind.
                        new Raw(0xa1, 0xff),
                        Pairs.of(1, null, "a", true, "a", 0.5),
                        new Raw(
                                0x9c, 0xcc, 1, 0xcd, 1, 1, 0xce, 1, 1, 1, 1, 0xcf, 255, 255, 255, 255, 255, 255, 255,
                                255, 0xd0, 1, 0xd1, 1, 1, 0xd2, 1, 1, 1, 1, 0xd3, 1, 1, 1, 1, 1, 1, 1, 1, 0xca, 1, 1, 1,
                                1, 0xe0, 0xc2, 0xc3)));
        try (Checkpoint checkpoint = format.open(folder.write())) {
            assertEquals(4, checkpoint.tensors().size());
        }
    }

    @Test
    void aFolderOrItsFileOpens() throws IOException {
        T5xFolder folder = base();
        folder.write();
        Path link = Files.createSymbolicLink(temporary.resolve("link"), folder.file());
        for (Path path : List.of(folder.path, folder.file(), link)) {
            assertTrue(format.recognises(path));
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
                assertEquals("t5x", checkpoint.format());
                assertEquals("t5x-folder", checkpoint.name());
                checkpoint.tensors().keySet().forEach(checkpoint::read);
            }
        }
        Files.writeString(folder.file(), "model_checkpoint_path: \"model.ckpt\"");
        assertFalse(format.recognises(folder.path));
        assertFalse(format.recognises(temporary));
    }

    @Test
    void theChecksumIsThatOfTheLinesOfSha256sum() throws IOException {
        T5xFolder folder = base();
        folder.write();
        Files.writeString(folder.path.resolve("README"), "not of the checkpoint");
        Map<String, String> sums = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder.path)) {
            files.filter(file -> Files.isRegularFile(file) && !file.endsWith("README"))
                    .forEach(file -> sums.put(folder.path.relativize(file).toString(), Sha256.hex(file)));
        }
        String lines = sums.entrySet().stream()
                .map(sum -> sum.getValue() + "  " + sum.getKey() + "\n")
                .sorted()
                .collect(Collectors.joining());
        for (boolean read : new boolean[] {false, true}) {
            try (Checkpoint checkpoint = format.open(folder.path)) {
                if (read) {
                    checkpoint.tensors().keySet().forEach(checkpoint::read);
                }
                assertEquals(sums, checkpoint.files());
                assertEquals(Sha256.hex(lines.getBytes(StandardCharsets.UTF_8)), checkpoint.sha256());
            }
        }
    }

    @Test
    void severalThreadsMayRead() throws Exception {
        T5xFolder folder = folder();
        for (int i = 0; i < 40; i++) {
            Map<String, Object> header = header(List.of(50, 2));
            header.put("chunks", List.of(20, 2));
            byte[] chunk = new byte[160];
            Arrays.fill(chunk, (byte) i);
            folder.zarr("w" + i, "float32", header, Map.of("0.0", chunk, "1.0", chunk, "2.0", chunk));
        }
        ExecutorService workers = Executors.newFixedThreadPool(4);
        try (Checkpoint checkpoint = format.open(folder.write())) {
            List<Future<ByteBuffer>> read = new ArrayList<>();
            for (String name : checkpoint.tensors().keySet()) {
                read.add(workers.submit(() -> checkpoint.read(name)));
            }
            for (int i = 0; i < read.size(); i++) {
                byte[] expected = new byte[400];
                Arrays.fill(expected, (byte) i);
                assertEquals(ByteBuffer.wrap(expected), read.get(i).get());
            }
        } finally {
            workers.shutdown();
        }
    }

    @Test
    void nothingIsReadAfterClosing() throws IOException {
        Checkpoint checkpoint = format.open(base().write());
        checkpoint.close();
        for (String name : checkpoint.tensors().keySet()) {
            assertEquals(
                    "unreadable",
                    assertThrows(CheckpointException.class, () -> checkpoint.read(name))
                            .rule());
        }
    }

    @Test
    void gzipHeadersMayHaveNamesAndMore() throws IOException {
        T5xFolder folder = base();
        // Text flag, header checksum (two bytes that nobody reads), extra field, name and comment.
        byte[] more = {2, 0, 7, 7, 65, 66, 0, 67, 0, 1, 2};
        Files.write(folder.path.resolve("target.k/0.0"), T5xFolder.gzipWith(0x1f, more));
        try (Checkpoint checkpoint = format.open(folder.write())) {
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, checkpoint.floats("k"));
        }
    }

    private T5xFolder base() throws IOException {
        return T5xFolder.oneOfEachKind(temporary.resolve("t5x-folder"));
    }

    private T5xFolder folder() throws IOException {
        return new T5xFolder(temporary.resolve("t5x-folder"));
    }
}
