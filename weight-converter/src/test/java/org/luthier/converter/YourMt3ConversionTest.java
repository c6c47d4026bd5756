package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.model.yourmt3.YourMt3Family;

/** Lightning files of YourMT3+: a seeded one with experts and rotated queries, and the twelve small ones beside the checkout. */
class YourMt3ConversionTest {
    private static final Path VARIANTS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/variants");

    private static final String ARGUMENTS = """
            {"audio_cfg": {"codec": "spec", "hop_length": 300, "f_min": 50.0}, "base_lr": null, "eps": 1e-05,
             "model_cfg": {"encoder": {"perceiver-tf": {"moe_topk": 2, "conv_kernel": [10, 3]}}, "tie": true}}""";

    private final YourMt3Family family = new YourMt3Family();
    private final Checkpoints checkpoints = Checkpoints.builtIn();
    private final Converter converter =
            new Converter(checkpoints, List.of(new BasicPitchFamily(), new Mt3Family(), family));
    private final Map<String, LightningFile.Tensor> tensors = new TreeMap<>();

    @TempDir
    Path folder;

    @BeforeEach
    void makeTensors() {
        add("spectrogram.stft.window", 16L);
        add("embed_tokens.weight", 9L, 6L);
        add("lm_head.lm_head.weight", 9L, 6L);
        add("pre_decoder.0.linear.weight", 6L, 8L);
        add("encoder.latent_array.latents", 3L, 4L);
        convolution("pre_encoder.0.blocks.0.", 1L);
        convolution("pre_encoder.0.blocks.1.", 5L);
        add("pre_encoder.0.blocks.0.shortcut.weight", 5L, 1L, 1L, 1L);
        add("pre_encoder.0.blocks.0.shortcut.bias", 5L);
        for (String where : List.of("sca", "latent", "temporal")) {
            add("encoder.rotary_emb_" + where + ".freqs", 2L);
        }
        for (int block = 0; block < 2; block++) {
            String prefix = "encoder.blocks." + block + ".";
            attention(prefix + "spectral_cross_attention.", 7L, "encoder.rotary_emb_sca.freqs");
            add(prefix + "spectral_cross_attention.self.layernorm2.weight", 7L);
            add(prefix + "spectral_cross_attention.self.layernorm2.bias", 7L);
            transformer(prefix + "local_transformer.0.", "encoder.rotary_emb_latent.freqs");
            transformer(prefix + "local_transformer.1.", "encoder.rotary_emb_latent.freqs");
            transformer(prefix + "temporal_transformer.0.", "encoder.rotary_emb_temporal.freqs");
        }
        add("decoder.decoder.final_layer_norm.weight", 6L);
        add("decoder.decoder.additive_pe.weight", 12L, 6L);
        for (int block = 0; block < 2; block++) {
            String prefix = "decoder.decoder.block." + block + ".layer.";
            for (String attention : List.of("0.SelfAttention.", "1.EncDecAttention.")) {
                add(prefix + attention + "q.weight", 8L, 6L);
                add(prefix + attention + "k.weight", 8L, 6L);
                add(prefix + attention + "v.weight", 8L, 6L);
                add(prefix + attention + "o.weight", 6L, 8L);
            }
            add(prefix + "2.DenseReluDense.wi_0.weight", 10L, 6L);
            add(prefix + "2.DenseReluDense.wi_1.weight", 10L, 6L);
            add(prefix + "2.DenseReluDense.wo.weight", 6L, 10L);
            for (int layer = 0; layer < 3; layer++) {
                add(prefix + layer + ".layer_norm.weight", 6L);
            }
        }
        put(LightningFile.Tensor.buffer("pitchshift.pshifters.-2.kernel", 20L, 1L, 30L));
    }

    private void convolution(String prefix, Long inputs) {
        add(prefix + "conv1.weight", 5L, inputs, 3L, 3L);
        add(prefix + "conv2.weight", 5L, 5L, 3L, 3L);
        for (String norm : List.of("bn1.", "bn2.")) {
            for (String item : List.of("weight", "bias", "running_mean", "running_var")) {
                add(prefix + norm + item, 5L);
            }
            put(new LightningFile.Tensor(prefix + norm + "num_batches_tracked", DType.I64, List.of(), false, null));
        }
    }

    private void attention(String prefix, Long inputs, String frequencies) {
        add(prefix + "self.layernorm1.weight", 4L);
        add(prefix + "self.layernorm1.bias", 4L);
        projection(prefix + "self.query", 4L, 6L);
        projection(prefix + "self.key", inputs, 6L);
        projection(prefix + "self.value", inputs, 8L);
        projection(prefix + "output.dense", 8L, 4L);
        put(new LightningFile.Tensor(prefix + "self.rotary_emb.freqs", DType.F32, List.of(2L), false, frequencies));
    }

