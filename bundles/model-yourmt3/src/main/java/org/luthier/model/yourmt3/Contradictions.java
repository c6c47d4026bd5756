package org.luthier.model.yourmt3;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.model.yourmt3.YourMt3Configuration.Conformer;
import org.luthier.model.yourmt3.YourMt3Configuration.FeedForward;
import org.luthier.model.yourmt3.YourMt3Configuration.Joining;
import org.luthier.model.yourmt3.YourMt3Configuration.Perceiver;
import org.luthier.model.yourmt3.YourMt3Configuration.Positions;
import org.luthier.model.yourmt3.YourMt3Configuration.PreEncoding;
import org.luthier.model.yourmt3.YourMt3Configuration.T5;

/**
 * Hyper parameters that the weights gainsay: told by the name of the parameter before a layer is built, where taking weights would only tell
 * that one is missing, left over or of another shape.
 *
 * <p>Name rules have seen to it that layers are whole and that the weights fit each other: one weight speaks for all of its kind. What no
 * weight tells, such as nonlinearities, {@code tie_word_embeddings} or the heads of most attentions, cannot be gainsaid.
 */
final class Contradictions {
    private static final String AUDIO = YourMt3Configuration.ROOT + "audio_cfg.";
    private static final String MODEL = YourMt3Configuration.ROOT + "model_cfg.";

    /** Trained places beyond the times of a segment. */
    private static final int SPARE = 10;

    private final String model;
    private final Weights weights;
    private final Map<String, TensorInfo> there = new LinkedHashMap<>();

    private Contradictions(String model, Weights weights) {
        this.model = model;
        this.weights = weights;
        weights.tensors().forEach(tensor -> there.put(tensor.name(), tensor));
    }

    /**
     * Holds hyper parameters against the weights that there are; weights that are made as they are asked for gainsay nothing.
     *
     * @param model whose parameters they are
     * @throws LuthierException that names the first parameter that is gainsaid, its value, and the weight that does
     */
    static void refuse(String model, YourMt3Configuration configuration, Weights weights) {
        Contradictions among = new Contradictions(model, weights);
        if (!among.there.isEmpty()) {
            among.audio(configuration.audio());
            among.decoder(configuration);
            among.preEncoder(configuration);
            among.encoder(configuration);
            among.projection(configuration);
        }
    }

    private void audio(YourMt3Configuration.Audio audio) {
        Map<String, String> marks = Map.of("spec", "frontend.window", "melspec", "frontend.mel.window");
        String codec = audio.mel() ? "melspec" : "spec";
        kind(AUDIO + "codec", codec, marks);
        size(AUDIO + "n_fft", audio.window(), marks.get(codec), 0, audio.window());
        size(AUDIO + "n_fft", audio.window(), "frontend.mel.filters", 0, audio.window() / 2 + 1);
        size(AUDIO + "n_mels", audio.bands(), "frontend.mel.filters", 1, audio.bands());
    }

    private void decoder(YourMt3Configuration configuration) {
        int ids = configuration.vocabulary();
        size(MODEL + "vocab_size", ids, "decoder.token_embedding.weight", 0, ids);
        String group = MODEL + "decoder."
                + (configuration.projection().joining() == Joining.MC_SHARED_LINEAR ? "multi-t5." : "t5.");
        T5 stack = configuration.decoder();
        size(group + "d_model", stack.model(), "decoder.token_embedding.weight", 1, stack.model());
        stack(group, stack, "decoder", "self_attention");
    }

    private void stack(String group, T5 stack, String name, String attention) {
        count(group + "num_layers", stack.layers(), name + ".layer");
        String positions = group + "position_encoding_type";
        String stored = name + ".embedded.table";
        String bias = name + ".position_bias.table";
        kind(positions, stack.relative() ? "trainable" : "sinusoidal", Map.of("sinusoidal", stored, "trainable", bias));
        size(group + "num_max_positions", stack.positions(), stored, 0, stack.positions());
        size(group + "num_heads", stack.heads(), bias, 1, stack.heads());
        size(
                group + "num_heads",
                stack.heads() + " (of d_kv " + stack.headSize() + ")",
                name + ".layer0." + attention + ".q.weight",
                1,
                (long) stack.heads() * stack.headSize());
        for (int i = 0; i < stack.layers(); i++) {
            String mlp = name + ".layer" + i + ".mlp";
            feedForward(group, stack.mixture() ? "moe" : "t5_gmlp", "t5_gmlp", mlp, stack.hidden(), stack.model());
            if (stack.mixture()) {
                experts(group + "ff_layer_type", "moe", mlp, T5.EXPERTS);
            }
        }
    }

