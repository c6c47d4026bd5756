package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.shell.internal.Captured;

class LayerCommandsTest {
    private final Captured captured = new Captured();
    private Studio studio;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        studio.audio("a.wav", "0.5 0.25 1 1 0.75");
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private int tree(String... arguments) {
        return studio.run(new LayerTree(studio.surroundings, studio.workbench), captured, arguments);
    }

    private int trace(String... arguments) {
        return studio.run(new LayerTrace(studio.surroundings, studio.workbench), captured, arguments);
    }

    private int diff(Captured words, String... arguments) {
        return studio.run(new LayerDiff(studio.surroundings, studio.workbench), words, arguments);
    }

    private int isolate(Captured words, String... arguments) {
        return studio.run(new LayerIsolate(studio.surroundings, studio.workbench), words, arguments);
    }

    private int patch(Captured words, String... arguments) {
        return studio.run(new LayerPatch(studio.surroundings, studio.workbench), words, arguments);
    }

    /** A reference, and weights that do not make it. */
    private void loud() throws Exception {
        Studio.weights(studio.folder.resolve("loud.safetensors"), 1.5f);
        assertEquals(0, trace("--audio", "a.wav", "-o", "reference.trace"), captured.err());
    }

    @Test
    void judgesEveryLayerByItself() throws Exception {
        loud();
        Captured clean = new Captured();
        assertEquals(0, isolate(clean, "reference.trace"), clean.err());
        assertTrue(clean.out().contains("clean: 2 tensors agree, 1 not judged"), clean.out());
        Captured json = new Captured();
        assertEquals(3, isolate(json, "reference.trace", "--checkpoint", "loud.safetensors", "--json"), json.err());
        JsonNode answer = new ObjectMapper().readTree(json.out());
        assertEquals(List.of("clean", "first", "tensors", "causes"), names(answer));
        assertEquals("amplifier", answer.get("first").asText());
        Captured some = new Captured();
        assertEquals(
                0,
                isolate(some, "reference.trace", "--checkpoint", "loud.safetensors", "--layers", "frontend.*"),
                some.err());
        assertEquals(1, isolate(some, "reference.trace", "--segment", "5"));
        assertEquals(2, isolate(some));
    }

    /** A model that no folder has is what its checkpoint says, wherever one is run, compared or taken from a recording. */
    @Test
    void runsWhatACheckpointSaysItself() throws Exception {
        Studio.weights(studio.folder.resolve("blue.safetensors"), 1, Map.of("colour", "blue"));
        assertEquals(
                0, trace("--checkpoint", "blue.safetensors", "--audio", "a.wav", "-o", "blue.trace"), captured.err());
        Captured compared = new Captured();
        assertEquals(0, diff(compared, "blue.trace", "blue.trace"), compared.err());
        assertEquals("", compared.err(), "its notes are compared too");
        assertEquals(
                0,
                diff(compared, "blue.trace", "blue.trace", "--model", "toy-own", "--checkpoint", "blue.safetensors"),
                compared.err());
        Captured alone = new Captured();
        assertEquals(0, isolate(alone, "blue.trace"), alone.err());
        Captured other = new Captured();
        assertEquals(1, isolate(other, "blue.trace", "--model", "basic-pitch", "--checkpoint", "blue.safetensors"));
        assertTrue(
                other.err()
                        .contains(
                                "does not fit --model basic-pitch: colour is blue in the checkpoint, red in the model;"),
                other.err());
    }

    @Test
    void replacesTensors() throws Exception {
        loud();
        Captured healed = new Captured();
        assertEquals(
                0,
                patch(healed, "reference.trace", "--checkpoint", "loud.safetensors", "--layers", "amplifier"),
                healed.err());
        assertTrue(healed.out().contains("replaced: amplifier\nhealed: "), healed.out());
        Captured sick = new Captured();
        assertEquals(
                3,
                patch(sick, "reference.trace", "--checkpoint", "loud.safetensors", "--layers", "frontend.samples"),
                sick.err());
        Captured json = new Captured();
        assertEquals(
                0,
                patch(json, "reference.trace", "--checkpoint", "loud.safetensors", "--bisect", "--json"),
                json.err());
        JsonNode answer = new ObjectMapper().readTree(json.out());
        assertEquals(List.of("healed", "replaced", "runs", "before", "after"), names(answer));
        assertEquals("amplifier", answer.get("replaced").get(0).asText());
        assertEquals(4, answer.get("runs").asInt());
        assertEquals(1, patch(sick, "reference.trace", "--layers", "nothing"));
    }

