package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;

/** What the arguments of a training mean, and which are refused. */
class YourMt3ConfigurationTest {
    private static final String MODEL = "hyper_parameters.model_cfg.";
    private static final String ENCODER = MODEL + "encoder.perceiver-tf.";
    private static final String DECODER = MODEL + "decoder.multi-t5.";

    /** The arguments of the published mixture-of-experts model. */
    private static Map<String, String> published() {
        Map<String, String> all = new HashMap<>();
        String audio = "hyper_parameters.audio_cfg.";
        all.put(audio + "codec", "spec");
        all.put(audio + "hop_length", "300");
        all.put(audio + "sample_rate", "16000");
        all.put(audio + "input_frames", "32767");
        all.put(audio + "n_fft", "2048");
        all.put(audio + "n_mels", "512");
        all.put(MODEL + "encoder_type", "perceiver-tf");
        all.put(MODEL + "decoder_type", "multi-t5");
        all.put(MODEL + "pre_encoder_type", "conv");
        all.put(MODEL + "pre_decoder_type", "mc_shared_linear");
        all.put(MODEL + "conv_out_channels", "128");
        all.put(MODEL + "tie_word_embeddings", "true");
        all.put(MODEL + "vocab_size", "596");
        all.put(ENCODER + "num_latents", "26");
        all.put(ENCODER + "d_latent", "99");
        all.put(ENCODER + "num_blocks", "3");
        all.put(ENCODER + "num_local_transformers_per_block", "2");
        all.put(ENCODER + "num_temporal_transformers_per_block", "2");
        all.put(ENCODER + "position_encoding_type", "rope");
        all.put(ENCODER + "ff_layer_type", "moe");
        all.put(ENCODER + "ff_widening_factor", "4");
        all.put(ENCODER + "moe_num_experts", "8");
        all.put(ENCODER + "moe_topk", "2");
        all.put(ENCODER + "hidden_act", "silu");
        all.put(ENCODER + "rotary_partial_pe", "false");
        all.put(ENCODER + "rope_partial_pe", "true");
        all.put(ENCODER + "layer_norm", "rms_norm");
        all.put(DECODER + "d_model", "512");
        all.put(DECODER + "num_heads", "6");
        all.put(DECODER + "num_layers", "8");
        all.put(DECODER + "position_encoding_type", "sinusoidal");
        all.put(DECODER + "ff_widening_factor", "2");
        all.put(DECODER + "ff_layer_type", "t5_gmlp");
        all.put(DECODER + "num_max_positions", "1034");
        all.put(DECODER + "num_channels", "13");
        return all;
    }

    @Test
    void whatTheEncoderNeverReadIsNotRead() {
        YourMt3Configuration read = YourMt3Configuration.of(published());
        assertEquals(new YourMt3Configuration.Audio(false, 16000, 32767, 2048, 300, 1024), read.audio());
        assertEquals(110, read.audio().frames());
        assertEquals(
                new YourMt3Configuration.Perceiver(
                        26,
                        128,
                        128,
                        128,
                        128,
                        8,
                        8,
                        3,
                        2,
                        2,
                        true,
                        true,
                        false,
                        1e-5,
                        YourMt3Configuration.FeedForward.MOE,
                        YourMt3Configuration.Nonlinearity.SILU,
                        512,
                        8,
                        2,
                        YourMt3Configuration.Positions.ROPE,
                        YourMt3Configuration.Rotation.PIXEL,
                        YourMt3Configuration.Rotation.PIXEL,
                        YourMt3Configuration.Rotation.LANG,
                        false,
                        4),
                read.encoder());
        assertEquals(new YourMt3Configuration.T5(512, 6, 64, 8, 1024, false, 1034, false), read.decoder());
        assertEquals(13, read.channels());
    }

    @ParameterizedTest
    @CsvSource({
        "../audio_cfg.n_fft, 1000, a power of two",
        "../audio_cfg.input_frames, 1024, more than half of n_fft",
        "encoder_type, lstm, perceiver-tf",
        "vocab_size, -3, a whole number",
        "vocab_size, 99999999999, a whole number",
        "tie_word_embeddings, maybe, 'true, false'",
        "pre_decoder_type, linear, mc_shared_linear",
        "pre_decoder_type, none, 'one, for a Perceiver'",
        "pre_encoder_type, none, 'one, for a Perceiver'",
        "encoder.perceiver-tf.num_latents, 27, 'a multiple of num_channels, 13'",
        "encoder.perceiver-tf.qk_channels, 100, 'a multiple of num_self_attention_heads, 8'",
        "encoder.perceiver-tf.moe_topk, 9, 'at most moe_num_experts, 8'",
        "encoder.perceiver-tf.layer_norm_eps, no, a number between"
    })
    void whatCannotBeIsRefusedByName(String name, String value, String expected) {
        Map<String, String> all = published();
        all.put((MODEL + name).replace("model_cfg.../", ""), value);
        String message = assertRefused(all, expected);
        assertTrue(message.contains((MODEL + name + ": expected ").replace("model_cfg.../", "")), message);
        assertTrue(message.contains("got "), message);
    }

