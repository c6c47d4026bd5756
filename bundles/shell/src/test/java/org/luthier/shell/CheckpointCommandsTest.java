package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.shell.internal.Captured;

class CheckpointCommandsTest {
    private Captured captured = new Captured();
    private Studio studio;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        Studio.weights(folder.resolve("gain.safetensors"), 2);
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private int inspect(String... arguments) {
        return studio.run(new CheckpointInspect(studio.surroundings, studio.workbench), captured, arguments);
    }

    private int convert(String... arguments) {
        return studio.run(new CheckpointConvert(studio.surroundings, studio.workbench), captured, arguments);
    }

    @Test
    void showsFormatFamilyAndTensors() {
        assertEquals(0, inspect("gain.safetensors"), captured.err());
        assertTrue(captured.out().contains("toy-family"), captured.out());
        assertTrue(captured.out().matches("(?s).*gain  F32  \\[1]  [0-9a-f]{64}\n"), captured.out());
    }

    @Test
    void tellsWhatTheFileSaysOfItselfFromWhatItIs() throws Exception {
        try (var out = Files.newOutputStream(studio.folder.resolve("other.safetensors"))) {
            SafetensorsWriter.write(
                    out, Map.of("format", "pt"), List.of(SafetensorsWriter.Tensor.of("gain", new float[] {1}, 1)));
        }
        assertEquals(0, inspect("other.safetensors"), captured.err());
        assertTrue(captured.out().matches("(?s)format +safetensors\n.*\nmetadata +format = pt\n.*"), captured.out());
    }

    @Test
    void namesTheModelThatACheckpointFitsElseWhatItSaysItself() throws Exception {
        Studio.weights(studio.folder.resolve("red.safetensors"), 1, Map.of("colour", "red"));
        assertEquals(0, inspect("red.safetensors"), captured.err());
        assertTrue(captured.out().contains("\nvariant   basic-pitch\n"), captured.out());
        Studio.weights(studio.folder.resolve("blue.safetensors"), 1, Map.of("colour", "blue"));
        assertEquals(0, inspect("blue.safetensors"), captured.err());
        assertTrue(captured.out().contains("\nvariant   toy-own\n"), captured.out());
    }

    /** A file cannot put lines of its own into the table. */
    @Test
    void metadataStaysOnItsLine() throws Exception {
        try (var out = Files.newOutputStream(studio.folder.resolve("other.safetensors"))) {
            SafetensorsWriter.write(
                    out,
                    Map.of("note", "a\nvariant  mt3\u001b[2J\u009b2J"),
                    List.of(SafetensorsWriter.Tensor.of("gain", new float[] {1}, 1)));
        }
        assertEquals(0, inspect("other.safetensors"), captured.err());
        assertTrue(captured.out().contains("metadata  note = a\\nvariant  mt3\\u001b[2J\\u009b2J\n"), captured.out());
    }