    /** A recording under names that no family knows, and a map of them. */
    @Test
    void readsNamesOfOnesOwn() throws Exception {
        assertEquals(0, trace("--audio", "a.wav", "-o", "mine.trace"), captured.err());
        List<SafetensorsWriter.Tensor> renamed = new ArrayList<>();
        try (Checkpoint recorded = Checkpoints.builtIn().open(studio.folder.resolve("mine.trace"))) {
            for (TensorInfo tensor : recorded.tensors().values()) {
                renamed.add(SafetensorsWriter.Tensor.of(
                        "net." + tensor.name(),
                        recorded.floats(tensor.name()),
                        tensor.shape().stream().mapToLong(Long::longValue).toArray()));
            }
        }
        try (var out = Files.newOutputStream(studio.folder.resolve("net.safetensors"))) {
            SafetensorsWriter.write(out, Map.of(), renamed);
        }
        Files.writeString(studio.folder.resolve("names.json"), """
                {"format": "luthier-reference-adapter/1", "title": "net", "model": "toy-family", "recognise": ["net.amplifier"],
                 "segments": [0], "tensors": [{"key": "net.**", "name": "{1}"}]}
                """);
        Captured words = new Captured();
        assertEquals(1, diff(words, "mine.trace", "net.safetensors"));
        assertTrue(words.err().contains("net.safetensors is no reference"), words.err());
        String[] names = {"--names", "names.json"};
        assertEquals(0, diff(words, "mine.trace", "net.safetensors", names[0], names[1]), words.err());
        assertEquals(0, trace("--input", "net.safetensors", "-o", "again.trace", names[0], names[1]), captured.err());
        assertEquals(0, isolate(words, "net.safetensors", names[0], names[1]), words.err());
        assertEquals(1, diff(words, "mine.trace", "net.safetensors", "--names", "none.json"));
        assertTrue(words.err().contains("none.json: no such file; --names expects a map of names"), words.err());
    }

    /** A trace names its weights, by their place beside it and their checksum. */
    @Test
    void findsTheWeightsOfATrace() throws Exception {
        loud();
        trace("--checkpoint", "loud.safetensors", "--input", "reference.trace", "-o", "mine.trace");
        Captured found = new Captured();
        assertEquals(3, diff(found, "mine.trace", "reference.trace"), found.err());
        assertFalse(found.out().contains("were not tested"), found.out());
        Studio.weights(studio.folder.resolve("loud.safetensors"), 1.25f);
        Captured changed = new Captured();
        assertEquals(3, diff(changed, "mine.trace", "reference.trace"), changed.err());
        assertTrue(changed.out().contains("loud.safetensors has changed since the trace was made"), changed.out());
        Files.delete(studio.folder.resolve("loud.safetensors"));
        Captured gone = new Captured();
        assertEquals(3, diff(gone, "mine.trace", "reference.trace"), gone.err());
        assertTrue(gone.out().contains("causes that need the weights were not tested: there is no "), gone.out());
        assertTrue(gone.out().contains("say with --checkpoint or --model what they are"), gone.out());
    }

    @Test
    void tracesOneLayerAlone() throws Exception {
        loud();
        assertEquals(
                0, trace("--input", "reference.trace", "--layer", "amplifier", "-o", "alone.trace"), captured.err());
        assertTrue(captured.out().endsWith("alone.trace: 2 tensors\n"), captured.out());
        assertEquals(0, diff(captured, "alone.trace", "reference.trace"), captured.err());
        assertEquals(1, trace("--input", "reference.trace", "--layer", "amplifire", "-o", "none.trace"));
        assertTrue(captured.err().contains("no layer 'amplifire'; basic-pitch has "), captured.err());
    }