    private static String assertRefused(Map<String, String> arguments, String expected) {
        String message = assertThrows(LuthierException.class, () -> YourMt3Configuration.of(arguments))
                .getMessage();
        assertTrue(message.contains(expected), message);
        return message;
    }

    /** Of one channel, with latents of 128 and a decoder of 512. */
    @ParameterizedTest
    @CsvSource({
        "group_linear, 24, 'a multiple of the 24 latents'",
        "group_linear, 32, ",
        "conv64, 24, ",
        "conv64, 2, ",
    })
    void aProjectionThatCannotBeIsRefused(String projection, String latents, String expected) {
        Map<String, String> all = single();
        all.put(MODEL + "pre_decoder_type", projection);
        all.put(ENCODER + "num_latents", latents);
        if (expected == null) {
            assertEquals(1, YourMt3Configuration.of(all).channels());
        } else {
            assertRefused(all, expected);
        }
    }

    @Test
    void filtersAreNotWiderThanLatentsNorLatentsThanTheModel() {
        Map<String, String> all = single();
        all.put(MODEL + "pre_decoder_type", "conv64");
        all.put(ENCODER + "d_latents", "32");
        assertRefused(all, "conv up to the width of a latent, 32");
        all.put(ENCODER + "d_latents", "1024");
        assertRefused(all, "and that up to d_model, 512");
    }

    @Test
    void aStackHasPositionsForAllFrames() {
        Map<String, String> all = framed("t5");
        all.put(MODEL + "encoder.t5.num_max_positions", "256");
        assertEquals(256, YourMt3Configuration.of(all).audio().frames());
        all.put(MODEL + "encoder.t5.num_max_positions", "255");
        assertRefused(all, "encoder.t5.num_max_positions: expected the 256 frames of a segment, got 255");
        all.put(MODEL + "encoder.t5.position_encoding_type", "trainable");
        assertTrue(((YourMt3Configuration.T5) YourMt3Configuration.of(all).encoder()).relative());
    }

    @Test
    void aConformerThatCannotBeIsRefused() {
        Map<String, String> all = framed("conformer");
        String conformer = MODEL + "encoder.conformer.";
        all.put(conformer + "intermediate_size", "100");
        all.put(conformer + "num_heads", "8");
        all.put(conformer + "position_encoding_type", "rotary");
        all.put(conformer + "conv_depthwise_kernel_size", "30");
        assertRefused(all, "encoder.conformer.conv_depthwise_kernel_size: expected an odd number, got 30");
        all.put(conformer + "conv_depthwise_kernel_size", "31");
        all.put(conformer + "num_heads", "512");
        assertRefused(all, "encoder.conformer.num_heads: expected heads of an even width");
        all.put(conformer + "position_encoding_type", "relative");
        YourMt3Configuration.of(all);
    }

    /** The published arguments with one channel. */
    private static Map<String, String> single() {
        Map<String, String> all = new HashMap<>();
        published().forEach((name, value) -> all.put(name.replace("decoder.multi-t5.", "decoder.t5."), value));
        all.put(MODEL + "decoder_type", "t5");
        all.put(MODEL + "pre_decoder_type", "linear");
        return all;
    }

    /** Those with an encoder of frames of 512 bands, as the decoder has. */
    private static Map<String, String> framed(String encoder) {
        Map<String, String> all = single();
        single().forEach((name, value) -> all.put(name.replace("decoder.t5.", "encoder." + encoder + "."), value));
        all.put("hyper_parameters.audio_cfg.codec", "melspec");
        all.put("hyper_parameters.audio_cfg.hop_length", "128");
        all.put(MODEL + "encoder_type", encoder);
        all.put(MODEL + "pre_encoder_type", "none");
        all.put(MODEL + "pre_decoder_type", "none");
        return all;
    }

    @Test
    void aMissingArgumentIsNamed() {
        Map<String, String> all = published();
        all.remove(DECODER + "num_layers");
        assertTrue(assertThrows(LuthierException.class, () -> YourMt3Configuration.of(all))
                .getMessage()
                .contains("model_cfg.decoder.multi-t5.num_layers: expected a value, got nothing"));
    }
}
