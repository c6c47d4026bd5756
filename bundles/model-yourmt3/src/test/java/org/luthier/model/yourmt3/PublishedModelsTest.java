package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelDefinition;

/** The five models of the models folder, against what their checkpoints have and tell. */
class PublishedModelsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path MODELS =
            Path.of(System.getProperty("luthier.root")).resolve("models");
    private static final String ARGUMENTS = "hyper_parameters";
    private static final List<String> IDS =
            List.of("yourmt3-moe", "yourmt3-moe-ps", "yourmt3-multi", "yourmt3-plus", "yourmt3-single");

    private final YourMt3Family family = new YourMt3Family();

    @ParameterizedTest
    @CsvSource({
        "yourmt3-plus, ymt3plus, mt3_full_plus",
        "yourmt3-single, yptf_single, mt3_full_plus",
        "yourmt3-multi, yptf_multi, mc13_full_plus_256",
        "yourmt3-moe, yptf_moe_nops, mc13_full_plus_256",
        "yourmt3-moe-ps, yptf_moe_ps, mc13_full_plus_256"
    })
    void aModelHoldsWhatItsCheckpointTellsAndNoOtherFitsIt(String id, String variant, String task) throws IOException {
        Map<String, String> told = told(variant, task);
        Map<String, TensorInfo> tensors = tensors(variant);
        boolean pitch = variant.equals("yptf_multi") || variant.equals("yptf_moe_ps");
        if (pitch) {
            tensors.put("pitchshift.pshifters.1.window", tensor("pitchshift.pshifters.1.window", 512));
        }
        try (Checkpoint checkpoint = new Keys(tensors, told)) {
            ModelDefinition own =
                    family.definition(checkpoint, Path.of("model.ckpt")).orElseThrow();
            ModelDefinition published = model(id);
            assertEquals(
                    own.configuration().get(ARGUMENTS),
                    published.configuration().get(ARGUMENTS));
            assertEquals(own.tokenizer(), published.tokenizer());
            assertEquals(own.decoder(), published.decoder());
            assertEquals(own.assembler(), published.assembler());
            assertEquals(List.of(id), fitting(checkpoint));
        }
        try (Checkpoint checkpoint = new Keys(tensors, Map.of())) {
            assertEquals(List.of(id), fitting(checkpoint), "by its tensors alone");
            assertEquals(
                    true, family.definition(checkpoint, Path.of("model.ckpt")).isEmpty());
        }
    }

    /** Other arguments with tensors of the same shapes. */
    @Test
    void anArgumentThatNoShapeTellsDecides() throws IOException {
        Map<String, String> told = told("yptf_moe_nops", "mc13_full_plus_256");
        told.put("hyper_parameters.model_cfg.encoder.perceiver-tf.moe_topk", "3");
        try (Checkpoint checkpoint = new Keys(tensors("yptf_moe_nops"), told)) {
            assertEquals(List.of(), fitting(checkpoint));
        }
        try (Checkpoint checkpoint = new Keys(tensors("yptf_moe_nops"), told("yptf_moe_nops", "mc13_256"))) {
            assertEquals(List.of(), fitting(checkpoint), "another task");
        }
    }

    /** Arguments that no model can have are those of none. */
    @Test
    void brokenArgumentsFitNone() throws IOException {
        Map<String, String> told = told("yptf_single", "mt3_full_plus");
        told.put("hyper_parameters.model_cfg.encoder_type", "lstm");
        try (Checkpoint checkpoint = new Keys(tensors("yptf_single"), told)) {
            assertEquals(List.of(), fitting(checkpoint));
        }
    }

    private List<String> fitting(Checkpoint checkpoint) throws IOException {
        List<String> fitting = new ArrayList<>();
        for (String id : IDS) {
            if (family.fits(model(id), checkpoint)) {
                fitting.add(id);
            }
        }
        return fitting;
    }

    private static ModelDefinition model(String id) throws IOException {
        Path folder = MODELS.resolve(id);
        JsonNode json = JSON.readTree(folder.resolve("model.json").toFile());
        return new ModelDefinition(
                json.get("id").textValue(),
                json.get("title").textValue(),
                json.get("family").textValue(),
                json.get("tokenizer").textValue(),
                json.get("decoder").textValue(),
                json.get("assembler").textValue(),
                json.get("midiWriter").textValue(),
                JSON.convertValue(json.get("configuration"), new TypeReference<Map<String, Object>>() {}),
                json.get("weights").textValue(),
                List.of(),
                json.get("licence").textValue(),
                json.get("citation").textValue(),
                folder);
    }

    private static Map<String, String> told(String variant, String task) throws IOException {
        Map<String, Object> arguments = JSON.readValue(
                Variant.reference("keys/" + variant + ".hparams.json").toFile(),
                new TypeReference<Map<String, Object>>() {});
        Map<String, String> told = new LinkedHashMap<>(ArgumentTree.flat(Map.of(ARGUMENTS, arguments)));
        told.put("hyper_parameters.task_manager.task_name", task);
        return told;
    }

    private static Map<String, TensorInfo> tensors(String variant) throws IOException {
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        for (JsonNode key : JSON.readTree(
                        Variant.reference("keys/" + variant + ".keys.json").toFile())
                .get("tensors")) {
            List<Long> shape = new ArrayList<>();
            key.get("shape").forEach(size -> shape.add(size.longValue()));
            String name = key.get("key").textValue();
            tensors.put(name, new TensorInfo(name, shape, DType.F32));
        }
        return tensors;
    }

    private static TensorInfo tensor(String name, long size) {
        return new TensorInfo(name, List.of(size), DType.F32);
    }

    /** A checkpoint of names, shapes and arguments. */
    private record Keys(Map<String, TensorInfo> tensors, Map<String, String> metadata) implements Checkpoint {
        @Override
        public String name() {
            return "model.ckpt";
        }

        @Override
        public String format() {
            return "torch";
        }

        @Override
        public ByteBuffer read(String name) {
            throw new UnsupportedOperationException(name);
        }

        @Override
        public float[] floats(String name) {
            throw new UnsupportedOperationException(name);
        }

        @Override
        public List<String> warnings() {
            return List.of();
        }

        @Override
        public String sha256() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