    /** @param gated word for a gated pair of matrices and a third */
    private void feedForward(String group, String type, String gated, String mlp, int hidden, int width) {
        Map<String, String> marks =
                Map.of("mlp", mlp + ".in.weight", gated, mlp + ".wi_0.weight", "moe", mlp + ".router.weight");
        kind(group + "ff_layer_type", type, marks);
        String inner = type.equals("moe") ? mlp + ".expert0.gate.weight" : marks.get(type);
        size(group + "ff_widening_factor", hidden / width, inner, 1, hidden);
    }

    private void experts(String parameter, Object value, String mlp, int experts) {
        size(parameter, value, mlp + ".router.weight", 1, experts);
        count(parameter, value, mlp + ".expert", experts);
    }

    private void preEncoder(YourMt3Configuration configuration) {
        PreEncoding type = configuration.preEncoder();
        String parameter = MODEL + "pre_encoder_type";
        String blocks = "pre_encoder.block0.conv1.weight";
        String word = word(type);
        Map<String, String> marks = new LinkedHashMap<>();
        marks.put(type == PreEncoding.CONV1D_T || type == PreEncoding.CONV1D_F ? word : "conv", blocks);
        marks.put("hftt", "pre_encoder.conv.weight");
        marks.put("res3b_hftt", "pre_encoder.res3b.block0.conv1.weight");
        kind(parameter, word, marks);
        size(parameter, word, blocks, 0, type == PreEncoding.CONV1D_F ? 1 : 3);
        size(parameter, word, blocks, 1, type == PreEncoding.CONV1D_T ? 1 : 3);
        int channels = configuration.convolutionChannels();
        size(MODEL + "conv_out_channels", channels, blocks, 3, channels);
    }

    private void encoder(YourMt3Configuration configuration) {
        Map<String, String> marks = Map.of(
                "perceiver-tf",
                "encoder.latents",
                "t5",
                "encoder.layer0.attention.q.weight",
                "conformer",
                "encoder.layer0.self_attention.q.weight");
        String parameter = MODEL + "encoder_type";
        String group = MODEL + "encoder.";
        if (configuration.encoder() instanceof Perceiver perceiver) {
            kind(parameter, "perceiver-tf", marks);
            perceiver(group + "perceiver-tf.", perceiver, configuration);
        } else if (configuration.encoder() instanceof Conformer conformer) {
            kind(parameter, "conformer", marks);
            conformer(group + "conformer.", conformer);
            bands(configuration.audio(), "encoder.norm.scale");
        } else if (configuration.encoder() instanceof T5 stack) {
            kind(parameter, "t5", marks);
            size(group + "t5.d_model", stack.model(), "encoder.out.scale", 0, stack.model());
            stack(group + "t5.", stack, "encoder", "attention");
            bands(configuration.audio(), "encoder.out.scale");
        }
    }

    /** Where nothing stands before an encoder, its vectors are as wide as the spectrogram. */
    private void bands(YourMt3Configuration.Audio audio, String scale) {
        String parameter = AUDIO + (audio.mel() ? "n_mels" : "n_fft");
        size(parameter, audio.mel() ? audio.bands() : audio.window(), scale, 0, audio.bands());
    }

    private void perceiver(String group, Perceiver sizes, YourMt3Configuration configuration) {
        count(group + "num_blocks", sizes.blocks(), "encoder.block");
        size(group + "num_latents", sizes.latents(), "encoder.latents", 0, sizes.latents());
        size(group + "d_latents", sizes.width(), "encoder.latents", 1, sizes.width());
        String spectral = "encoder.block0.spectral_cross_attention.";
        size(group + "kv_dim", sizes.sourceWidth(), spectral + "source_norm.scale", 0, sizes.sourceWidth());
        size(
                group + "attention_to_channel",
                sizes.overChannels(),
                spectral + "source_norm.scale",
                0,
                sourceWidth(sizes, configuration));
        size(group + "qk_channels", sizes.queries(), spectral + "q.weight", 1, sizes.queries());
        size(group + "v_channels", sizes.values(), spectral + "v.weight", 1, sizes.values());
        positions(group, sizes, configuration.audio());
        norms(group + "layer_norm_type", sizes.rms());
        for (int i = 0; i < sizes.blocks(); i++) {
            String block = "encoder.block" + i;
            count(group + "num_local_transformers_per_block", sizes.local(), block + ".local");
            count(group + "num_temporal_transformers_per_block", sizes.temporal(), block + ".temporal");
            for (int j = 0; j < sizes.local(); j++) {
                transformer(group, sizes, block + ".local" + j + ".mlp");
            }
            for (int j = 0; j < sizes.temporal(); j++) {
                transformer(group, sizes, block + ".temporal" + j + ".mlp");
            }
        }
    }

