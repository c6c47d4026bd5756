package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;

/** What is not loaded: small checkpoints of the reference with one thing changed, and how that is told. */
class ContradictionsTest {
    private static final YourMt3Family FAMILY = new YourMt3Family();

    @TempDir
    Path folder;

    private static Path path(String variant) {
        return Variant.reference("variants").resolve(variant).resolve("model.ckpt");
    }

    private static ChangedCheckpoint open(String variant) {
        return new ChangedCheckpoint(Checkpoints.builtIn().open(path(variant)));
    }

    private static Weights weights(Checkpoint checkpoint) {
        return NameRules.choose(FAMILY.nameRules(), checkpoint).apply(checkpoint, FAMILY.id());
    }

    private static Model load(Checkpoint checkpoint) {
        Path nowhere = Path.of("model.ckpt");
        ModelDefinition definition = FAMILY.definition(checkpoint, nowhere).orElseThrow();
        return FAMILY.load(definition, weights(checkpoint), new Execution("cpu", "plain", 1));
    }

    private static String refused(Checkpoint checkpoint) {
        return assertThrows(LuthierException.class, () -> load(checkpoint).close())
                .getMessage();
    }

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#all")
    void aCheckpointThatAgreesIsLoaded(String variant) {
        try (Checkpoint checkpoint = open(variant)) {
            load(checkpoint).close();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "moe_rope_multi | audio_cfg.codec | melspec | there is weight 'frontend.window' (tensor 'spectrogram.stft.window')",
                "moe_rope_multi | audio_cfg.n_fft | 1024 | weight 'frontend.window' (tensor 'spectrogram.stft.window') has the shape [2048], not 1024",
                "ymt3plus_t5 | audio_cfg.codec | spec | there is weight 'frontend.mel.window'",
                "ymt3plus_t5 | audio_cfg.n_mels | 64 | weight 'frontend.mel.filters' (tensor 'spectrogram.mel_stft.mel_scale.fb') has the shape [1025, 48], not 64",
                "ptf_single | audio_cfg.input_frames | 6000 | weight 'encoder.position_embedding' (tensor 'encoder.pos_emb._pos_emb') has the shape [22, 6, 32], not [31, 6, 32]",
                "moe_rope_multi | model_cfg.vocab_size | 700 | weight 'decoder.token_embedding.weight' (tensor 'embed_tokens.weight') has the shape [596, 48], not 700",
                "moe_rope_multi | model_cfg.decoder.multi-t5.d_model | 64 | weight 'decoder.token_embedding.weight' (tensor 'embed_tokens.weight') has the shape [596, 48], not 64",
                "moe_rope_multi | model_cfg.decoder.multi-t5.num_layers | 3 | there is no weight 'decoder.layer2.*'",
                "moe_rope_multi | model_cfg.decoder.multi-t5.num_layers | 1 | there is weight 'decoder.layer1.",
                "moe_rope_multi | model_cfg.decoder.multi-t5.num_heads | 6 | weight 'decoder.layer0.self_attention.q.weight' (tensor 'decoder.decoder.block.0.layer.0.SelfAttention.q.weight') has the shape [48, 24], not 48",
                "moe_rope_multi | model_cfg.decoder.multi-t5.position_encoding_type | trainable | there is weight 'decoder.embedded.table' (tensor 'decoder.decoder.additive_pe.weight')",
                "moe_rope_multi | model_cfg.decoder.multi-t5.num_max_positions | 200 | weight 'decoder.embedded.table' (tensor 'decoder.decoder.additive_pe.weight') has the shape [100, 48], not 200",
                "moe_rope_multi | model_cfg.decoder.multi-t5.ff_layer_type | moe | there is weight 'decoder.layer0.mlp.wi_0.weight'",
                "moe_rope_multi | model_cfg.decoder.multi-t5.ff_widening_factor | 4 | weight 'decoder.layer0.mlp.wi_0.weight'",
                "moe_rope_multi | model_cfg.decoder.multi-t5.num_channels | 2 | weight 'pre_decoder.shared_linear.weight' (tensor 'pre_decoder.0.linear.weight') has the shape [64, 48], not 416",
                "ptf_multi | model_cfg.decoder.multi-t5.num_channels | 26 | there is no weight 'pre_decoder.shared_linear.weight'",
                "t5_relpos_moe | model_cfg.decoder.t5.position_encoding_type | sinusoidal | there is weight 'decoder.position_bias.table'",
                "t5_relpos_moe | model_cfg.decoder.t5.ff_layer_type | t5_gmlp | there is weight 'decoder.layer0.mlp.router.weight'",
                "t5_relpos_moe | model_cfg.decoder.t5.num_heads | 4 | weight 'decoder.position_bias.table'",
                "t5_relpos_moe | model_cfg.encoder.t5.num_heads | 4 | weight 'encoder.position_bias.table'",
                "ymt3plus_t5 | model_cfg.encoder.t5.num_layers | 1 | there is weight 'encoder.layer1.",
                "ymt3plus_t5 | model_cfg.encoder.t5.d_model | 64 | weight 'encoder.out.scale'",
                "ymt3plus_t5 | model_cfg.encoder_type | conformer | there is weight 'encoder.layer0.attention.q.weight'",
                "moe_rope_multi | model_cfg.pre_encoder_type | conv1d_t | weight 'pre_encoder.block0.conv1.weight' (tensor 'pre_encoder.0.blocks.0.conv1.weight') has the shape [3, 3, 1, 8], not 1 in dimension 1",
                "moe_rope_multi | model_cfg.pre_encoder_type | conv1d_f | weight 'pre_encoder.block0.conv1.weight' (tensor 'pre_encoder.0.blocks.0.conv1.weight') has the shape [3, 3, 1, 8], not 1 in dimension 0",
                "moe_rope_multi | model_cfg.pre_encoder_type | hftt | there is weight 'pre_encoder.block0.conv1.weight'",
                "ptf_opts_kdt_mlpproj | model_cfg.pre_encoder_type | conv | weight 'pre_encoder.block0.conv1.weight' (tensor 'pre_encoder.0.blocks.0.conv1.weight') has the shape [3, 1, 1, 8], not 3 in dimension 1",
                "ptf_opts_tk_res3bhftt_conv | model_cfg.pre_encoder_type | hftt | there is weight 'pre_encoder.res3b.block0.conv1.weight'",
                "moe_rope_multi | model_cfg.conv_out_channels | 16 | weight 'pre_encoder.block0.conv1.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_blocks | 3 | there is no weight 'encoder.block2.*'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_blocks | 1 | there is weight 'encoder.block1.",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_local_transformers_per_block | 3 | there is no weight 'encoder.block0.local2.*'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_local_transformers_per_block | 1 | there is weight 'encoder.block0.local1.",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_temporal_transformers_per_block | 2 | there is no weight 'encoder.block0.temporal1.*'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_latents | 13 | weight 'encoder.latents' (tensor 'encoder.latent_array.latents') has the shape [26, 32], not 13",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.d_latents | 64 | weight 'encoder.latents' (tensor 'encoder.latent_array.latents') has the shape [26, 32], not 64",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.kv_dim | 64 | weight 'encoder.block0.spectral_cross_attention.source_norm.scale'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.attention_to_channel | false | weight 'encoder.block0.spectral_cross_attention.source_norm.scale'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.qk_channels | 32 | weight 'encoder.block0.spectral_cross_attention.q.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.v_channels | 64 | weight 'encoder.block0.spectral_cross_attention.v.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.position_encoding_type | tkd | there is no weight 'encoder.position_embedding'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.position_encoding_type | alibi | there is weight 'encoder.rotary_spectral.frequencies' (tensor 'encoder.rotary_emb_sca.freqs')",
                "ptf_single | model_cfg.encoder.perceiver-tf.position_encoding_type | rope | there is weight 'encoder.position_embedding' (tensor 'encoder.pos_emb._pos_emb')",
                "ptf_single | model_cfg.encoder.perceiver-tf.position_encoding_type | td | weight 'encoder.position_embedding' (tensor 'encoder.pos_emb._pos_emb') has the shape [22, 6, 32], not [22, 32]",
                "ptf_single | model_cfg.encoder.perceiver-tf.position_encoding_type | kdt | there is no weight 'encoder.temporal_position_embedding'",
                "ptf_opts_kdt_mlpproj | model_cfg.encoder.perceiver-tf.position_encoding_type | td | there is weight 'encoder.temporal_position_embedding'",
                "ptf_opts_tk_res3bhftt_conv | model_cfg.encoder.perceiver-tf.position_encoding_type | td | weight 'encoder.position_embedding' (tensor 'encoder.pos_emb._pos_emb') has the shape [18, 5], not [18, 24]",
                "ptf_opts_alibi_6heads | model_cfg.encoder.perceiver-tf.position_encoding_type | alibit | there is no weight 'encoder.block0.spectral_cross_attention.alibi.slopes'",
                "ptf_opts_alibit_gmlp_rms | model_cfg.encoder.perceiver-tf.position_encoding_type | alibi | there is weight 'encoder.block0.spectral_cross_attention.alibi.slopes'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.num_cross_attention_heads | 16 | weight 'encoder.rotary_spectral.frequencies' (tensor 'encoder.rotary_emb_sca.freqs') has the shape [2], not 4",
                "ptf_opts_alibit_gmlp_rms | model_cfg.encoder.perceiver-tf.num_cross_attention_heads | 4 | weight 'encoder.block0.spectral_cross_attention.alibi.slopes'",
                "ptf_opts_alibit_gmlp_rms | model_cfg.encoder.perceiver-tf.num_self_attention_heads | 4 | weight 'encoder.block0.local0.attention.alibi.slopes'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.layer_norm_type | rms_norm | there is weight 'encoder.block0.spectral_cross_attention.query_norm.bias' (tensor 'encoder.blocks.0.spectral_cross_attention.self.layernorm1.bias')",
                "ptf_opts_alibit_gmlp_rms | model_cfg.encoder.perceiver-tf.layer_norm_type | layer_norm | there is no weight 'encoder.block0.spectral_cross_attention.query_norm.bias'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.ff_layer_type | mlp | there is weight 'encoder.block0.local0.mlp.router.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.ff_layer_type | gmlp | there is weight 'encoder.block0.local0.mlp.router.weight'",
                "ptf_single | model_cfg.encoder.perceiver-tf.ff_layer_type | moe | there is weight 'encoder.block0.local0.mlp.in.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.ff_widening_factor | 4 | weight 'encoder.block0.local0.mlp.expert0.gate.weight'",
                "moe_rope_multi | model_cfg.encoder.perceiver-tf.moe_num_experts | 4 | weight 'encoder.block0.local0.mlp.router.weight' (tensor 'encoder.blocks.0.local_transformer.0.mlp.gate.weight') has the shape [32, 8], not 4",
                "ptf_single | model_cfg.pre_decoder_type | mlp | there is weight 'pre_decoder.linear.weight'",
                "ptf_single | model_cfg.pre_decoder_type | group_linear | there is weight 'pre_decoder.linear.weight'",
                "ptf_opts_tk_res3bhftt_conv | model_cfg.pre_decoder_type | conv16 | weight 'pre_decoder.conv.weight' (tensor 'pre_decoder.0.conv.weight') has the shape [1, 4, 1, 10], not 16",
                "ptf_opts_tk_res3bhftt_conv | model_cfg.pre_decoder_type | linear | there is weight 'pre_decoder.conv.weight'",
                "ptf_opts_kdt_mlpproj | model_cfg.pre_decoder_type | linear | there is weight 'pre_decoder.linear0.weight'",
                "conformer_relative | model_cfg.encoder.conformer.num_layers | 3 | there is no weight 'encoder.layer2.*'",
                "conformer_relative | model_cfg.encoder.conformer.d_model | 64 | weight 'encoder.norm.scale'",
                "conformer_relative | model_cfg.encoder.conformer.intermediate_size | 32 | weight 'encoder.layer0.mlp1.in.weight'",
                "conformer_relative | model_cfg.encoder.conformer.num_heads | 8 | weight 'encoder.layer0.self_attention.content_bias' (tensor 'encoder.layers.0.self_attn.pos_bias_u') has the shape [4, 8], not 8 in dimension 0",
                "conformer_relative | model_cfg.encoder.conformer.position_encoding_type | rotary | there is weight 'encoder.layer0.self_attention.positions.weight'",
                "conformer_rotary | model_cfg.encoder.conformer.num_heads | 8 | weight 'encoder.rotary.frequencies' (tensor 'encoder.embed_positions.inv_freq') has the shape [4], not 2",
                "conformer_rotary | model_cfg.encoder.conformer.position_encoding_type | relative | there is weight 'encoder.rotary.frequencies'",
                "conformer_rotary | model_cfg.encoder.conformer.conv_depthwise_kernel_size | 15 | weight 'encoder.layer0.convolution.depthwise.weight'"
            })
    void aHyperParameterThatTheWeightsGainsayIsNamed(String variant, String name, String value, String told) {
        try (ChangedCheckpoint checkpoint = open(variant).tells(name, value)) {
            String message = refused(checkpoint);
            assertTrue(message.startsWith("model yourmt3: hyper_parameters." + name + " is " + value), message);
            assertTrue(message.contains(", but " + told), message);
        }
    }

