package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;

class ReferenceTest {
    private static final float[] SIX = {1, 2, 3, 4, 5, 6};

    @TempDir
    Path folder;

    @Test
    void comesBackAsItWasWritten() throws IOException {
        RecordedTensor whole = new RecordedTensor("zeta", List.of(1, 2, 3), SIX, List.of(), 1e-7);
        RecordedTensor part =
                RecordedTensor.of("alpha", SIX, List.of(1, 6)).keep(new Slice(1, IntLists.immutable.of(1, 4)));
        Reference.Header header = new Reference.Header("tiny", "luthier", "float32", "7", List.of(3), true);
        Path file = folder.resolve("trace.bin");
        Reference.of("t", header, List.of(whole, part)).write(file, false);
        try (Reference read = Reference.open(file, List.of())) {
            assertEquals("trace.bin", read.title());
            assertEquals(header, read.header());
            assertEquals(List.of("zeta", "alpha"), read.names());
            assertSame(whole, read.tensor("zeta"));
            assertSame(part, read.tensor("alpha"));
            assertArrayEquals(new float[] {2, 5}, read.tensor("alpha").values());
            LuthierException e = assertThrows(LuthierException.class, () -> read.tensor("beta"));
            assertEquals("trace.bin has no tensor 'beta'; it has zeta, alpha", e.getMessage());
        }
        assertThrows(
                LuthierException.class,
                () -> Reference.of("t", header, List.of(whole)).write(file, false));
        try (Checkpoint stored = Checkpoints.builtIn().open(file)) {
            assertEquals("luthier-reference/1", stored.metadata().get("format"));
            assertEquals("[\"zeta\",\"alpha\"]", stored.metadata().get("order"));
            assertEquals(
                    "{\"alpha\":[{\"axis\":1,\"indices\":[1,4]}]}",
                    stored.metadata().get("slices"));
            assertEquals("{\"zeta\":1.0E-7}", stored.metadata().get("noise"));
        }
    }