    private void transformer(String prefix, String frequencies) {
        attention(prefix + "attention.", 4L, frequencies);
        add(prefix + "layernorm.weight", 4L);
        add(prefix + "layernorm.bias", 4L);
        add(prefix + "mlp.gate.weight", 3L, 4L);
        for (int expert = 0; expert < 3; expert++) {
            add(prefix + "mlp.experts." + expert + ".w1.weight", 11L, 4L);
            add(prefix + "mlp.experts." + expert + ".gate.weight", 11L, 4L);
            add(prefix + "mlp.experts." + expert + ".w2.weight", 4L, 11L);
        }
    }

    private void projection(String prefix, Long inputs, Long outputs) {
        add(prefix + ".weight", outputs, inputs);
        add(prefix + ".bias", outputs);
    }

    private void add(String name, Long... shape) {
        put(LightningFile.Tensor.of(name, shape));
    }

    private void put(LightningFile.Tensor tensor) {
        tensors.put(tensor.name(), tensor);
    }

    private Path write() throws IOException {
        Path file = folder.resolve("model.ckpt");
        // Second names follow the first ones, as in a state_dict.
        List<LightningFile.Tensor> all = new ArrayList<>(tensors.values());
        all.sort((a, b) -> Boolean.compare(a.sameAs() != null, b.sameAs() != null));
        LightningFile.write(file, all, new ObjectMapper().readTree(ARGUMENTS), "mc13", 1);
        return file;
    }

    private Conversion convert(Path source, String target) {
        return converter.convert(Request.of(source, folder.resolve(target)), 2, Progress.NONE, Cancellation.NONE);
    }

    private CheckpointException refused() throws IOException {
        Path file = write();
        CheckpointException e = assertThrows(CheckpointException.class, () -> convert(file, "x.safetensors"));
        assertFalse(Files.exists(folder.resolve("x.safetensors")));
        return e;
    }