    @Test
    void partialRotationIsToldByTheHeads() {
        try (ChangedCheckpoint checkpoint =
                open("moe_rope_multi").tells("model_cfg.encoder.perceiver-tf.rope_partial_pe", "false")) {
            String message = refused(checkpoint);
            assertTrue(
                    message.contains("num_cross_attention_heads is 8, of which 8 rotate, but weight"
                            + " 'encoder.rotary_spectral.frequencies'"),
                    message);
        }
    }

    /** Half of 16 heads rotate 8 columns, but a head of them has 4; the frequencies agree. */
    @Test
    void moreCannotRotateThanAHeadHas() {
        try (ChangedCheckpoint checkpoint =
                open("moe_rope_multi").tells("model_cfg.encoder.perceiver-tf.num_cross_attention_heads", "16")) {
            checkpoint.tensors().keySet().stream()
                    .filter(name -> name.matches(".*\\.rotary_emb(_.*)?\\.freqs"))
                    .toList()
                    .forEach(name -> checkpoint.zeros(name, List.of(4L)));
            String message = refused(checkpoint);
            assertTrue(
                    message.contains(
                            "num_cross_attention_heads is 16, of which 8 rotate, but a head of qk_channels has 4 columns"),
                    message);
        }
    }

    @Test
    void theHopIsToldBesideTheSegment() {
        try (ChangedCheckpoint checkpoint = open("ptf_single").tells("audio_cfg.hop_length", "100")) {
            String message = refused(checkpoint);
            assertTrue(message.contains("audio_cfg.input_frames is 3599 (36 times of hop_length 100), but"), message);
        }
    }