    private void transformer(String group, Perceiver sizes, String mlp) {
        feedForward(group, word(sizes.feedForward()), "gmlp", mlp, sizes.hidden(), sizes.width());
        if (sizes.feedForward() == FeedForward.MOE) {
            experts(group + "moe_num_experts", sizes.experts(), mlp, sizes.experts());
        }
    }

    /** Numbers of a vector that latents attend to. */
    private static int sourceWidth(Perceiver sizes, YourMt3Configuration configuration) {
        int bands = configuration.audio().bands();
        return switch (configuration.preEncoder()) {
            case HFTT -> sizes.overChannels() ? bands : WindowedPreEncoder.EMBEDDED;
            case RES3B_HFTT -> sizes.overChannels() ? bands >> Res3b.BLOCKS : WindowedPreEncoder.EMBEDDED;
            default -> sizes.overChannels() ? bands >> Res3b.BLOCKS : configuration.convolutionChannels();
        };
    }

    private void positions(String group, Perceiver sizes, YourMt3Configuration.Audio audio) {
        String parameter = group + "position_encoding_type";
        String word = word(sizes.positions());
        String slopes = "encoder.block0.spectral_cross_attention.alibi.slopes";
        long latents = sizes.latents();
        long width = sizes.width();
        long times = audio.frames() + SPARE;
        String segment = audio.segment() + " (" + audio.frames() + " times of hop_length " + audio.hop() + ")";
        List<Long> shape = switch (sizes.positions()) {
            case TKD -> List.of(times, latents, width);
            case TD -> List.of(times, width);
            case TK -> List.of(times, latents);
            case KDT -> List.of(latents, width);
            case NONE, ROPE, ALIBI, ALIBIT -> null;
        };
        String embedding = "encoder.position_embedding";
        presence(parameter, word, embedding, shape != null);
        presence(parameter, word, "encoder.temporal_position_embedding", sizes.positions() == Positions.KDT);
        presence(parameter, word, "encoder.rotary_spectral.frequencies", sizes.positions() == Positions.ROPE);
        presence(parameter, word, slopes, sizes.positions() == Positions.ALIBIT);
        if (shape != null) {
            List<Long> got = there.get(embedding).shape();
            boolean byTime = sizes.positions() != Positions.KDT;
            if (!got.equals(shape)) {
                throw byTime
                                && got.size() == shape.size()
                                && got.subList(1, got.size()).equals(shape.subList(1, got.size()))
                        ? contradiction(AUDIO + "input_frames", segment, needs(embedding, shape))
                        : contradiction(parameter, word, needs(embedding, shape));
            }
        }
        size(AUDIO + "input_frames", segment, "encoder.temporal_position_embedding", 0, times);
        String heads = group + "num_cross_attention_heads";
        String rotating = sizes.crossHeads() + ", of which " + sizes.rotated() + " rotate";
        for (String kind : List.of("spectral", "local", "temporal")) {
            size(heads, rotating, "encoder.rotary_" + kind + ".frequencies", 0, sizes.rotated() / 2);
        }
        int narrowest = sizes.queries() / Math.max(sizes.selfHeads(), sizes.crossHeads());
        int pairs = sizes.rotated() / 2;
        if (sizes.positions() == Positions.ROPE && (pairs == 0 || 2 * pairs > narrowest)) {
            throw contradiction(
                    heads,
                    rotating,
                    "a head of qk_channels has " + narrowest + " columns, of which 2 at least and all at most rotate");
        }
        size(heads, sizes.crossHeads(), slopes, 0, sizes.crossHeads());
        for (String kind : List.of("local", "temporal")) {
            size(
                    group + "num_self_attention_heads",
                    sizes.selfHeads(),
                    "encoder.block0." + kind + "0.attention.alibi.slopes",
                    0,
                    sizes.selfHeads());
        }
    }

    private void norms(String parameter, boolean rms) {
        String example = "encoder.block0.spectral_cross_attention.query_norm.bias";
        Predicate<String> bias =
                Pattern.compile("encoder\\.block[0-9]+\\..*norm\\.bias").asMatchPredicate();
        String found = there.keySet().stream().filter(bias).findFirst().orElse(example);
        presence(parameter, rms ? "rms_norm" : "layer_norm", found, !rms);
    }

