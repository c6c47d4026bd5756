package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Layer;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.nn.HostFloats;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class Mt3FamilyTest {
    private static final Path TINY = TinyModelTest.FOLDER.resolve("tiny.safetensors");
    private static final String EMBEDDING = "decoder.token_embedder.embedding";

    private final Mt3Family family = new Mt3Family();

    @TempDir
    Path folder;

    private static ModelDefinition installed(String id) {
        return Models.definition(Models.ROOT.resolve("models").resolve(id));
    }

    /** The tiny definition with one field of its configuration, or of its vocabulary, set; absent if null. */
    private static ModelDefinition changed(String field, Object value) {
        ModelDefinition tiny = Models.definition(TinyModelTest.FOLDER);
        Map<String, Object> configuration = new HashMap<>(tiny.configuration());
        String prefix = "vocabulary.";
        if (field.startsWith(prefix)) {
            Map<String, Object> vocabulary = new HashMap<>();
            ((Map<?, ?>) configuration.get("vocabulary")).forEach((key, old) -> vocabulary.put((String) key, old));
            vocabulary.put(field.substring(prefix.length()), value);
            configuration.put("vocabulary", vocabulary);
        } else if (value == null) {
            configuration.remove(field);
        } else {
            configuration.put(field, value);
        }
        return new ModelDefinition("tiny", "", "mt3", "", "", "", null, configuration, "", List.of(), "", "", null);
    }

    /** A copy of the tiny weights with tensors renamed, or left out where the new name is null. */
    private Path copy(String name, UnaryOperator<String> renamed) throws IOException {
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(TINY)) {
            for (TensorInfo info : checkpoint.tensors().values()) {
                String to = renamed.apply(info.name());
                if (to != null) {
                    tensors.add(SafetensorsWriter.Tensor.of(
                            to,
                            checkpoint.floats(info.name()),
                            info.shape().stream().mapToLong(Long::longValue).toArray()));
                }
            }
        }
        return write(name, tensors);
    }

    private Path write(String name, List<SafetensorsWriter.Tensor> tensors) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
        return file;
    }

    private Path embeddings(int ids, int bands, int model) throws IOException {
        return write(
                ids + "-" + bands + ".safetensors",
                List.of(
                        SafetensorsWriter.Tensor.of(
                                "encoder.continuous_inputs_projection.kernel", new float[bands * model], bands, model),
                        SafetensorsWriter.Tensor.of(EMBEDDING, new float[ids * model], ids, model)));
    }

    @Test
    void canonicalNamesAreAnotherWayToSayTheSame() throws IOException {
        Map<String, String> canonical = new HashMap<>();
        try (TokenModel model = TinyModelTest.load("plain")) {
            model.ledger().entries().forEach(entry -> canonical.put(entry.source(), entry.target()));
        }
        Path file = copy("canonical.safetensors", canonical::get);
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            assertTrue(family.recognises(checkpoint));
        }
        try (TokenModel model = Models.load(Models.definition(TinyModelTest.FOLDER), file, "plain");
                TokenModel original = TinyModelTest.load("plain")) {
            assertTrue(model.ledger().entries().stream()
                    .allMatch(entry -> entry.source().equals(entry.target())));
            assertEquals(logits(original), logits(model));
        }
    }

    private static List<Float> logits(TokenModel model) {
        try (Session session = model.open(1, Probe.NONE);
                INDArray features = Nd4j.ones(1, 12, Mt3Frontend.BANDS)) {
            session.begin(features, Position.segments(0, 1));
            session.step(new int[1], null);
            List<Float> logits = new ArrayList<>();
            for (float value : HostFloats.copy(session.logits())) {
                logits.add(value);
            }
            return logits;
        }
    }

    @Test
    void everyWeightIsListedWhereItBelongs() {
        try (TokenModel model = TinyModelTest.load("plain");
                Checkpoint checkpoint = Checkpoints.builtIn().open(TINY)) {
            List<Layer.Weight> listed = new ArrayList<>();
            list(model.root(), listed);
            Map<String, TensorInfo> sources = new HashMap<>(checkpoint.tensors());
            for (Layer.Weight weight : listed) {
                TensorInfo source = sources.remove(weight.source());
                assertEquals(source.shape(), weight.shape(), weight.name());
            }
            assertEquals(Map.of(), sources);
            List<Ledger.Entry> entries = model.ledger().entries();
            assertEquals(checkpoint.tensors().size(), entries.size());
            assertTrue(entries.stream().allMatch(entry -> entry.transform().equals("copy")));
        }
    }

    private static void list(Layer layer, List<Layer.Weight> weights) {
        for (Layer.Weight weight : layer.weights()) {
            assertTrue(weight.name().startsWith(layer.name() + "."), weight.name());
            weights.add(weight);
        }
        for (String tap : layer.taps()) {
            assertTrue(tap.equals(layer.name()) || tap.startsWith(layer.name() + "."), tap);
        }
        layer.children().forEach(child -> list(child, weights));
    }

    /** What the definitions say of ids is what the tokenizers of their names say. */
    @Test
    void theInstalledModelsFitTheirTokenizers() {
        assertEquals(
                new Mt3Tokenizer().vocabulary(),
                Mt3Configuration.of(installed("mt3")).vocabulary());
        assertEquals(
                new Mt3PianoTokenizer().vocabulary(),
                Mt3Configuration.of(installed("mt3-piano")).vocabulary());
        assertEquals(256, Mt3Configuration.of(installed("mt3")).segmentFrames());
        assertEquals(512, Mt3Configuration.of(installed("mt3-piano")).segmentFrames());
    }

    @Test
    void theLayoutIsThatOfTheDefinition() {
        try (TokenModel model = TinyModelTest.load("plain")) {
            TokenModel.TokenLayout layout = model.layout();
            assertEquals("tiny", layout.vocabulary().task());
            assertEquals(48, layout.outputRows());
            assertEquals(1, layout.channels());
            assertEquals(24, layout.maxTokens());
            assertEquals(12 * 0.008, layout.segmentSeconds(), 1e-12);
            assertEquals(List.of(12L, 512L), model.frontend().featureShape());
        }
    }

    /** {@code --checkpoint} alone chooses the model. */
    @Test
    void theRowsOfTheEmbeddingTellTheModelsApart() throws IOException {
        for (Map.Entry<Integer, String> each :
                Map.of(1536, "mt3", 1664, "mt3-piano").entrySet()) {
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(embeddings(each.getKey(), 512, 64))) {
                assertTrue(family.recognises(checkpoint));
                for (String id : List.of("mt3", "mt3-piano")) {
                    assertEquals(id.equals(each.getValue()), family.fits(installed(id), checkpoint), id);
                }
            }
        }
    }

    @Test
    void otherCheckpointsAreNotRecognised() throws IOException {
        List<Path> others = List.of(
                // another front end
                embeddings(1536, 229, 64),
                // no encoder of vectors: some other T5
                copy("t5.safetensors", name -> name.contains("continuous") ? null : name),
                copy("other.safetensors", name -> "x." + name),
                Models.ROOT.resolve("models/basic-pitch/basic-pitch.safetensors"));
        for (Path other : others) {
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(other)) {
                assertFalse(family.recognises(checkpoint), other.toString());
                assertFalse(family.fits(installed("mt3"), checkpoint), other.toString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "decoder.logits_dense.kernel",
                "encoder.layers_2.mlp.wi_1.kernel",
                "decoder.layers_0.encoder_decoder_attention.key.kernel",
                "encoder.encoder_norm.scale"
            })
    void aMissingWeightIsNamed(String name) throws IOException {
        Path file = copy("missing.safetensors", each -> each.equals(name) ? null : each);
        String message =
                assertThrows(CheckpointException.class, () -> load(file)).getMessage();
        assertTrue(message.contains("no tensor '" + name + "'"), message);
    }

    @Test
    void layersThatTheModelHasNotAreNamed() throws IOException {
        Path more = copy("more.safetensors", name -> name.replace("encoder.layers_2.", "encoder.layers_7."));
        String message =
                assertThrows(CheckpointException.class, () -> load(more)).getMessage();
        assertTrue(message.contains("no tensor 'encoder.layers_2.pre_attention_layer_norm.scale'"), message);
        String unused = assertThrows(
                        CheckpointException.class, () -> Models.load(changed("encoderLayers", 2), TINY, "plain"))
                .getMessage();
        assertTrue(unused.contains("the model takes no weight 'encoder.layer2."), unused);
    }

    @Test
    void anotherShapeIsNamedWithBoth() {
        String message = assertThrows(
                        CheckpointException.class, () -> Models.load(changed("hidden", 40), TINY, "plain"))
                .getMessage();
        assertTrue(message.contains("[24, 20]") && message.contains("[24, 40]"), message);
    }

    private static void load(Path weights) {
        Models.load(Models.definition(TinyModelTest.FOLDER), weights, "plain").close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "segmentFrames | 0 | a whole number from 1 to 32768, got 0",
                "heads | | a whole number from 1 to 32768, got nothing",
                "hidden | 1.5 | got 1.5",
                "model | 23 | an even number",
                "headsize | 8 | headsize: unknown field; known are segmentFrames, model, heads",
                "outputRows | 39 | outputRows: expected at least the vocabulary's size, 40, got 39",
                "vocabulary.task | | task: expected text, got nothing",
                "vocabulary.size | 41 | ranges: expected them to end at the size, 41, got 40",
                "vocabulary.end | 40 | end: expected a whole number from 0 to 39, got 40",
                "vocabulary.extra | 1 | vocabulary: extra: unknown field",
                "vocabulary.ranges | 3 | ranges: expected a list of objects, got 3",
            })
    void aConfigurationThatDoesNotFitIsNamedWithItsField(String field, String value, String expected) {
        Object typed = value == null
                ? null
                : value.matches("\\d+") ? (Object) Integer.valueOf(value) : (Object) Double.valueOf(value);
        String message = assertThrows(LuthierException.class, () -> Mt3Configuration.of(changed(field, typed)))
                .getMessage();
        assertTrue(message.startsWith("model tiny: configuration: ") && message.contains(expected), message);
    }

    @Test
    void rangesWithAGapAreRefused() {
        List<Map<String, Object>> ranges = List.of(
                Map.of("type", "special", "firstId", 0, "count", 3, "firstValue", 0),
                Map.of("type", "shift", "firstId", 4, "count", 36, "firstValue", 0));
        String message = assertThrows(
                        LuthierException.class, () -> Mt3Configuration.of(changed("vocabulary.ranges", ranges)))
                .getMessage();
        assertTrue(message.contains("'shift' to begin at id 3, got 4"), message);
    }

    @Test
    void kernelsOfTheHostAreRefusedOnAGpu() {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(TINY)) {
            String message = assertThrows(
                            LuthierException.class,
                            () -> family.load(
                                    Models.definition(TinyModelTest.FOLDER),
                                    NameRules.choose(family.nameRules(), checkpoint)
                                            .apply(checkpoint, family.id()),
                                    new Execution("nd4j-cuda", "cpu", 1)))
                    .getMessage();
            assertTrue(message.contains("--kernels nd4j"), message);
        }
    }
}