    @Test
    void normsThatLostTheirBiasesAreOfAnotherKind() {
        try (ChangedCheckpoint checkpoint =
                open("moe_rope_multi").without(name -> name.matches("encoder\\.blocks\\..*layernorm\\d?\\.bias"))) {
            String message = refused(checkpoint);
            assertTrue(
                    message.contains("layer_norm_type is layer_norm, but there is no weight"
                            + " 'encoder.block0.spectral_cross_attention.query_norm.bias'"),
                    message);
        }
    }

    @Test
    void anExpertThatNoLayerHasIsMissing() {
        try (ChangedCheckpoint checkpoint = open("moe_rope_multi").without(name -> name.contains(".experts.7."))) {
            String message = refused(checkpoint);
            assertTrue(
                    message.contains(
                            "moe_num_experts is 8, but there is no weight" + " 'encoder.block0.local0.mlp.expert7.*'"),
                    message);
        }
    }

    @Test
    void routersForFewerExpertsGainsay() {
        try (ChangedCheckpoint checkpoint = open("moe_rope_multi")) {
            List<TensorInfo> routers = checkpoint.tensors().values().stream()
                    .filter(tensor -> tensor.name().endsWith(".mlp.gate.weight"))
                    .toList();
            assertEquals(6, routers.size());
            routers.forEach(router ->
                    checkpoint.zeros(router.name(), List.of(4L, router.shape().get(1))));
            String message = refused(checkpoint);
            assertTrue(
                    message.contains("moe_num_experts is 8, but weight 'encoder.block0.local0.mlp.router.weight'"),
                    message);
        }
    }