    private void conformer(String group, Conformer sizes) {
        count(group + "num_layers", sizes.layers(), "encoder.layer");
        size(group + "d_model", sizes.width(), "encoder.norm.scale", 0, sizes.width());
        size(group + "d_model", sizes.width(), "decoder.layer0.cross_attention.k.weight", 0, sizes.width());
        String layer = "encoder.layer0.";
        size(group + "intermediate_size", sizes.hidden(), layer + "mlp1.in.weight", 1, sizes.hidden());
        kind(
                group + "position_encoding_type",
                sizes.relative() ? "relative" : "rotary",
                Map.of("relative", layer + "self_attention.positions.weight", "rotary", ConformerEncoder.FREQUENCIES));
        size(group + "num_heads", sizes.heads(), ConformerEncoder.FREQUENCIES, 0, sizes.width() / sizes.heads() / 2);
        size(group + "num_heads", sizes.heads(), layer + "self_attention.content_bias", 0, sizes.heads());
        size(
                group + "conv_depthwise_kernel_size",
                sizes.kernel(),
                layer + "convolution.depthwise.weight",
                2,
                sizes.kernel());
    }

    private void projection(YourMt3Configuration configuration) {
        String parameter = MODEL + "pre_decoder_type";
        Joining joining = configuration.projection().joining();
        int depth = configuration.projection().depth();
        String word = word(joining) + (joining == Joining.CONV ? depth : "");
        Map<String, String> marks = new LinkedHashMap<>();
        marks.put("linear", "pre_decoder.linear.weight");
        marks.put("group_linear", "pre_decoder.group_linear.weight");
        marks.put(word.startsWith("mlp") ? word : "mlp", "pre_decoder.linear0.weight");
        marks.put(joining == Joining.CONV ? word : "conv", "pre_decoder.conv.weight");
        String shared = "pre_decoder.shared_linear.weight";
        if (joining != Joining.MC_SHARED_LINEAR) {
            marks.put("mc_shared_linear", shared);
        }
        kind(parameter, word, marks);
        size(parameter, word, "pre_decoder.conv.weight", 1, depth);
        if (joining == Joining.MC_SHARED_LINEAR && configuration.encoder() instanceof Perceiver latent) {
            // The latents' number and size, and the decoder's width, have been found right.
            String channels = MODEL + "decoder.multi-t5.num_channels";
            int columns = latent.latents() / configuration.channels() * latent.width();
            presence(
                    channels,
                    configuration.channels(),
                    shared,
                    columns != configuration.decoder().model());
            size(channels, configuration.channels(), shared, 0, columns);
        }
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /**
     * A parameter that says which kind something is of.
     *
     * @param marks weights that only one kind has each, by its word; a kind that is not among them has none
     */
    private void kind(String parameter, String value, Map<String, String> marks) {
        for (Map.Entry<String, String> mark : marks.entrySet()) {
            if (!mark.getKey().equals(value)) {
                presence(parameter, value, mark.getValue(), false);
            }
        }
        if (marks.containsKey(value)) {
            presence(parameter, value, marks.get(value), true);
        }
    }

    private void presence(String parameter, Object value, String weight, boolean needed) {
        if (there.containsKey(weight) != needed) {
            throw contradiction(parameter, value, (needed ? "there is no " : "there is ") + told(weight));
        }
    }

    private void count(String parameter, int value, String prefix) {
        count(parameter, value, prefix, value);
    }

    /** How many there are of what is called by a prefix and a number. */
    private void count(String parameter, Object value, String prefix, int needed) {
        boolean last = false;
        for (String weight : there.keySet()) {
            int end = weight.indexOf('.', prefix.length());
            if (weight.startsWith(prefix)
                    && weight.substring(prefix.length(), end).matches("[0-9]{1,9}")) {
                int number = Integer.parseInt(weight.substring(prefix.length(), end));
                if (number >= needed) {
                    throw contradiction(parameter, value, "there is " + told(weight));
                }
                last |= number == needed - 1;
            }
        }
        if (!last) {
            throw contradiction(parameter, value, "there is no weight '" + prefix + (needed - 1) + ".*'");
        }
    }

    /** A weight that is missing is another matter. */
    private void size(String parameter, Object value, String weight, int dimension, long needed) {
        TensorInfo tensor = there.get(weight);
        if (tensor != null
                && (dimension >= tensor.shape().size() || tensor.shape().get(dimension) != needed)) {
            throw contradiction(
                    parameter,
                    value,
                    told(weight) + " has the shape " + tensor.shape() + ", not " + needed + " in dimension "
                            + dimension);
        }
    }

    private String needs(String weight, List<Long> shape) {
        return told(weight) + " has the shape "
                + Objects.requireNonNull(there.get(weight)).shape() + ", not " + shape;
    }

    private String told(String weight) {
        return "weight '" + weight + "'"
                + (there.containsKey(weight) ? " (tensor '" + weights.sourceName(weight) + "')" : "");
    }

    private LuthierException contradiction(String parameter, Object value, String told) {
        return new LuthierException("model " + model + ": " + parameter + " is " + value + ", but " + told
                + "; the weights are of another model than the hyper parameters");
    }
}
