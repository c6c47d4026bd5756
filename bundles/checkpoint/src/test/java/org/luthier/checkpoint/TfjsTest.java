package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.files.Sha256;

class TfjsTest {
    @TempDir
    Path folder;

    private final TfjsFormat format = new TfjsFormat();

    @Test
    void tensorsMaySpanShards() throws IOException {
        byte[] floats = TestFiles.floats(ByteOrder.LITTLE_ENDIAN, 1, 2, 3, 4);
        TestFiles.tfjs(folder, """
                [{"paths": ["a.bin", "b.bin", "c.bin"], "weights": [
                    {"name": "flags", "shape": [2], "dtype": "bool"},
                    {"name": "w/x", "shape": [2, 2], "dtype": "float32"},
                    {"name": "none", "shape": [0], "dtype": "int32"},
                    {"name": "n", "shape": [], "dtype": "uint8"}]},
                 {"paths": ["sub/d.bin"], "weights": [{"name": "i", "shape": [1], "dtype": "int32"}]}]
                """, new byte[] {1, 0, floats[0]});
        Files.write(folder.resolve("b.bin"), java.util.Arrays.copyOfRange(floats, 1, 10));
        byte[] rest = java.util.Arrays.copyOfRange(floats, 10, 17);
        rest[6] = (byte) 200;
        Files.write(folder.resolve("c.bin"), rest);
        Files.createDirectory(folder.resolve("sub"));
        Files.write(folder.resolve("sub/d.bin"), new byte[] {-1, -1, -1, -1});
        for (Path path : List.of(folder, folder.resolve("model.json"))) {
            assertTrue(format.recognises(path));
            try (Checkpoint checkpoint = format.open(path)) {
                assertEquals("tfjs", checkpoint.format());
                assertEquals("model.json", checkpoint.name());
                assertEquals(Map.of("format", "graph-model"), checkpoint.metadata());
                assertEquals(
                        List.of("flags", "w/x", "none", "n", "i"),
                        List.copyOf(checkpoint.tensors().keySet()));
                assertEquals(DType.BOOL, checkpoint.tensors().get("flags").dtype());
                assertArrayEquals(new float[] {1, 0}, checkpoint.floats("flags"));
                assertArrayEquals(new float[] {1, 2, 3, 4}, checkpoint.floats("w/x"));
                assertArrayEquals(new float[0], checkpoint.floats("none"));
                assertArrayEquals(new float[] {200}, checkpoint.floats("n"));
                assertArrayEquals(new float[] {-1}, checkpoint.floats("i"));
                String lines = Stream.of("model.json", "a.bin", "b.bin", "c.bin", "sub/d.bin")
                        .map(name -> Sha256.hex(folder.resolve(name)) + "  " + name + "\n")
                        .sorted()
                        .collect(Collectors.joining());
                assertEquals(Sha256.hex(lines.getBytes(StandardCharsets.UTF_8)), checkpoint.sha256());
            }
        }
    }

    /** One shard of four bytes stands beside every manifest. */
    @ParameterizedTest(name = "{1}: {0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1],'dtype':'float32'}]}]; ok",
                "[]; ok",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1],'dtype':'float32','quantization':{'dtype':'uint8'}}]}]; quantization",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[2],'dtype':'float16'}]}]; dtype",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1],'dtype':'string'}]}]; dtype",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1],'dtype':32}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[2],'dtype':'float32'}]}]; truncated",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[3],'dtype':'uint8'}]}]; shard-size",
                "[{'paths':['a.bin'],'weights':[]}]; shard-size",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[4294967296,4294967296,4294967296],'dtype':'float32'}]}]; truncated",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[-1],'dtype':'float32'}]}]; manifest-number",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1.0],'dtype':'float32'}]}]; manifest-number",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1e99],'dtype':'float32'}]}]; manifest-number",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[99999999999999999999],'dtype':'float32'}]}]; manifest-number",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':'1','dtype':'float32'}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'name':'w','dtype':'float32'}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'shape':[1],'dtype':'float32'}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[1],'dtype':'float32','more':1}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'name':'w','shape':[2],'dtype':'uint8'},{'name':'w','shape':[2],'dtype':'uint8'}]}]; manifest",
                "[{'paths':['a.bin'],'weights':[{'name':'w','name':'v','shape':[1],'dtype':'float32'}]}]; json",
                "[{'paths':['../a.bin'],'weights':[]}]; outside",
                "[{'paths':['/etc/passwd'],'weights':[]}]; outside",
                "[{'paths':['sub/../../a.bin'],'weights':[]}]; outside",
                "[{'paths':['http://a.bin'],'weights':[]}]; outside",
                "[{'paths':['a.bin','a.bin'],'weights':[]}]; manifest",
                "[{'paths':['link.bin'],'weights':[{'name':'w','shape':[1],'dtype':'float32'}]}]; outside",
                "[{'paths':['missing.bin'],'weights':[]}]; unreadable",
                "[{'paths':['sub'],'weights':[]}]; not-a-file",
                "[{'paths':[1],'weights':[]}]; manifest",
                "[{'weights':[]}]; manifest",
                "[{'paths':[]}]; manifest",
                "[[]]; manifest",
                "{}; manifest",
                "[; json",
                "[]} x {; json",
            })
    void manifestRules(String manifest, String rule) throws IOException {
        Path outside = Files.write(folder.resolve("outside.bin"), new byte[4]);
        Path model = TestFiles.tfjs(folder.resolve("m"), manifest.replace('\'', '"'), new byte[4]);
        Files.createDirectory(model.resolve("sub"));
        Files.createSymbolicLink(model.resolve("link.bin"), outside);
        if (rule.equals("ok")) {
            format.open(model).close();
            return;
        }
        CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(model));
        assertEquals(rule, e.rule(), e.getMessage());
    }

    @Test
    void deepTopologyIsRefused() throws IOException {
        Files.writeString(folder.resolve("model.json"), "{\"weightsManifest\": [], \"x\": " + "[".repeat(1_000_000));
        assertEquals(
                "json",
                assertThrows(CheckpointException.class, () -> format.open(folder))
                        .rule());
    }

    @Test
    void otherJsonIsNotRecognised() throws IOException {
        assertFalse(format.recognises(folder));
        Files.writeString(
                folder.resolve("model.json"), "{\"id\": \"basic-pitch\", \"sources\": [{\"weightsManifest\": 1}]}");
        assertFalse(format.recognises(folder));
        Files.writeString(folder.resolve("model.json"), "{\"id\": ");
        assertFalse(format.recognises(folder));
    }
}
