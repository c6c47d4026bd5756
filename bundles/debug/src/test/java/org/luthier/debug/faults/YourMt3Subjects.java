package org.luthier.debug.faults;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.debug.TraceInput;
import org.luthier.debug.faults.Values.Value;
import org.luthier.model.yourmt3.YourMt3Family;

/** Small models of YourMT3+ with seeded weights, which have learned nothing: its encoders and options, and decoders that go with them. */
final class YourMt3Subjects {
    static final int FFT = 256;
    static final int HOP = 64;
    static final int SAMPLES = 1023;
    static final int BINS = 129;
    /** Of the mel front end, the width of the encoders that take its bands as they are. */
    static final int BANDS = 32;

    static final int CHANNELS = 16;
    static final int HEADS = 8;
    static final int MODEL = 24;
    static final int DECODER_HEADS = 3;
    static final int EXPERTS = 4;
    /** Of the encoders with one decoder. */
    static final int LATENTS = 3;

    private static final int FED = 5;

    private YourMt3Subjects() {}

    /** As the published mixtures of experts: rotated queries, thirteen channels. */
    static Subject experts() {
        Map<String, Object> encoder = perceiver("rope", 26);
        encoder.putAll(Map.of(
                "rope_partial_pe", true, "ff_layer_type", "moe", "hidden_act", "silu", "moe_num_experts", EXPERTS));
        return subject(
                "YourMT3+ MoE",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "mc_shared_linear",
                multi(),
                "mc13_full_plus_256",
                true);
    }

    /** As the published ones with trained positions and one decoder. */
    static Subject trained() {
        Map<String, Object> encoder = perceiver("tkd", 3);
        encoder.put("sca_use_query_residual", false);
        return subject(
                "YourMT3+", spectrum(), Map.of("perceiver-tf", encoder), "linear", single(), "mt3_full_plus", true);
    }

    /** Distances with a trained slope, RMS norms and gated layers. */
    static Subject slope() {
        Map<String, Object> encoder = perceiver("alibit", 3);
        encoder.putAll(Map.of("layer_norm_type", "rms_norm", "ff_layer_type", "gmlp", "hidden_act", "silu"));
        return subject(
                "YourMT3+ slope",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "group_linear",
                single(),
                "mt3_full_plus",
                true);
    }

    /** Distances with slopes of six heads, rows of latents and of times apart from each other. */
    static Subject distances() {
        Map<String, Object> encoder = perceiver("alibi", 3);
        encoder.putAll(Map.of(
                "num_self_attention_heads", 6,
                "num_cross_attention_heads", 6,
                "qk_channels", 48,
                "v_channels", 24));
        return subject(
                "YourMT3+ ALiBi",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "mlp_gelu",
                single(),
                "mt3_full_plus",
                true);
    }

    /** Rotated keys, all columns of a head. */
    static Subject keys() {
        Map<String, Object> encoder = perceiver("rope", 3);
        encoder.put("rope_apply_to_keys", true);
        return subject(
                "YourMT3+ keys",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "linear",
                single(),
                "mt3_full_plus",
                true);
    }

    /** Windows of times, positions of latents, filters for each latent. */
    static Subject windows() {
        Map<String, Object> encoder = perceiver("tk", LATENTS);
        encoder.putAll(Map.of("kv_dim", BINS - 1, "d_latents", 8, "num_blocks", 1));
        return subject(
                "YourMT3+ windows",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "conv4",
                single(),
                "mt3_full_plus",
                true,
                "hftt");
    }

    /** Positions of latents and of times apart, three layers in front of the decoder. */
    static Subject layers() {
        Map<String, Object> encoder = perceiver("kdt", LATENTS);
        encoder.put("num_blocks", 1);
        return subject(
                "YourMT3+ layers",
                spectrum(),
                Map.of("perceiver-tf", encoder),
                "mlp_gelu",
                single(),
                "mt3_full_plus",
                true);
    }

    /** A Conformer behind mel bands. */
    static Subject conformer(boolean relative) {
        Map<String, Object> encoder = Map.of(
                "d_model", BANDS,
                "intermediate_size", 48,
                "num_heads", 4,
                "num_layers", 1,
                "position_encoding_type", relative ? "relative" : "rotary",
                "conv_depthwise_kernel_size", 5);
        return subject(
                relative ? "Conformer, distances" : "Conformer",
                mel(),
                Map.of("conformer", encoder),
                "none",
                Map.of("t5", decoder(BANDS)),
                "mt3_full_plus",
                true);
    }

