package org.luthier.converter;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.AtomicFile;
import org.luthier.files.Sha256;

class ConverterTest {
    @TempDir
    Path folder;

    private final List<ModelFamily> families = List.of(new ToyFamily("toy"));
    private final Converter converter = new Converter(Checkpoints.builtIn(), families);
    private Path source;
    private Path target;
    private Path ledger;

    /** A TF.js model with a 3 x 2 kernel, a bias and two shape constants. */
    @BeforeEach
    void writeModel() throws IOException {
        source = Files.createDirectory(folder.resolve("source"));
        target = Files.createDirectory(folder.resolve("out")).resolve("toy.safetensors");
        ledger = Converter.ledgerBeside(target);
        writeModel(6);
    }

    private void writeModel(float last) throws IOException {
        Files.writeString(source.resolve("model.json"), """
                {"format": "graph-model", "weightsManifest": [{"paths": ["w.bin"], "weights": [
                    {"name": "shape/0", "shape": [], "dtype": "int32"},
                    {"name": "dense/kernel", "shape": [3, 2], "dtype": "float32"},
                    {"name": "dense/bias", "shape": [2], "dtype": "float32"},
                    {"name": "shape/1", "shape": [1], "dtype": "int32"}]}]}
                """);
        ByteBuffer shard =
                ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
        for (float value : new float[] {1, 2, 3, 4, 5, last, 0.5f, -0.5f}) {
            shard.putFloat(value);
        }
        Files.write(source.resolve("w.bin"), shard.putInt(3).array());
    }

    @Test
    void convertsWithALedger() throws IOException {
        Conversion conversion = convert(converter, source, null, target, ledger, false);
        try (Checkpoint converted = Checkpoints.builtIn().open(target)) {
            assertEquals("safetensors", converted.format());
            assertEquals(
                    List.of("dense.bias", "dense.weight"),
                    List.copyOf(converted.tensors().keySet()));
            assertEquals(
                    List.of(2L, 3L), converted.tensors().get("dense.weight").shape());
            assertArrayEquals(new float[] {1, 3, 5, 2, 4, 6}, converted.floats("dense.weight"));
            assertArrayEquals(new float[] {0.5f, -0.5f}, converted.floats("dense.bias"));
            assertEquals(
                    Map.of(
                            "format", "luthier-weights/1",
                            "family", "toy",
                            "source", "model.json",
                            "sourceSha256", conversion.ledger().sourceSha256()),
                    converted.metadata());
            assertEquals(conversion.sha256(), converted.sha256());

            JsonNode json = new ObjectMapper().readTree(Files.readString(ledger));
            assertEquals("toy.safetensors", json.get("target").textValue());
            assertEquals(conversion.sha256(), json.get("targetSha256").textValue());
            assertEquals(4, json.get("entries").size());
            JsonNode kernel = json.get("entries").get(1);
            assertEquals("dense/kernel", kernel.get("source").textValue());
            assertEquals("transpose 1 0", kernel.get("transform").textValue());
            assertEquals("[2,3]", kernel.get("shape").toString());
            assertEquals(
                    Sha256.hex(converted.read("dense.weight")),
                    kernel.get("sha256After").textValue());
            assertTrue(json.get("entries").get(0).get("target").isNull());
        }
        String table = conversion.table();
        assertTrue(table.contains("dense.weight  2x3    F32   transpose 1 0  dense/kernel\n"), table);
        assertTrue(table.endsWith("drop: shape constant (2 tensors)\n"), table);
    }

    @Test
    void theSameSourceGivesTheSameBytes() throws IOException {
        convert(converter, source, "toy", target, ledger, false);
        byte[] weights = Files.readAllBytes(target);
        byte[] account = Files.readAllBytes(ledger);
        Path moved = Files.move(source, folder.resolve("elsewhere"));
        convert(converter, moved.resolve("model.json"), null, target, ledger, true);
        assertArrayEquals(weights, Files.readAllBytes(target));
        assertArrayEquals(account, Files.readAllBytes(ledger));
    }

    @Test
    void existingFilesAreKept() throws IOException {
        Files.writeString(ledger, "mine");
        String message = refused(null);
        assertEquals(ledger + " exists; use --force to replace it", message);
        assertEquals("mine", Files.readString(ledger));
        assertEquals(List.of(ledger), written());
    }