    /** Nowhere else, not even in the JSON object. */
    @Test
    void coloursVerdictsOnATerminal() throws Exception {
        loud();
        List<String> words = List.of("reference.trace", "--checkpoint", "loud.safetensors");
        LayerIsolate command = new LayerIsolate(studio.surroundings, studio.workbench);
        Captured plain = new Captured();
        command.execute(words, plain.console(false, false, studio.folder));
        assertFalse(plain.out().contains("\u001b"), plain.out());
        Captured coloured = new Captured();
        command.execute(words, coloured.console(true, false, studio.folder));
        assertTrue(coloured.out().contains("  \u001b[31mdeparted\u001b[0m\n"), coloured.out());
        assertTrue(coloured.out().contains("  \u001b[32msame\u001b[0m\n"), coloured.out());
        assertEquals(plain.out(), coloured.out().replaceAll("\u001b\\[[0-9]*m", ""));
        Captured json = new Captured();
        command.execute(
                List.of("reference.trace", "--checkpoint", "loud.safetensors", "--json"),
                json.console(true, false, studio.folder));
        assertFalse(json.out().contains("\u001b"), json.out());
    }

    @Test
    void showsTheTree() throws Exception {
        assertEquals(0, tree(), captured.err());
        assertTrue(captured.out().contains("amplifier"), captured.out());
        Captured json = new Captured();
        assertEquals(0, studio.run(new LayerTree(studio.surroundings, studio.workbench), json, "--json"));
        JsonNode answer = new ObjectMapper().readTree(json.out());
        assertEquals("toy", answer.get("name").asText());
        assertEquals(List.of("name", "parameters", "taps", "weights", "children", "computations"), names(answer));
    }

    @Test
    void aTraceAgreesWithItself() throws Exception {
        assertEquals(0, trace("--audio", "a.wav", "-o", "one.trace"), captured.err());
        assertTrue(captured.out().endsWith("one.trace: 3 tensors\n"), captured.out());
        assertEquals(0, trace("--input", "one.trace", "-o", "two.trace"), captured.err());
        Captured json = new Captured();
        assertEquals(0, diff(json, "two.trace", "one.trace", "--json"), json.err());
        JsonNode answer = new ObjectMapper().readTree(json.out());
        assertTrue(answer.get("clean").asBoolean(), json.out());
        assertTrue(answer.get("first").isNull(), json.out());
        assertEquals(4, answer.get("tensors").size(), "the notes too");
    }

    /** What is no tensor is taken for audio; and only a decoder could be fed what stands beside audio. */
    @Test
    void takesAudioAsAnInputToo() {
        assertEquals(0, trace("--audio", "a.wav", "-o", "one.trace"), captured.err());
        assertEquals(0, trace("--input", "a.wav", "-o", "two.trace"), captured.err());
        assertEquals(0, diff(captured, "two.trace", "one.trace"), captured.err());
        assertEquals(1, trace("--audio", "a.wav", "--input", "one.trace", "-o", "three.trace"));
        assertTrue(
                captured.err().contains("one.trace: beside a recording expected the ids that the decoder is fed"),
                captured.err());
    }

    @Test
    void findsTheLayerWhoseWeightIsOther() throws Exception {
        Studio.weights(studio.folder.resolve("loud.safetensors"), 1.5f);
        trace("--audio", "a.wav", "-o", "reference.trace", "--segment", "0,1");
        trace("--checkpoint", "loud.safetensors", "--input", "reference.trace", "-o", "mine.trace");
        Captured table = new Captured();
        assertEquals(3, diff(table, "mine.trace", "reference.trace"), table.err());
        assertTrue(table.out().contains("first departure: amplifier"), table.out());
        assertEquals("", table.err());
    }