    /** A T5 that knows distances, its layers mixtures of experts. */
    static Subject t5() {
        Map<String, Object> encoder = decoder(BANDS);
        encoder.putAll(Map.of("position_encoding_type", "trainable", "ff_layer_type", "moe"));
        Map<String, Object> decoder = new LinkedHashMap<>(encoder);
        return subject(
                "YourMT3+ T5", mel(), Map.of("t5", encoder), "none", Map.of("t5", decoder), "mt3_full_plus", false);
    }

    static List<Subject> all() {
        return Stream.of(
                        experts(),
                        trained(),
                        slope(),
                        distances(),
                        keys(),
                        windows(),
                        layers(),
                        conformer(false),
                        conformer(true),
                        t5())
                .toList();
    }

    private static Map<String, Object> spectrum() {
        return Map.of("codec", "spec", "n_fft", FFT, "input_frames", SAMPLES, "sample_rate", 16000, "hop_length", HOP);
    }

    private static Map<String, Object> mel() {
        Map<String, Object> audio = new LinkedHashMap<>(spectrum());
        audio.putAll(Map.of("codec", "melspec", "n_mels", BANDS));
        return audio;
    }

    private static Map<String, Object> perceiver(String positions, int latents) {
        Map<String, Object> encoder = new LinkedHashMap<>();
        encoder.put("position_encoding_type", positions);
        encoder.put("num_latents", latents);
        encoder.put("d_latents", 16);
        // As many as frequencies, as in the published ones.
        encoder.put("kv_dim", CHANNELS);
        encoder.put("qk_channels", 8 * HEADS);
        encoder.put("v_channels", 4 * HEADS);
        encoder.put("num_self_attention_heads", HEADS);
        encoder.put("num_cross_attention_heads", HEADS);
        encoder.put("num_blocks", 2);
        encoder.put("num_local_transformers_per_block", 1);
        encoder.put("num_temporal_transformers_per_block", 1);
        encoder.put("attention_to_channel", true);
        encoder.put("sca_use_query_residual", true);
        encoder.put("layer_norm_type", "layer_norm");
        encoder.put("layer_norm_eps", 1e-5);
        encoder.put("ff_layer_type", "mlp");
        encoder.put("hidden_act", "gelu");
        encoder.put("ff_widening_factor", 2);
        encoder.put("moe_num_experts", 8);
        encoder.put("moe_topk", 2);
        encoder.put("rope_type_sca", "pixel");
        encoder.put("rope_type_latent", "pixel");
        encoder.put("rope_type_temporal", "lang");
        encoder.put("rope_apply_to_keys", false);
        encoder.put("rope_partial_pe", false);
        return encoder;
    }

    private static Map<String, Object> decoder(int width) {
        Map<String, Object> decoder = new LinkedHashMap<>();
        decoder.put("d_model", width);
        decoder.put("num_heads", DECODER_HEADS);
        decoder.put("d_kv", 8);
        decoder.put("num_layers", 1);
        decoder.put("ff_widening_factor", 2);
        decoder.put("position_encoding_type", "sinusoidal");
        decoder.put("num_max_positions", 40);
        decoder.put("ff_layer_type", "t5_gmlp");
        return decoder;
    }

    private static Map<String, Object> single() {
        return Map.of("t5", decoder(MODEL));
    }

    private static Map<String, Object> multi() {
        Map<String, Object> decoder = decoder(MODEL);
        decoder.put("num_channels", 13);
        return Map.of("multi-t5", decoder);
    }

    private static Subject subject(
            String name,
            Map<String, Object> audio,
            Map<String, Object> encoder,
            String projection,
            Map<String, Object> decoder,
            String task,
            boolean tied) {
        String before = encoder.containsKey("perceiver-tf") ? "conv" : "none";
        return subject(name, audio, encoder, projection, decoder, task, tied, before);
    }

