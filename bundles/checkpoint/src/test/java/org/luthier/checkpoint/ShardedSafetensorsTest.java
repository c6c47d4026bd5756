package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;
import org.luthier.files.Sha256;

/** Every index stands beside the shards {@code a} with the tensors x and y, and {@code b} with the tensor z; they have 20 bytes. */
class ShardedSafetensorsTest {
    private static final String INDEX = "model.safetensors.index.json";
    private static final String WHOLE = "'x':'a','z':'b','y':'a'";

    @TempDir
    Path temporary;

    private Path folder;

    private final ShardedSafetensorsFormat format = new ShardedSafetensorsFormat();

    @BeforeEach
    void shards() throws IOException {
        folder = Files.createDirectory(temporary.resolve("m"));
        write(
                "a",
                Map.of("format", "pt", "of", "a"),
                Tensor.of("x", new float[] {1, 2}, 2),
                Tensor.of("y", new float[] {3}));
        write("b", Map.of("of", "b"), Tensor.of("z", new float[] {4, 5}, 1, 2));
    }

    @Test
    void tensorsComeFromTheirShards() throws IOException {
        index("{'metadata':{'total_size':20,'writer':'w','more':{'a':[1]}},'weight_map':{" + WHOLE + "}}");
        for (Path path : List.of(folder, folder.resolve(INDEX))) {
            assertTrue(format.recognises(path));
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
                assertEquals("safetensors-index", checkpoint.format());
                assertEquals(
                        List.of("x", "z", "y"), List.copyOf(checkpoint.tensors().keySet()));
                assertEquals(List.of(1L, 2L), checkpoint.tensors().get("z").shape());
                assertArrayEquals(new float[] {1, 2}, checkpoint.floats("x"));
                assertArrayEquals(new float[] {3}, checkpoint.floats("y"));
                assertArrayEquals(new float[] {4, 5}, checkpoint.floats("z"));
                assertEquals(
                        Map.of("total_size", "20", "writer", "w", "format", "pt", "of", "a"), checkpoint.metadata());
                List<String> lines = new ArrayList<>();
                for (String file : List.of(INDEX, "a", "b")) {
                    assertEquals(
                            Sha256.hex(folder.resolve(file)), checkpoint.files().get(file));
                    lines.add(checkpoint.files().get(file) + "  " + file + "\n");
                }
                assertEquals(3, checkpoint.files().size());
                String text = lines.stream().sorted().collect(Collectors.joining());
                assertEquals(Sha256.hex(text.getBytes(StandardCharsets.UTF_8)), checkpoint.sha256());
            }
        }
    }

    @Test
    void aClosedOneIsClosed() throws IOException {
        index("{'weight_map':{" + WHOLE + "}}");
        Checkpoint checkpoint = format.open(folder);
        checkpoint.close();
        assertThrows(CheckpointException.class, () -> checkpoint.read("x"));
        assertThrows(CheckpointException.class, checkpoint::sha256);
    }

    @Test
    void theIndexMayHaveAnyNameAndStandAlone() throws IOException {
        Files.writeString(folder.resolve("other"), "{\"weight_map\":{\"z\":\"b\"}}");
        assertFalse(format.recognises(folder));
        assertTrue(format.recognises(folder.resolve("other")));
        try (Checkpoint checkpoint = format.open(folder.resolve("other"))) {
            assertEquals(List.of("z"), List.copyOf(checkpoint.tensors().keySet()));
        }
    }

    @Test
    void ofSeveralIndexesOneMustBeGiven() throws IOException {
        index("{'weight_map':{" + WHOLE + "}}");
        Files.copy(folder.resolve(INDEX), folder.resolve("model.fp16.safetensors.index.json"));
        assertEquals("several-indexes", broken().rule());
        format.open(folder.resolve(INDEX)).close();
    }

    @Test
    void aMissingTensorHasItsNearestName() throws IOException {
        write("b", Map.of(), Tensor.of("decoder.wieght", new float[1], 1));
        index("{'weight_map':{'decoder.weight':'b'}}");
        CheckpointException e = broken();
        assertEquals("missing-tensor", e.rule());
        assertTrue(e.getMessage().contains("decoder.wieght"), e.getMessage());
    }

    @ParameterizedTest(name = "{1}: {0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "{'weight_map':{}}; ok",
                "{'weight_map':{'x':'a','z':'b','y':'a'},'metadata':{}}; ok",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':12}}; ok",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':12.0}}; ok",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':12.5}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':20}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':-12}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':1e99999999}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':12e-99999999}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':18446744073709551628}}; total-size",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':'12'}}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':null}}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':[12]}}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'metadata':[]}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'metadata':null}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'more':{}}; index-field",
                "{'metadata':{}}; index-field",
                "{'weight_map':[]}; index-json",
                "{'weight_map':'a'}; index-json",
                "{'weight_map':{'x':1}}; index-json",
                "{'weight_map':{'x':null}}; index-json",
                "{'weight_map':{'x':['a']}}; index-json",
                "{'weight_map':{'x':{'a':'a'}}}; index-json",
                "{'weight_map':{'x':'a','x':'a','y':'a'}}; index-json",
                "{'weight_map':{'x':'a','x':'b','y':'a'}}; index-json",
                "{'weight_map':{},'weight_map':{'x':'a','y':'a'}}; index-json",
                "{'weight_map':{'x':'a','y':'a'},'metadata':{'total_size':12,'total_size':13}}; index-json",
                "{'weight_map':{'x':'a','y':'a'}} {}; index-json",
                "{'weight_map':{'x':'a','y':'a'}; index-json",
                "{'weight_map':{'x':'a'}}; unmapped-tensor",
                "{'weight_map':{'x':'a','y':'b','z':'b'}}; missing-tensor",
                "{'weight_map':{'x':'a','y':'a','v':'a'}}; missing-tensor",
                "{'weight_map':{'x':'a','y':'a','__metadata__':'a'}}; missing-tensor",
                "{'weight_map':{'x':'a','y':'a','z':'c'}}; unreadable",
                "{'weight_map':{'x':'a','y':'a','z':''}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'.'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'..'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'../outside'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'./b'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'sub/b'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'/etc/passwd'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'c:b'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'..\\\\outside'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'b\\u0000'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'file:///etc/passwd'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'link'}}; outside",
                "{'weight_map':{'x':'a','y':'a','z':'loop'}}; unreadable",
                "{'weight_map':{'x':'a','y':'a','z':'sub'}}; not-a-file",
                "{'weight_map':{'x':'a','y':'a','z':'model.safetensors.index.json'}}; header-length",
                "{'weight_map':{'x':'a','y':'same'}}; unmapped-tensor",
                "{'weight_map':{'x':'a','y':'a','z':'same'}}; missing-tensor",
                "{'weight_map':{'x':'a','y':'A'}}; shard-case",
            })
    void indexRules(String text, String rule) throws IOException {
        Path outside = Files.copy(folder.resolve("b"), temporary.resolve("outside"));
        Files.createSymbolicLink(folder.resolve("link"), outside);
        Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop"));
        Files.createSymbolicLink(folder.resolve("same"), folder.resolve("a"));
        Files.copy(
                folder.resolve("b"),
                Files.createDirectory(folder.resolve("sub")).resolve("b"));
        index(text);
        if (rule.equals("ok")) {
            format.open(folder).close();
            return;
        }
        CheckpointException e = broken();
        assertEquals(rule, e.rule(), e.getMessage());
        assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
    }

    @Test
    void aDamagedShardIsNamed() throws IOException {
        index("{'weight_map':{" + WHOLE + "}}");
        byte[] shard = Files.readAllBytes(folder.resolve("b"));
        for (int length = 0; length < shard.length; length++) {
            Files.write(folder.resolve("b"), java.util.Arrays.copyOf(shard, length));
            assertEquals(folder.resolve("b").toString(), broken().file());
        }
    }

    @Test
    void theIndexCutAtEveryByte() throws IOException {
        index("{'metadata':{'total_size':20},'weight_map':{" + WHOLE + "}}");
        byte[] text = Files.readAllBytes(folder.resolve(INDEX));
        for (int length = 0; length < text.length; length++) {
            Files.write(folder.resolve(INDEX), java.util.Arrays.copyOf(text, length));
            assertEquals("index-json", broken().rule());
        }
    }

    @Test
    void hugeIndexesAreRefused() throws IOException {
        try (var file = new java.io.RandomAccessFile(folder.resolve(INDEX).toFile(), "rw")) {
            file.write('{');
            file.setLength(1L << 32);
        }
        assertEquals("too-large", broken().rule());
        index("{'weight_map':{'x':" + "[".repeat(100_000));
        assertEquals("index-json", broken().rule());
        index("{'metadata':{'deep':" + "[".repeat(100_000));
        assertEquals("index-json", broken().rule());
        Files.delete(folder.resolve(INDEX));
        index(IntStream.range(0, 1000)
                .mapToObj(i -> "'e" + i + "':'e" + i + "'")
                .collect(Collectors.joining(",", "{'weight_map':{", "}}")));
        for (int i = 0; i < 1000; i++) {
            write("e" + i, Map.of(), Tensor.of("e" + i, new float[0], 0));
        }
        assertEquals("too-many-shards", broken().rule());
        assertEquals(0, openFiles(), "files left open");
    }

    /** Of this test's folder, where the system tells. */
    private long openFiles() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        if (!Files.isDirectory(descriptors)) {
            return 0;
        }
        try (Stream<Path> open = Files.list(descriptors)) {
            return open.filter(each -> {
                        try {
                            return Files.readSymbolicLink(each).startsWith(folder.toRealPath());
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .count();
        }
    }

    private CheckpointException broken() {
        return assertThrows(CheckpointException.class, () -> format.open(folder));
    }

    private void index(String text) throws IOException {
        Files.writeString(folder.resolve(INDEX), text.replace('\'', '"'));
    }

    private void write(String name, Map<String, String> metadata, Tensor... tensors) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(out, metadata, List.of(tensors));
        Files.write(folder.resolve(name), out.toByteArray());
    }
}