    @Test
    void refusesWhatBreaksTheFormat() throws IOException {
        assertEquals(
                "r: expected format luthier-reference/1, got luthier-reference/2; it was written by another version of Luthier",
                refusal(Map.of("format", "luthier-reference/2")));
        assertEquals("r: luthier-reference/1 needs metadata 'order'", refusal(Map.of()));
        assertEquals("r: luthier-reference/1 needs metadata 'order'", refusal(Map.of("order", "null")));
        assertEquals(
                "r: metadata 'order' names 'b', which is not in the file", refusal(Map.of("order", "[\"a\",\"b\"]")));
        assertEquals("r: metadata 'order' does not name a", refusal(Map.of("order", "[]")));
        assertEquals(
                "r: metadata 'order' is not the JSON that luthier-reference/1 asks for; docs/reference-format.md describes it",
                refusal(Map.of("order", "[\"a\"")));
        assertTrue(refusal(Map.of("order", "[\"a\"]", "noise", "{\"a\":\"loud\"}"))
                .startsWith("r: metadata 'noise' is not the JSON"));
        for (String holed : List.of("noise", "slices")) {
            assertTrue(refusal(Map.of("order", "[\"a\"]", holed, "{\"a\":null}"))
                    .startsWith("r: metadata '" + holed + "' is not the JSON"));
        }
        for (String list : List.of("segments", "steps", "computations")) {
            assertTrue(refusal(Map.of("order", "[\"a\"]", list, "[null]"))
                    .startsWith("r: metadata '" + list + "' is not the JSON"));
        }
        for (String noise : List.of("-1.0", "1e999")) {
            String refusal = refusal(Map.of("order", "[\"a\"]", "noise", "{\"a\":" + noise + "}"));
            assertTrue(
                    refusal.startsWith("r: metadata 'noise' of 'a': expected a difference from 0 up, got "), refusal);
        }
        assertEquals(
                "r: a: slice of 1 on axis 1 does not fit shape [1, 6]",
                refusal(Map.of("order", "[\"a\"]", "slices", "{\"a\":[{\"axis\":1,\"indices\":[0]}]}")));
        assertEquals(
                "r: a: indices kept on axis 1 must ascend from 0: [0, 2, 1, 3, 4, 5]",
                refusal(Map.of("order", "[\"a\"]", "slices", "{\"a\":[{\"axis\":1,\"indices\":[0,2,1,3,4,5]}]}")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "null; expected an object, got null",
                "[]; no such JSON: ",
                "{; no such JSON: ",
                "{}; expected the format luthier-reference-adapter/1, got null",
                "{'format':'luthier-reference-adapter/1','model':'m','tensors':[]}; expected the fields model, recognise with",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'tensors':[]}; expected the fields model, recognise with",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m'}; expected the fields model, recognise with",
                "{'format':'luthier-reference-adapter/1','recognise':[null],'model':'m','tensors':[]}; unexpected type at .recognise",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[null]}; unexpected type at .tensors",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[{'name':'b'}]}; expected a key for every tensor",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[{'key':'a','shape':[1]}]}; unknown field 'shape', there are [",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','segments':[null],'tensors':[]}; segments: expected a list of numbers or a key, got [null]",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','segments':3,'tensors':[]}; segments: expected a list of numbers or a key, got 3",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[{'key':'a','beside':'{1}'}]}; '{1}' repeats a wildcard that 'a' has not",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[{'key':'a','chosen':{'by':'b'}}]}; chosen: expected by and expert",
                "{'format':'luthier-reference-adapter/1','recognise':['a'],'model':'m','tensors':[{'key':'a','merge':'x'}]}; unexpected type at .tensors[0].merge",
            })
    void aMapOfNamesThatIsNoneIsToldInOneLine(String text, String reason) throws IOException {
        Path file = Files.writeString(folder.resolve("map.json"), text.replace('\'', '"'));
        String message = assertThrows(
                        LuthierException.class,
                        () -> ReferenceAdapter.read(file.toUri().toURL()))
                .getMessage();
        assertTrue(message.startsWith("map of names " + file.toUri().toURL() + ": " + reason), message);
        assertTrue(message.endsWith("; docs/reference-format.md describes such maps"), message);
        assertEquals(1, message.lines().count(), message);
    }

    @Test
    void explainsForeignRecordingsByTheirAdapter() throws IOException {
        Path file = folder.resolve("golden.npz");
        write(
                file,
                Map.of(),
                SafetensorsWriter.Tensor.of("out_full", SIX, 3, 2),
                SafetensorsWriter.Tensor.of("mid_keep", new float[] {1, 2, 3, 4}, 2, 2),
                SafetensorsWriter.Tensor.of("kept", new float[] {5, 9}, 2));
        Path adapter = folder.resolve("adapter.json");
        Files.writeString(adapter, """
                {"format": "luthier-reference-adapter/1", "title": "tiny goldens", "model": "tiny", "framework": "numpy",
                 "dtype": "float32", "recognise": ["out_full", "kept"], "segments": [2],
                 "tensors": [
                   {"key": "mid_keep", "name": "mid", "insert": [0, 3], "keep": [{"axis": 1, "indices": "kept"},
                                                                                {"axis": 2, "indices": [0, 7]}]},
                   {"key": "out_full", "name": "out", "transpose": [1, 0], "insert": [0]},
                   {"key": "not_there", "name": "late"}]}
                """);
        List<URL> adapters = List.of(adapter.toUri().toURL());
        try (Reference read = Reference.open(file, adapters)) {
            assertEquals(List.of("mid", "out"), read.names());
            assertEquals(new Reference.Header("tiny", "numpy", "float32", "none", List.of(2)), read.header());
            RecordedTensor mid = read.tensor("mid");
            assertEquals(List.of(1, 2, 2, 1), mid.shape());
            assertEquals(
                    List.of(new Slice(1, IntLists.immutable.of(5, 9)), new Slice(2, IntLists.immutable.of(0, 7))),
                    mid.slices());
            RecordedTensor out = read.tensor("out");
            assertEquals(List.of(1, 2, 3), out.shape());
            assertArrayEquals(new float[] {1, 3, 5, 2, 4, 6}, out.values());
            assertFalse(read.has("late"));
        }
        write(
                file,
                Map.of(),
                SafetensorsWriter.Tensor.of("out_full", SIX, 6),
                SafetensorsWriter.Tensor.of("mid_keep", SIX, 6),
                SafetensorsWriter.Tensor.of("kept", new float[] {5, 9}, 2));
        try (Reference read = Reference.open(file, adapters)) {
            LuthierException flat = assertThrows(LuthierException.class, () -> read.tensor("out"));
            assertEquals(
                    "golden.npz: tensor 'out_full' of shape [6] is not what the adapter expects: expected 2 dimensions"
                            + " [reference-adapter]",
                    flat.getMessage());
            assertThrows(LuthierException.class, () -> read.tensor("mid"));
        }
        write(file, Map.of(), SafetensorsWriter.Tensor.of("out_full", SIX, 3, 2));
        LuthierException e = assertThrows(LuthierException.class, () -> Reference.open(file, adapters));
        assertEquals(
                "golden.npz is no reference: expected safetensors whose metadata say format = luthier-reference/1, or one of: tiny goldens;"
                        + " found safetensors with 1 tensors; recordings of other tools need an adapter of their model family",
                e.getMessage());
        Files.writeString(adapter, "{\"format\": \"luthier-reference-adapter/2\"}");
        assertThrows(LuthierException.class, () -> Reference.open(file, adapters));
        Files.writeString(adapter, "{\"fromat\": \"luthier-reference-adapter/1\"}");
        assertThrows(LuthierException.class, () -> Reference.open(file, adapters));
    }

    /** Layers by wildcards, numbers ascending; a file that tells its order keeps it, and what it says of its run. */
    @Test
    void namesOfAFrameworkAreMappedByPatterns() throws IOException {
        Path adapter = folder.resolve("adapter.json");
        Files.writeString(adapter, """
                {"format": "luthier-reference-adapter/1", "title": "t", "model": "tiny", "recognise": ["block.2.q"],
                 "tensors": [
                   {"key": "in", "name": "embedded"},
                   {"key": "block.*.q", "name": "layer{1}.q", "merge": [2], "steps": true},
                   {"key": "block.*.out", "name": "layer{1}.out"},
                   {"key": "block.*", "name": "layer{1}.out"},
                   {"key": "out"}]}
                """);
        List<URL> adapters = List.of(adapter.toUri().toURL());
        SafetensorsWriter.Tensor[] tensors = {
            SafetensorsWriter.Tensor.of("out", SIX, 1, 6),
            SafetensorsWriter.Tensor.of("unknown", SIX, 6),
            SafetensorsWriter.Tensor.of("block.10.q", SIX, 1, 1, 3, 2),
            SafetensorsWriter.Tensor.of("block.2", SIX, 1, 6),
            SafetensorsWriter.Tensor.of("block.2.out", SIX, 1, 6),
            SafetensorsWriter.Tensor.of("block.2.q", SIX, 1, 1, 3, 2),
            SafetensorsWriter.Tensor.of("in", SIX, 1, 6)
        };
        Path file = folder.resolve("foreign");
        write(file, Map.of(), tensors);
        try (Reference read = Reference.open(file, adapters)) {
            assertEquals(List.of("embedded", "layer2.q", "layer2.out", "layer10.q", "out"), read.names());
            assertEquals(new Reference.Header("tiny", "", "", "none", List.of()), read.header());
            assertEquals(List.of(1, 1, 6), read.tensor("layer2.q").shape());
            assertTrue(read.tensor("layer10.q").steps());
        }
        write(
                file,
                Map.of(
                        "format", "luthier-reference/1",
                        "framework", "pytorch",
                        "dtype", "float64",
                        "segments", "[4]",
                        "slices", "{\"in\": [{\"axis\": 1, \"indices\": [0, 1, 2, 3, 4, 9]}]}",
                        "noise", "{\"block.2.q\": 1e-6}",
                        "order",
                                "[\"block.10.q\",\"out\",\"block.2.q\",\"in\",\"block.2\",\"unknown\",\"block.2.out\"]"),
                tensors);
        try (Reference read = Reference.open(file, adapters)) {
            assertEquals(List.of("layer10.q", "out", "layer2.q", "embedded", "layer2.out"), read.names());
            assertEquals(new Reference.Header("tiny", "pytorch", "float64", "none", List.of(4)), read.header());
            assertEquals(1e-6, read.tensor("layer2.q").noise());
            assertEquals(1, read.tensor("embedded").slices().size());
        }
        try (Reference read = Reference.open(file, List.of())) {
            assertEquals("block.10.q", read.names().get(0));
        }
        Files.writeString(adapter, """
                {"format": "luthier-reference-adapter/1", "title": "t", "model": "tiny", "recognise": ["in"],
                 "tensors": [{"key": "in", "name": "embedded", "insert": [0]}]}
                """);
        try (Reference read = Reference.open(file, adapters)) {
            LuthierException e = assertThrows(LuthierException.class, () -> read.tensor("embedded"));
            assertTrue(e.getMessage().contains("only a part of it was kept"), e.getMessage());
        }
        Files.writeString(adapter, """
                {"format": "luthier-reference-adapter/1", "title": "t", "model": "tiny", "recognise": ["in"],
                 "tensors": [{"key": "in", "name": "layer{1}"}]}
                """);
        LuthierException e = assertThrows(LuthierException.class, () -> Reference.open(file, adapters));
        assertTrue(e.getMessage().contains("'layer{1}' repeats a wildcard that 'in' has not"), e.getMessage());
    }

    /** As goldens of several shapes and of mixtures of experts are; in order, runs inside of runs too. */
    @Test
    void explainsVectorsAndWhatIsOnlySometimesThere() throws IOException {
        SafetensorsWriter.Tensor choices = ReferenceFormat.stored(new RecordedTensor(
                "b0.part1.choices", List.of(3, 2), new float[] {1, 0, 2, 1, 0, 2}, List.of(), Double.NaN, true, false));
        Path file = folder.resolve("golden");
        SafetensorsWriter.Tensor[] tensors = {
            SafetensorsWriter.Tensor.of("sound", SIX, 3, 1, 2),
            SafetensorsWriter.Tensor.of("b0.part0.in", SIX, 1, 3, 2),
            SafetensorsWriter.Tensor.of("b0.part0.out", SIX, 1, 3, 2),
            SafetensorsWriter.Tensor.of("b0.part1.in", SIX, 1, 3, 2),
            SafetensorsWriter.Tensor.of("b0.part1.router", SIX, 3, 2),
            choices,
            SafetensorsWriter.Tensor.of("b0.part1.expert1", new float[] {1, 2, 3, 4}, 2, 2),
            SafetensorsWriter.Tensor.of("b0.part1.out", SIX, 1, 3, 2),
            SafetensorsWriter.Tensor.of("scores", SIX, 1, 2, 3)
        };
        write(file, Map.of(), tensors);
        Path adapter = folder.resolve("adapter.json");
        String text = """
                {"format": "luthier-reference-adapter/1", "title": "t", "model": "tiny", "recognise": ["sound"], "segments": "sound", "relativeNoise": 1e-6,
                 "tensors": [
                   {"key": "sound", "name": "frontend.in", "sizes": [-1, 1, -1], "merge": [0], "noise": 1e-3},
                   {"key": "b*.part*.in", "name": "block{1}.part{2}.in"},
                   {"key": "b*.part*.router", "name": "block{1}.part{2}.router", "split": "b{1}.part{2}.in"},
                   {"key": "b*.part*.choices", "name": "block{1}.part{2}.choices", "split": "b{1}.part{2}.in"},
                   {"key": "b*.part*.expert*", "name": "block{1}.part{2}.expert{3}", "split": "b{1}.part{2}.in",
                    "chosen": {"by": "b{1}.part{2}.choices", "expert": "{3}"}},
                   {"key": "b*.part*.out", "name": "block{1}.part{2}.mixed", "beside": "b{1}.part{2}.router"},
                   {"key": "b*.part*.out", "name": "block{1}.part{2}.out"},
                   {"key": "scores", "sizes": [1, 2, 4], "name": "four"},
                   {"key": "scores", "sizes": [-1, -1], "name": "flat"},
                   {"key": "scores", "name": "whole"}]}
                """;
        Files.writeString(adapter, text);
        List<URL> adapters = List.of(adapter.toUri().toURL());
        try (Reference read = Reference.open(file, adapters)) {
            assertEquals(List.of(0, 1, 2), read.header().segments());
            assertEquals(
                    List.of(
                            "frontend.in",
                            "block0.part0.in",
                            "block0.part0.out",
                            "block0.part1.in",
                            "block0.part1.router",
                            "block0.part1.choices",
                            "block0.part1.expert1",
                            "block0.part1.mixed",
                            "whole"),
                    read.names());
            assertEquals(List.of(3, 2), read.tensor("frontend.in").shape());
            assertEquals(1e-3, read.tensor("frontend.in").noise());
            assertEquals(6e-6, read.tensor("block0.part0.out").noise(), 1e-12);
            assertEquals(List.of(1, 3, 2), read.tensor("block0.part1.router").shape());
            assertTrue(read.tensor("block0.part1.choices").integers());
            RecordedTensor expert = read.tensor("block0.part1.expert1");
            assertEquals(List.of(1, 3, 2), expert.shape());
            // The first vector chose it first, the second one second.
            assertArrayEquals(new float[] {1, 2, 3, 4, 0, 0}, expert.values());
        }
        tensors[6] = SafetensorsWriter.Tensor.of("b0.part1.expert1", SIX, 3, 2);
        tensors[3] = SafetensorsWriter.Tensor.of("b0.part1.in", SIX, 1, 6);
        write(file, Map.of(), tensors);
        try (Reference read = Reference.open(file, adapters)) {
            assertEquals(
                    "golden: tensor 'b0.part1.expert1' of shape [3, 2] is not what the adapter expects: 2 vectors chose"
                            + " expert 1 [reference-adapter]",
                    refusal(read, "block0.part1.expert1"));
            assertEquals(
                    "golden: tensor 'b0.part1.router' of shape [3, 2] is not what the adapter expects: 3 rows are not 1"
                            + " times 6 [reference-adapter]",
                    refusal(read, "block0.part1.router"));
        }
        tensors[5] = SafetensorsWriter.Tensor.of("unknown", SIX, 6);
        write(file, Map.of(), tensors);
        try (Reference read = Reference.open(file, adapters)) {
            assertTrue(
                    refusal(read, "block0.part1.expert1").contains("there is no 'b0.part1.choices' beside it"),
                    refusal(read, "block0.part1.expert1"));
        }
    }

    private static String refusal(Reference reference, String name) {
        return assertThrows(LuthierException.class, () -> reference.tensor(name))
                .getMessage();
    }

    /** As goldens of a token model are: ids, heads and queries of attention, and what is no tensor of the model. */
    @Test
    void explainsRecordingsOfTokenModels() throws IOException {
        Path file = folder.resolve("golden");
        SafetensorsWriter.Tensor ids = ReferenceFormat.stored(
                new RecordedTensor("ids", List.of(3), new float[] {0, 5, 1}, List.of(), Double.NaN, true, true));
        write(
                file,
                Map.of(),
                ids,
                SafetensorsWriter.Tensor.of("scores", new float[2 * 1 * 3], 2, 1, 3),
                SafetensorsWriter.Tensor.of("matrix.weight", SIX, 6));
        Path adapter = folder.resolve("adapter.json");
        String tensors = """
                   {"key": "scores", "name": "decoder.scores", "insert": [0], "steps": true, "noise": 1e-5,
                    "keep": [{"axis": 1, "first": 2}, {"axis": 2, "indices": [4]}]},
                   {"key": "ids", "name": "decoder.tokens", "insert": [0]}""";
        String text = """
                {"format": "luthier-reference-adapter/1", "title": "t", "model": "tokens", "framework": "numpy",
                 "dtype": "float32", "recognise": ["ids"], "segments": [1], "tensors": [%s]}""";
        Files.writeString(adapter, text.formatted(tensors));
        try (Reference read = Reference.open(file, List.of(adapter.toUri().toURL()))) {
            assertEquals(List.of("decoder.scores", "decoder.tokens"), read.names());
            RecordedTensor scores = read.tensor("decoder.scores");
            assertEquals(List.of(1, 2, 1, 3), scores.shape());
            assertEquals(List.of(Slice.range(1, 0, 2), Slice.range(2, 4, 1)), scores.slices());
            assertTrue(scores.steps() && !scores.integers());
            assertEquals(1e-5, scores.noise());
            assertEquals(Double.NaN, read.tensor("decoder.tokens").noise());
            RecordedTensor tokens = read.tensor("decoder.tokens");
            assertTrue(tokens.integers());
            assertArrayEquals(new float[] {0, 5, 1}, tokens.values());
        }
        for (String kept : List.of("{\"axis\": 1}", "{\"axis\": 1, \"first\": 2, \"indices\": [4]}")) {
            Files.writeString(adapter, text.formatted("{\"key\": \"ids\", \"name\": \"x\", \"keep\": [" + kept + "]}"));
            assertThrows(
                    LuthierException.class,
                    () -> Reference.open(file, List.of(adapter.toUri().toURL())));
        }
    }

    private static void assertSame(RecordedTensor expected, RecordedTensor actual) {
        assertEquals(expected.name(), actual.name());
        assertEquals(expected.shape(), actual.shape());
        assertArrayEquals(expected.values(), actual.values());
        assertEquals(expected.slices(), actual.slices());
        assertEquals(expected.noise(), actual.noise());
    }

    private String refusal(Map<String, String> metadata) throws IOException {
        Map<String, String> all = new LinkedHashMap<>(metadata);
        all.putIfAbsent("format", "luthier-reference/1");
        Path file = folder.resolve("r");
        write(file, all, SafetensorsWriter.Tensor.of("a", SIX, 1, 6));
        return assertThrows(LuthierException.class, () -> {
                    try (Reference read = Reference.open(file, List.of())) {
                        read.tensor("a");
                    }
                })
                .getMessage();
    }

    private static void write(Path file, Map<String, String> metadata, SafetensorsWriter.Tensor... tensors)
            throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, metadata, List.of(tensors));
        }
    }
}