    private static Subject subject(
            String name,
            Map<String, Object> audio,
            Map<String, Object> encoder,
            String projection,
            Map<String, Object> decoder,
            String task,
            boolean tied,
            String before) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("encoder_type", encoder.keySet().iterator().next());
        model.put("decoder_type", decoder.keySet().iterator().next());
        model.put("pre_encoder_type", before);
        model.put("conv_out_channels", CHANNELS);
        model.put("encoder", encoder);
        model.put("pre_decoder_type", projection);
        model.put("decoder", decoder);
        model.put("vocab_size", 600);
        model.put("tie_word_embeddings", tied);
        ModelDefinition definition = new ModelDefinition(
                "yourmt3-small",
                "a small YourMT3+ of seeded weights, which has learned nothing",
                "yourmt3",
                task,
                "yourmt3-greedy",
                "yourmt3-reference",
                null,
                Map.of(
                        "hyper_parameters",
                        Map.of(
                                "task_manager", Map.of("task_name", task),
                                "audio_cfg", audio,
                                "model_cfg", model)),
                "model.ckpt",
                List.of(),
                "Apache-2.0",
                "none",
                Subjects.ROOT);
        YourMt3Family family = new YourMt3Family();
        Seeded seeded = new Seeded();
        family.load(definition, seeded, new Execution("cpu", "plain", 1)).close();
        int rows = decoder.containsKey("multi-t5") ? 13 : 1;
        int[][] ids = new int[rows][];
        Random random = new Random(4);
        Arrays.setAll(ids, row -> {
            int[] line = random.ints(FED, 2, 590).toArray();
            line[0] = 0;
            return line;
        });
        return Subject.of(
                name,
                family,
                definition,
                new Values(seeded.taken),
                new TraceInput.Forced(new TraceInput.Samples(Subjects.sound(SAMPLES, 16000, 3), List.of(0)), ids));
    }

    /** Weights that are made as they are asked for, of the sizes that trained ones have, or what they are by definition. */
    private static final class Seeded implements Weights {
        private final Random random = new Random(20261125);
        private final Map<String, Value> taken = new LinkedHashMap<>();

        @Override
        public float[] take(String name, long... shape) {
            int[] sizes = Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
            int count = Arrays.stream(sizes).reduce(1, Math::multiplyExact);
            float[] numbers = numbers(name, sizes, count);
            taken.put(name, new Value(Arrays.stream(shape).boxed().toList(), numbers));
            return numbers.clone();
        }

        private float[] numbers(String name, int[] shape, int count) {
            if (name.endsWith("window")) {
                return hann(count);
            }
            if (name.endsWith("filters")) {
                return filters(shape[0], shape[1]);
            }
            if (name.endsWith("frequencies")) {
                return frequencies(name.contains("temporal") || name.contains(".rotary."), count);
            }
            if (name.endsWith("embedded.table")) {
                return sinusoids(shape[0], shape[1]);
            }
            if (name.endsWith(".scale") || name.endsWith(".variance")) {
                return uniform(count);
            }
            double size = 1;
            if (name.endsWith(".bias") || name.endsWith(".mean")) {
                size = 0.3;
            } else if (name.endsWith("router.weight")) {
                size = 1.8 / Math.sqrt(shape[0]);
            } else if (name.endsWith(".weight") && !name.contains("embedding.")) {
                size = 1 / Math.sqrt(inputs(shape));
            }
            float[] numbers = new float[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = (float) (size * random.nextGaussian());
            }
            return numbers;
        }

        /** Products that one number of what comes out is the sum of. */
        private static int inputs(int[] shape) {
            return switch (shape.length) {
                case 4 -> shape[0] * shape[1] * shape[2];
                case 3 -> shape[1] * shape[2];
                default -> shape[0];
            };
        }

        private float[] uniform(int count) {
            float[] numbers = new float[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = (float) (0.5 + random.nextDouble());
            }
            return numbers;
        }

        private static float[] hann(int count) {
            float[] window = new float[count];
            for (int i = 0; i < count; i++) {
                window[i] = (float) (0.5 - 0.5 * StrictMath.cos(2 * Math.PI * i / count));
            }
            return window;
        }

        private static float[] filters(int bins, int bands) {
            return WrongSpectrum.filters(bins, bands, 50, 8000, WrongSpectrum.Scale.HTK, WrongSpectrum.Scale.HERTZ);
        }

        private static float[] frequencies(boolean numbered, int count) {
            float[] frequencies = new float[count];
            for (int i = 0; i < count; i++) {
                frequencies[i] = (float)
                        (numbered
                                ? StrictMath.pow(10000, -(double) i / count)
                                : Math.PI * (count == 1 ? 1 : 1 + 4.0 * i / (count - 1)));
            }
            return frequencies;
        }

        private static float[] sinusoids(int positions, int width) {
            float[] table = new float[positions * width];
            int half = width / 2;
            for (int i = 0; i < table.length; i++) {
                int column = i % width;
                double angle = (i / width) * StrictMath.pow(10000, -(double) (column % half) / half);
                table[i] = (float) (column < half ? StrictMath.sin(angle) : StrictMath.cos(angle));
            }
            return table;
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            return new Ledger("weights of a seed", "", "", List.of());
        }

        @Override
        public void finish() {
            // Nothing is left over: there is only what was asked for.
        }
    }
}
