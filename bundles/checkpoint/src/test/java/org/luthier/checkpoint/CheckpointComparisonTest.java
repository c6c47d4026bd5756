package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;

class CheckpointComparisonTest {
    private static final Path TORCH = Path.of(System.getProperty("luthier.root"))
            .resolve("bundles/checkpoint/src/test/resources/org/luthier/checkpoint/torch");

    @TempDir
    Path folder;

    private final Map<String, SafetensorsWriter.Tensor> a = new LinkedHashMap<>();
    private final Map<String, SafetensorsWriter.Tensor> b = new LinkedHashMap<>();

    private static void put(Map<String, SafetensorsWriter.Tensor> tensors, String name, float... values) {
        tensors.put(name, SafetensorsWriter.Tensor.of(name, values, values.length));
    }

    private void both(String name, float... values) {
        put(a, name, values);
        put(b, name, values);
    }

    private static void halves(Map<String, SafetensorsWriter.Tensor> tensors, String name, int... bits) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.stream(bits).forEach(each -> bytes.putShort((short) each));
        tensors.put(name, new SafetensorsWriter.Tensor(name, DType.F16, List.of((long) bits.length), bytes.flip()));
    }

    private Path write(String file, Map<String, SafetensorsWriter.Tensor> tensors) throws IOException {
        Path path = folder.resolve(file);
        try (var out = Files.newOutputStream(path)) {
            SafetensorsWriter.write(out, Map.of(), List.copyOf(tensors.values()));
        }
        return path;
    }

    private static CheckpointComparison compare(Path a, Path b) {
        Checkpoints checkpoints = Checkpoints.builtIn();
        try (Checkpoint one = checkpoints.open(a);
                Checkpoint other = checkpoints.open(b)) {
            return CheckpointComparison.of(one, other, Cancellation.NONE);
        }
    }

    private CheckpointComparison compare() throws IOException {
        return compare(write("a.safetensors", a), write("b.safetensors", b));
    }

    @Test
    void equalInOneLine() throws IOException {
        both("x", 1, 2);
        both("y", Float.NaN);
        CheckpointComparison comparison = compare();
        assertTrue(comparison.equal());
        assertEquals("2 tensors, bit-equal", comparison.text());
        assertEquals(
                Map.of("equal", true, "compared", 2, "different", List.of(), "onlyA", List.of(), "onlyB", List.of()),
                comparison.asMap());
    }

    @Test
    void equalValuesInOtherTypes() throws IOException {
        put(a, "x", 1, -2);
        halves(b, "x", 0x3c00, 0xc000);
        assertEquals("1 tensor, equal values: F32 in A, F16 in B", compare().text());
    }

    @Test
    void oneFindingForAll() throws IOException {
        put(a, "x", 1.0001f, 2);
        halves(b, "x", 0x3c00, 0x4000);
        put(a, "y", 3.0001f);
        halves(b, "y", 0x4200);
        CheckpointComparison comparison = compare();
        assertFalse(comparison.equal());
        assertEquals("2 tensors compared: 2 different\neach: B is A rounded to F16", comparison.text());
    }

    @Test
    void exchangedTensors() throws IOException {
        put(a, "q", 1, 2, 3);
        put(a, "k", 4, 5, 7);
        put(a, "v", 8, 8, 9);
        put(b, "q", 4, 5, 7);
        put(b, "k", 1, 2, 3);
        put(b, "v", 0, 1, 0);
        assertEquals("""
                3 tensors compared: 3 different
                q  swapped  exchanged with k: each has the other's values
                k  swapped  exchanged with q: each has the other's values
                v  values   3 of 3 values differ, by at most 9.00, relative L2 0.963; the first at [0]""", compare().text());
    }

    @Test
    void exchangedTensorsOfOtherShapesAndTypes() throws IOException {
        put(a, "in", 1, 2, 3);
        put(a, "out", 4, 5);
        halves(b, "in", 0x4400, 0x4500);
        halves(b, "out", 0x3c00, 0x4000, 0x4200);
        assertEquals(
                List.of(Finding.Kind.SWAPPED, Finding.Kind.SWAPPED),
                compare().different().stream()
                        .map(each -> each.finding().kind())
                        .toList());
    }

    @Test
    void threeTensorsInTurn() throws IOException {
        put(a, "q", 1, 2, 3);
        put(a, "k", 4, 5, 7);
        put(a, "v", 8, 8, 9);
        put(b, "q", 4, 5, 7);
        put(b, "k", 8, 8, 9);
        put(b, "v", 1, 2, 3);
        assertEquals(
                List.of("B has here what is k in A", "B has here what is v in A", "B has here what is q in A"),
                compare().different().stream()
                        .map(each -> each.finding().text())
                        .toList());
    }

    @Test
    void whatOnlyOneHas() throws IOException {
        both("x", 1);
        put(a, "gone", 1);
        put(b, "new", 1);
        CheckpointComparison comparison = compare();
        assertFalse(comparison.equal());
        assertEquals(
                "1 tensor compared: 0 different, 1 only in A, 1 only in B\nonly in A: gone\nonly in B: new",
                comparison.text());
    }

    @Test
    void nothingInCommon() throws IOException {
        put(a, "x", 1);
        assertFalse(compare().equal());
        a.clear();
        assertTrue(compare().equal());
        assertEquals("no tensors in either", compare().text());
    }

    @Test
    @SuppressWarnings("unchecked")
    void differencesAsJson() throws IOException {
        put(a, "x", 1, 2);
        put(b, "x", 1, Float.NaN);
        put(a, "y", 1, 2, 3);
        put(b, "y", 1, 2);
        List<Map<String, Object>> different =
                (List<Map<String, Object>>) compare().asMap().get("different");
        Map<String, Object> x = different.get(0);
        assertEquals(
                List.of(
                        "name", "kind", "finding", "shapeA", "shapeB", "dtypeA", "dtypeB", "changed", "maxAbs",
                        "relL2"),
                List.copyOf(x.keySet()));
        assertEquals("not-finite", x.get("kind"));
        assertEquals(1L, x.get("changed"));
        assertEquals(null, x.get("maxAbs"));
        Map<String, Object> y = different.get(1);
        assertEquals("padded", y.get("kind"));
        assertEquals(null, y.get("changed"));
        assertEquals(null, y.get("relL2"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"zip.pth", "protocol4.pth", "legacy.pth", "lightning.ckpt", "lightning-legacy.ckpt"})
    void everyFormOfPyTorchFiles(String name) {
        assertEquals(
                "22 tensors, bit-equal",
                compare(TORCH.resolve(name), TORCH.resolve("zip.pth")).text());
    }

    /** The same three numbers in a T5X folder, an npz file, a TF.js model and a safetensors file. */
    @Test
    void everyFormat() throws IOException {
        T5xFolder t5x = new T5xFolder(folder.resolve("t5x"));
        t5x.target.put("w", T5xFolder.floats(1, 2, 3));
        t5x.write();
        both("w", 1, 2, 3);
        byte[] little = a.get("w").bytes().array();
        byte[] npy = TestFiles.npy("<f4", false, "(3,)", little);
        List<Path> all = List.of(
                folder.resolve("t5x"),
                write("w.safetensors", a),
                Files.write(folder.resolve("w.npz"), TestFiles.zip(true, Map.of("w.npy", npy))),
                TestFiles.tfjs(
                        folder.resolve("tfjs"),
                        "[{\"paths\":[\"a.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[3],\"dtype\":\"float32\"}]}]",
                        little));
        for (Path one : all) {
            for (Path other : all) {
                assertEquals("1 tensor, bit-equal", compare(one, other).text(), one + " " + other);
            }
        }
    }

    private CheckpointComparison compareByRules() throws IOException {
        Path first = Files.writeString(folder.resolve("first.json"), """
                {"format": "luthier-names/1", "recognisedBy": ["enc.*.in"], "rules": [
                  {"match": "enc.*.in", "to": "encoder.layer{1}.weight", "transform": ["transpose 1 0"], "shape": ["model", "inner"]},
                  {"match": "enc.*.scale", "to": "encoder.layer{1}.scale"},
                  {"match": "enc.qkv", "to": ["q", "k"], "split": 0},
                  {"match": "**.inv_freq", "drop": "positions are computed"}]}
                """);
        Path second = Files.writeString(folder.resolve("second.json"), """
                {"format": "luthier-names/1", "recognisedBy": ["layers_*.kernel"], "rules": [
                  {"match": "layers_*.kernel", "to": "encoder.layer{1}.weight"},
                  {"match": "layers_*.scale", "to": "encoder.layer{1}.scale"}]}
                """);
        try (Checkpoint one = Checkpoints.builtIn().open(write("a.safetensors", a));
                Checkpoint other = Checkpoints.builtIn().open(write("b.safetensors", b))) {
            return CheckpointComparison.of(
                    one, other, List.of(second.toUri().toURL(), first.toUri().toURL()), Cancellation.NONE);
        }
    }

    private static void matrix(Map<String, SafetensorsWriter.Tensor> tensors, String name, int rows, float... values) {
        tensors.put(name, SafetensorsWriter.Tensor.of(name, values, rows, values.length / rows));
    }

    @Test
    void otherNamesOfOneFamily() throws IOException {
        matrix(a, "enc.0.in", 2, 1, 2, 3, 4, 5, 6);
        put(a, "enc.0.scale", 1, 2);
        put(a, "enc.qkv", 1, 2, 3, 4);
        put(a, "enc.0.inv_freq", 7);
        matrix(b, "layers_0.kernel", 3, 1, 4, 2, 5, 3, 6);
        put(b, "layers_0.scale", 1, 2);
        put(b, "q", 1, 2);
        put(b, "k", 3, 4);
        assertEquals("4 tensors, bit-equal", compareByRules().text());
    }

    /** What would be refused by a loader is what somebody who compares wants to see. */
    @Test
    void otherNamesOfOneFamilyWithDefects() throws IOException {
        // Reshaped by whoever converted it, misshapen, one that is not there, two that no rule knows, one that cannot
        // be split.
        matrix(a, "enc.0.in", 3, 1, 4, 2, 5, 3, 6);
        put(a, "enc.1.in", 1, 2);
        put(a, "enc.1.scale", 1, 2);
        put(a, "enc.qkv", 1, 2, 3);
        both("unknown", 1);
        matrix(b, "layers_0.kernel", 3, 1, 4, 2, 5, 3, 6);
        matrix(b, "layers_1.kernel", 2, 1, 2);
        put(b, "layers_0.scale", 1, 2);
        assertEquals("""
                3 tensors compared: 2 different, 2 only in A, 1 only in B
                encoder.layer0.weight  transposed  B is A transposed
                encoder.layer1.weight  reshaped    the same values in the same order, A as [2], B as [2, 1]
                only in A: encoder.layer1.scale
                only in A: enc.qkv
                only in B: encoder.layer0.scale""", compareByRules().text());
    }

    /** Rules for one of the two only are of no use. */
    @Test
    void otherNamesThatRulesDoNotKnow() throws IOException {
        matrix(a, "enc.0.in", 1, 1, 2);
        matrix(b, "enc.0.on", 1, 1, 2);
        assertEquals(List.of("enc.0.in"), compareByRules().onlyA());
    }

    @Test
    void canBeCancelled() throws IOException {
        both("x", 1);
        Path file = write("a.safetensors", a);
        try (Checkpoint one = Checkpoints.builtIn().open(file);
                Checkpoint other = Checkpoints.builtIn().open(file)) {
            assertThrows(CancelledException.class, () -> CheckpointComparison.of(one, other, () -> true));
        }
    }
}