    @Test
    void printsADepartureAsOneJsonObject() throws Exception {
        Studio.weights(studio.folder.resolve("loud.safetensors"), 1.5f);
        trace("--audio", "a.wav", "-o", "reference.trace");
        trace("--checkpoint", "loud.safetensors", "--input", "reference.trace", "-o", "mine.trace");
        Captured json = new Captured();
        assertEquals(3, diff(json, "mine.trace", "reference.trace", "--json"), json.err());
        assertEquals("", json.err());
        JsonNode answer = new ObjectMapper().readTree(json.out());
        assertEquals(List.of("clean", "first", "tensors", "causes"), names(answer));
        assertFalse(answer.get("clean").asBoolean(true), json.out());
        assertEquals("amplifier", answer.get("first").asText());
        assertTrue(answer.get("causes").isArray(), json.out());
        List<String> verdicts = new ArrayList<>();
        int order = 0;
        for (JsonNode tensor : answer.get("tensors")) {
            assertEquals(
                    List.of(
                            "name",
                            "order",
                            "shape",
                            "maxAbs",
                            "relL2",
                            "cosine",
                            "ratio",
                            "argmax",
                            "firstIndex",
                            "step",
                            "verdict"),
                    names(tensor).stream()
                            .filter(field -> !field.equals("note"))
                            .toList());
            assertEquals(order++, tensor.get("order").asInt(-1));
            verdicts.add(tensor.get("verdict").asText());
        }
        assertEquals(List.of("same", "same", "departed", "inherited"), verdicts);
        JsonNode notes = answer.get("tensors").get(3);
        assertEquals("notes", notes.get("name").asText());
        assertTrue(notes.get("note").asText().startsWith("note "), json.out());
        JsonNode amplifier = answer.get("tensors").get(2);
        assertEquals(1.5, amplifier.get("ratio").asDouble(), 1e-6, "the gain, to float32");
        assertEquals(0.5, amplifier.get("relL2").asDouble(), 1e-6);
        assertEquals(1, amplifier.get("cosine").asDouble(), 1e-6);
        assertEquals(amplifier.get("shape").size(), amplifier.get("firstIndex").size());
        assertTrue(amplifier.get("step").isNull(), "a frame model has no steps");
    }

    private static List<String> names(JsonNode object) {
        return object.propertyStream().map(Map.Entry::getKey).toList();
    }

    @Test
    void keepsOnlyTheLayersAskedFor() {
        assertEquals(0, trace("--audio", "a.wav", "-o", "a.trace", "--layers", "ampli*"), captured.err());
        assertTrue(captured.out().endsWith("a.trace: 1 tensor\n"), captured.out());
    }

    @Test
    void refusesWhatCannotBe() throws Exception {
        assertEquals(1, trace("--audio", "a.wav", "-o", "a.trace", "--layers", "nothing"));
        assertEquals(1, trace("--audio", "a.wav", "-o", "a.trace", "--segment", "9"));
        assertEquals(2, trace("--audio", "a.wav"));
        assertEquals(2, trace("-o", "a.trace"));
        assertEquals(1, trace("--audio", "a.wav", "--input", "a.wav", "-o", "a.trace"));
        assertEquals(1, diff(captured, "a.wav", "a.wav"));
        assertEquals(List.of("a.wav"), studio.files());
        assertEquals("", captured.out());
    }

    @Test
    void namesAMistypedOptionBeforeWhatIsMissingForIt() {
        assertEquals(2, trace("--audoi", "a.wav", "-o", "a.trace"));
        assertTrue(captured.err().contains("unknown option --audoi; did you mean --audio?"), captured.err());
    }

    @Test
    void saysWhichValueIsNoNumber() {
        assertEquals(2, trace("--audio", "a.wav", "--segment", "0,x", "-o", "a.trace"));
        assertEquals(
                "luthier: layer:trace: --segment: expected a whole number, got 'x'\nTry: luthier layer:trace --help\n",
                captured.err());
        Captured argument = new Captured();
        assertEquals(2, diff(argument, "a\0b", "a.wav"));
        assertTrue(
                argument.err().startsWith("luthier: layer:diff: TRACE: 'a b' cannot be a file name here"),
                argument.err());
    }

    @Test
    void leavesAnExistingTraceAlone() {
        assertEquals(0, trace("--audio", "a.wav", "-o", "a.trace"));
        assertEquals(1, trace("--audio", "a.wav", "-o", "a.trace"));
        assertTrue(captured.err().contains("--force"), captured.err());
        assertEquals(0, trace("--audio", "a.wav", "-o", "a.trace", "--force"));
    }
}