    /** Of every tensor that a model takes: without it, and with one row more. */
    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#all")
    void noTensorCanBeMissingOrOfAnotherShape(String variant) {
        try (ChangedCheckpoint whole = open(variant)) {
            Weights weights = weights(whole);
            for (TensorInfo weight : weights.tensors()) {
                String tensor = weights.sourceName(weight.name());
                String missing = refused(new ChangedCheckpoint(whole).without(tensor::equals));
                assertTrue(names(missing, tensor) || missing.contains(weight.name()), tensor + ": " + missing);
                Long[] shape = whole.tensors().get(tensor).shape().toArray(Long[]::new);
                shape[0]++;
                String longer = refused(new ChangedCheckpoint(whole).zeros(tensor, List.of(shape)));
                assertTrue(names(longer, tensor) || longer.contains(weight.name()), tensor + ": " + longer);
            }
        }
    }

    /** A layer that all need may stand for each of them. */
    private static boolean names(String message, String tensor) {
        String pattern = Pattern.quote(tensor).replaceAll("[0-9]+", "\\\\E($0|\\\\*)\\\\Q");
        return Pattern.compile(pattern).matcher(message).find();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"encoder.blocks.0.extra.weight", "decoder.decoder.block.0.layer.0.SelfAttention.q.bias", "x"})
    void aTensorThatNothingUsesIsNamed(String name) {
        try (ChangedCheckpoint checkpoint = open("moe_rope_multi").zeros(name, List.of(2L))) {
            CheckpointException e = assertThrows(
                    CheckpointException.class, () -> load(checkpoint).close());
            assertEquals("unused-tensor", e.rule());
            assertTrue(e.getMessage().contains("'" + name + "'"), e.getMessage());
        }
    }

    @Test
    void whatShiftsThePitchInTrainingIsLeftOut() {
        try (ChangedCheckpoint checkpoint =
                open("moe_rope_multi").zeros("pitchshift.pshifters.-3.kernel", List.of(3L, 1L, 2L))) {
            load(checkpoint).close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "embed_tokens.weight, 5, NaN",
        "pre_encoder.0.blocks.1.bn2.running_var, 7, Infinity",
        "pre_encoder.0.blocks.0.bn1.running_mean, 0, NaN",
        "encoder.rotary_emb_sca.freqs, 1, -Infinity",
        "encoder.blocks.1.local_transformer.1.mlp.experts.7.w2.weight, 2, NaN"
    })
    void aNumberThatIsNoneIsNamed(String name, int element, float value) {
        try (ChangedCheckpoint checkpoint = open("moe_rope_multi")) {
            checkpoint.with(name, element, value);
            if (name.endsWith("sca.freqs")) {
                // Its second names have the same storage.
                checkpoint.tensors().keySet().stream()
                        .filter(second -> second.endsWith("spectral_cross_attention.self.rotary_emb.freqs"))
                        .forEach(second -> checkpoint.with(second, element, value));
            }
            CheckpointException e = assertThrows(
                    CheckpointException.class, () -> load(checkpoint).close());
            assertEquals("not-finite", e.rule());
            assertTrue(e.getMessage().contains("(tensor '" + name + "')"), e.getMessage());
        }
    }

    /** Wherever a file ends too early, it is refused by a rule of its format. */
    @Test
    void aFileThatIsCutIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(path("conformer_rotary"));
        Path cut = folder.resolve("model.ckpt");
        for (int length :
                new int[] {0, 1, 100, whole.length / 3, whole.length / 2, whole.length - 50, whole.length - 1}) {
            Files.write(cut, Arrays.copyOf(whole, length));
            assertThrows(
                    CheckpointException.class,
                    () -> {
                        try (Checkpoint checkpoint = Checkpoints.builtIn().open(cut)) {
                            load(checkpoint).close();
                        }
                    },
                    length + " of " + whole.length + " bytes");
        }
    }
}