    @Test
    void everyTensorOfASeededFileIsAccountedFor() throws IOException {
        Path source = write();
        Conversion conversion = convert(source, "x.safetensors");
        Path back = convert(conversion.target(), "back.pth").target();
        assertEquals(
                Map.of(
                        "second name",
                        8,
                        "drop: training state",
                        4,
                        "drop: kernels that shift the pitch in training",
                        1),
                YourMt3Conversion.assertComplete(source, conversion.ledger(), conversion.target(), back));
        try (Checkpoint canonical = checkpoints.open(conversion.target());
                Checkpoint torch = checkpoints.open(back)) {
            assertEquals("2", canonical.metadata().get("hyper_parameters.model_cfg.encoder.perceiver-tf.moe_topk"));
            assertEquals("mc13", canonical.metadata().get("hyper_parameters.task_manager.task_name"));
            assertEquals("mc13", torch.metadata().get("hyper_parameters.task_manager.task_name"));
            assertEquals(
                    List.of(4L, 3L),
                    canonical
                            .tensors()
                            .get("encoder.block1.local1.mlp.router.weight")
                            .shape());
            assertEquals(
                    List.of(3L, 3L, 1L, 5L),
                    canonical.tensors().get("pre_encoder.block0.conv1.weight").shape());
            // There is nothing of the training left to skip.
            assertFalse(torch.metadata().containsKey("storages outside state_dict"));
        }
        try (Checkpoint checkpoint = checkpoints.open(source)) {
            // Two moments of each trainable one.
            long trainable = tensors.values().stream()
                    .filter(tensor -> tensor.trainable() && tensor.sameAs() == null)
                    .count();
            assertEquals(String.valueOf(2 * trainable), checkpoint.metadata().get("storages outside state_dict"));
            assertEquals(List.of(), checkpoint.warnings());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "conformer_relative",
                "conformer_rotary",
                "moe_rope_multi",
                "ptf_multi",
                "ptf_opts_alibi_6heads",
                "ptf_opts_alibit_gmlp_rms",
                "ptf_opts_kdt_mlpproj",
                "ptf_opts_rope_keys_hftt",
                "ptf_opts_tk_res3bhftt_conv",
                "ptf_single",
                "t5_relpos_moe",
                "ymt3plus_t5"
            })
    void everyTensorOfEveryVariantIsAccountedFor(String variant) {
        Path source = VARIANTS.resolve(variant).resolve("model.ckpt");
        assumeTrue(Files.isRegularFile(source), "no ../shared/reference/yourmt3");
        Conversion conversion = convert(source, "x.safetensors");
        assertEquals("yourmt3", conversion.ledger().family());
        Path back = convert(source, "back.pth").target();
        Map<String, Integer> dropped =
                YourMt3Conversion.assertComplete(source, conversion.ledger(), conversion.target(), back);
        System.out.println(variant + ": " + conversion.ledger().entries().size() + " tensors, dropped " + dropped);
        Path again = convert(back, "again.safetensors").target();
        try (Checkpoint first = checkpoints.open(conversion.target());
                Checkpoint second = checkpoints.open(again)) {
            assertEquals(first.tensors(), second.tensors());
            first.tensors().keySet().forEach(name -> assertEquals(first.read(name), second.read(name), name));
            assertSameModel(source, first, conversion.target());
            assertSameModel(source, second, again);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "spectrogram.stft.window",
                "pre_encoder.0.blocks.1.bn2.running_var",
                "pre_encoder.0.blocks.0.shortcut.bias",
                "encoder.latent_array.latents",
                "encoder.rotary_emb_latent.freqs",
                "encoder.blocks.0.spectral_cross_attention.self.layernorm2.bias",
                "encoder.blocks.1.local_transformer.1.attention.self.key.bias",
                "encoder.blocks.1.local_transformer.0.mlp.gate.weight",
                "encoder.blocks.1.temporal_transformer.0.mlp.experts.2.w2.weight",
                "decoder.decoder.block.1.layer.1.layer_norm.weight",
                "decoder.decoder.block.0.layer.2.DenseReluDense.wi_1.weight",
                "decoder.decoder.final_layer_norm.weight"
            })
    void aMissingTensorIsNamed(String name) throws IOException {
        tensors.remove(name);
        tensors.values().removeIf(tensor -> name.equals(tensor.sameAs()));
        if (name.startsWith("spectrogram.")) {
            // Something must say that there is a front end.
            put(LightningFile.Tensor.buffer(name + "s", 16L));
        }
        CheckpointException e = refused();
        assertEquals("missing-tensor", e.rule());
        assertTrue(e.getMessage().contains(name), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "encoder.blocks.0.extra.weight, unused-tensor",
        "decoder.decoder.block.2.layer.0.SelfAttention.q.weight, missing-tensor"
    })
    void whatNoRuleUsesIsNamed(String name, String rule) throws IOException {
        add(name, 8L, 6L);
        CheckpointException e = refused();
        assertEquals(rule, e.rule());
        assertTrue(e.getMessage().contains(name.replace("SelfAttention.q", "layer_norm")), e.getMessage());
    }

    @Test
    void aShapeThatDoesNotFitIsNamed() throws IOException {
        String name = "encoder.blocks.1.local_transformer.1.mlp.experts.0.w2.weight";
        put(tensors.get(name).shaped(4L, 12L));
        CheckpointException e = refused();
        assertEquals("misshapen-tensor", e.rule());
        assertTrue(e.getMessage().contains(name), e.getMessage());
    }

    @Test
    void frequenciesThatAreNotSharedAreNamed() throws IOException {
        String name = "encoder.blocks.1.local_transformer.1.attention.self.rotary_emb.freqs";
        put(LightningFile.Tensor.buffer(name, 2L));
        CheckpointException e = refused();
        assertEquals("second-name", e.rule());
        assertTrue(e.getMessage().contains(name), e.getMessage());
    }

    /** What a checkpoint says of itself goes with its weights. */
    private void assertSameModel(Path source, Checkpoint converted, Path path) {
        try (Checkpoint checkpoint = checkpoints.open(source)) {
            ModelDefinition told = family.definition(checkpoint, source).orElseThrow();
            assertEquals(
                    told.configuration(),
                    family.definition(converted, path).orElseThrow().configuration());
            assertTrue(family.fits(told, converted));
        }
    }

    @Test
    void aDefinitionWithoutArgumentsIsRefusedByTheFirstThatIsMissing() throws IOException {
        try (Checkpoint checkpoint = checkpoints.open(write())) {
            assertTrue(family.recognises(checkpoint));
            assertFalse(new Mt3Family().recognises(checkpoint));
            MappedWeights weights =
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id());
            ModelDefinition definition = new ModelDefinition(
                    "yourmt3", "", family.id(), null, null, null, null, Map.of(), "x.ckpt", List.of(), "", "", folder);
            LuthierException e = assertThrows(
                    LuthierException.class, () -> family.load(definition, weights, new Execution("cpu", "cpu", 1)));
            assertTrue(
                    e.getMessage().contains("task_manager.task_name: expected a value, got nothing"), e.getMessage());
        }
    }
}