    /** An archive of numpy arrays, one of which was damaged later: all others are told. */
    @Test
    void tellsOfATensorThatCannotBeReadAndGoesOn() throws Exception {
        Path file = studio.folder.resolve("arrays.npz");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (String name : List.of("first", "second")) {
                zip.putNextEntry(new ZipEntry(name + ".npy"));
                String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (250000,), }";
                zip.write(("\u0093NUMPY\1\0v\0" + header + " ".repeat(117 - header.length()) + "\n")
                        .getBytes(StandardCharsets.ISO_8859_1));
                byte[] noise = new byte[1_000_000];
                new Random(1).nextBytes(noise);
                zip.write(noise);
                zip.closeEntry();
            }
        }
        Files.write(file, bytes.toByteArray());
        assertEquals(0, inspect("arrays.npz", "--json"), captured.err());
        byte[] damaged = bytes.toByteArray();
        int second = new String(damaged, StandardCharsets.ISO_8859_1).indexOf("second.npy");
        // Far behind the array's own header, which is looked at when the file is opened.
        damaged[second + 900_000] ^= 0x55;
        Files.write(file, damaged);
        Captured json = new Captured();
        assertEquals(
                1,
                studio.run(new CheckpointInspect(studio.surroundings, studio.workbench), json, "arrays.npz", "--json"));
        JsonNode tensors = new ObjectMapper().readTree(json.out()).get("tensors");
        assertEquals(64, tensors.get(0).get("sha256").asText().length());
        assertTrue(tensors.get(1).get("sha256").isNull(), json.out());
        assertEquals(1, json.err().lines().count(), json.err());
        assertTrue(json.err().contains("arrays.npz at byte ") && json.err().contains("second.npy"), json.err());
    }

    @Test
    void printsChecksumsAsJson() throws Exception {
        assertEquals(0, inspect("gain.safetensors", "--json"), captured.err());
        JsonNode answer = new ObjectMapper().readTree(captured.out());
        assertEquals(List.of("format", "family", "variant", "tensors", "metadata", "warnings"), names(answer));
        assertEquals(
                List.of("name", "shape", "dtype", "sha256"),
                names(answer.get("tensors").get(0)));
        assertEquals("safetensors", answer.get("format").asText());
        assertEquals("toy-family", answer.get("family").asText());
        assertEquals("basic-pitch", answer.get("variant").asText());
        JsonNode tensor = answer.get("tensors").get(0);
        byte[] bytes = ByteBuffer.allocate(Float.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(2)
                .array();
        assertEquals(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
                tensor.get("sha256").asText());
        assertEquals("F32", tensor.get("dtype").asText());
    }

    private static List<String> names(JsonNode object) {
        return object.propertyStream().map(Map.Entry::getKey).toList();
    }

    @Test
    void shardsAreOpenedThroughTheirIndex() throws Exception {
        Files.writeString(
                studio.folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\":{\"gain\":\"gain.safetensors\"}}");
        assertEquals(0, inspect("model.safetensors.index.json", "--json"), captured.err());
        JsonNode answer = new ObjectMapper().readTree(captured.out());
        assertEquals("safetensors-index", answer.get("format").asText());
        assertEquals("toy-family", answer.get("family").asText());
        assertEquals(1, answer.get("tensors").size());
        assertEquals(0, convert("model.safetensors.index.json", "-o", "out.safetensors"), captured.err());
    }

    @Test
    void convertsWithALedger() throws Exception {
        assertEquals(0, convert("gain.safetensors", "-o", "out.safetensors"), captured.err());
        assertTrue(captured.out().contains("out.safetensors sha256 "), captured.out());
        assertEquals(List.of("gain.safetensors", "out.safetensors", "out.safetensors.ledger.json"), studio.files());
        assertEquals(1, convert("gain.safetensors", "-o", "out.safetensors"));
        assertEquals(0, convert("gain.safetensors", "-o", "out.safetensors", "--force", "--family", "toy-family"));
        assertEquals(0, convert("gain.safetensors", "-o", "named.safetensors", "--ledger", "its.json"), captured.err());
        assertEquals(
                List.of(
                        "gain.safetensors",
                        "its.json",
                        "named.safetensors",
                        "out.safetensors",
                        "out.safetensors.ledger.json"),
                studio.files());
    }

    @Test
    void refusesWhatIsNone() throws Exception {
        Files.writeString(studio.folder.resolve("text"), "text");
        assertEquals(1, inspect("text"));
        assertEquals(1, convert("text", "-o", "out.safetensors"));
        assertEquals(1, convert("gain.safetensors", "-o", "out.safetensors", "--family", "other"));
        assertEquals(2, convert("gain.safetensors"));
        assertEquals(5, captured.err().lines().count(), captured.err());
        assertEquals(List.of("gain.safetensors", "text"), studio.files());
    }

    private Path tensors(String file, float... values) throws Exception {
        Path path = studio.folder.resolve(file);
        try (var out = Files.newOutputStream(path)) {
            SafetensorsWriter.write(
                    out,
                    Map.of(),
                    List.of(
                            SafetensorsWriter.Tensor.of("a.weight", values, values.length),
                            SafetensorsWriter.Tensor.of("a.bias", new float[] {0}, 1)));
        }
        return path;
    }

    @Test
    void showsChosenTensorsWithStatistics() throws Exception {
        tensors("some.safetensors", 3, Float.NaN, -1, 0);
        assertEquals(0, inspect("some.safetensors", "--names", "*.w?ight", "--statistics"), captured.err());
        assertTrue(captured.out().contains("tensors  2, 5 values, 0.0 MB"), captured.out());
        assertTrue(captured.out().matches("""
                                (?s).*
                                TENSOR +TYPE +SHAPE +MIN +MAX +MEAN +STD +L2 +NAN +INF +ZEROS
                                a.weight +F32 +\\[4] +-1.000 +3.000 +0.6667 +1.700 +3.162 +1 +0 +1
                                """), captured.out());
        captured = new Captured();
        assertEquals(0, inspect("some.safetensors", "--names=a.b*", "--statistics", "--json"), captured.err());
        JsonNode answer = new ObjectMapper().readTree(captured.out());
        assertEquals(1, answer.get("tensors").size());
        JsonNode tensor = answer.get("tensors").get(0);
        assertEquals(List.of("name", "shape", "dtype", "sha256", "statistics"), names(tensor));
        assertEquals(
                List.of("min", "max", "mean", "std", "l2", "nan", "inf", "zeros"), names(tensor.get("statistics")));
        assertEquals(1, tensor.get("statistics").get("zeros").asInt());
        assertEquals(2, inspect("some.safetensors", "--names", "a.w"));
        assertTrue(captured.err().contains("none of the 2 tensors"), captured.err());
    }

    private int diff(String... arguments) {
        return studio.run(new CheckpointDiff(studio.surroundings, studio.workbench), captured, arguments);
    }

    @Test
    void comparesInOneLineOrSaysWhatDiffers() throws Exception {
        tensors("a.safetensors", 1, 2, 3, 5);
        tensors("b.safetensors", 1, 2, 3, 5);
        tensors("c.safetensors", 5, 3, 2, 1);
        assertEquals(0, diff("a.safetensors", "b.safetensors"), captured.err());
        assertEquals("2 tensors, bit-equal\n", captured.out());
        captured = new Captured();
        assertEquals(3, diff("a.safetensors", "c.safetensors"), captured.err());
        assertEquals(
                "2 tensors compared: 1 different\na.weight  permuted  elements of B are A's in another order\n",
                captured.out());
        captured = new Captured();
        assertEquals(3, diff("a.safetensors", "c.safetensors", "--json"), captured.err());
        JsonNode answer = new ObjectMapper().readTree(captured.out());
        assertEquals(List.of("equal", "compared", "different", "onlyA", "onlyB"), names(answer));
        assertEquals("permuted", answer.get("different").get(0).get("kind").asText());
        assertEquals(1, diff("a.safetensors", "missing.safetensors"));
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals(2, diff("a.safetensors"));
    }
}