    @Test
    void whatIsNotAccountedForIsRefusedAndNothingIsWritten() throws IOException {
        String model = Files.readString(source.resolve("model.json"));
        Files.writeString(source.resolve("model.json"), model.replace("dense/bias", "dense/bais"));
        assertTrue(refused(null).contains("no tensor 'dense/bias'; the nearest name is 'dense/bais'"));
        Files.writeString(source.resolve("model.json"), model.replace("shape/1", "extra"));
        assertTrue(refused(null).contains("no rule uses the tensor 'extra'"));
        Files.writeString(source.resolve("model.json"), model.replace("[3, 2]", "[2, 3]"));
        assertTrue(refused(null).contains("expected [2, 3] for 'dense.weight', got [3, 2]"));
        Files.writeString(source.resolve("model.json"), model);
        writeModel(Float.NaN);
        assertTrue(refused(null).contains("'dense.weight' has a NaN or an infinity at element 5"));
        assertEquals(List.of(), written());
    }

    @Test
    void familyMustBeCertain() throws IOException {
        assertTrue(refused("mt3").contains("no model family 'mt3'; there are: toy"));
        Path other = folder.resolve("other.safetensors");
        AtomicFile.write(other, false, out -> SafetensorsWriter.write(out, Map.of(), List.of()));
        LuthierException unknown =
                assertThrows(LuthierException.class, () -> convert(converter, other, null, target, ledger, false));
        assertTrue(
                unknown.getMessage().contains("no model family recognises it; name one of toy"), unknown.getMessage());
        Converter two = new Converter(Checkpoints.builtIn(), List.of(new ToyFamily("a"), new ToyFamily("b")));
        LuthierException ambiguous =
                assertThrows(LuthierException.class, () -> convert(two, source, null, target, ledger, false));
        assertTrue(ambiguous.getMessage().contains("families a, b"), ambiguous.getMessage());
        convert(two, source, "b", target, ledger, false);
        assertEquals(2, written().size());
    }

    @Test
    void noFileIsUsedTwice() {
        Path model = source.resolve("model.json");
        assertThrows(LuthierException.class, () -> convert(converter, model, null, model, ledger, true));
        assertThrows(LuthierException.class, () -> convert(converter, model, null, target, model, true));
        assertThrows(LuthierException.class, () -> convert(converter, model, null, target, target, true));
        assertTrue(Files.exists(model));
    }

    @Test
    void programExitCodes() {
        assertEquals(0, run(source.toString(), "-o", target.toString()));
        assertTrue(out.toString(UTF_8).contains("dense.weight"), out.toString(UTF_8));
        assertTrue(Files.exists(target.resolveSibling(target.getFileName() + ".ledger.json")));
        assertEquals(1, run(source.toString(), "-o", target.toString()));
        assertEquals(
                target + " exists; use --force to replace it",
                err.toString(UTF_8).strip());
        assertEquals(
                0,
                run(
                        source.toString(),
                        "-o",
                        target.toString(),
                        "--family",
                        "toy",
                        "--ledger",
                        ledger.toString(),
                        "--force"));
        assertEquals(1, run(folder.resolve("missing").toString(), "-o", target.toString(), "--force"));
        assertEquals(1, err.toString(UTF_8).lines().count(), err.toString(UTF_8));
        for (String[] wrong : new String[][] {
            {},
            {"in"},
            {"-o", "x"},
            {"a", "b", "-o", "x"},
            {"a", "-o"},
            {"a", "-o", "x", "--verbose"},
            {"a\0", "-o", "x"},
            {"a", "-o", "x", "--dtype", "f64"}
        }) {
            assertEquals(2, run(wrong));
            assertTrue(err.toString(UTF_8).contains("usage: "), err.toString(UTF_8));
        }
    }

    private static Conversion convert(
            Converter converter, Path source, String family, Path target, Path ledger, boolean overwrite) {
        return converter.convert(
                Request.of(source, target).family(family).ledger(ledger).overwrite(overwrite),
                2,
                Progress.NONE,
                Cancellation.NONE);
    }

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... arguments) {
        out.reset();
        err.reset();
        return Main.run(arguments, families, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    }

    private String refused(String family) {
        return assertThrows(LuthierException.class, () -> convert(converter, source, family, target, ledger, false))
                .getMessage();
    }

    private List<Path> written() throws IOException {
        try (Stream<Path> files = Files.list(target.getParent())) {
            return files.sorted().toList();
        }
    }
}
