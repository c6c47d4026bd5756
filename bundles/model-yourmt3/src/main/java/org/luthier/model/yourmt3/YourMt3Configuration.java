package org.luthier.model.yourmt3;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.audio.spectrum.Stft;
import org.luthier.nn.Heads;
import org.luthier.nn.t5.T5Form;
import org.luthier.nn.t5.T5Sizes;

/**
 * What a checkpoint says about its own model, in the arguments that it was trained with: sizes, and which of the family's options it has.
 *
 * <p>NOTE: the arguments spell some things twice. What the encoder never read, such as {@code rotary_partial_pe} and {@code layer_norm}, is
 * not read here either; what is absent has the encoder's own default.
 *
 * @param task name of the vocabulary, or null where the checkpoint does not tell
 * @param audio the front end
 * @param preEncoder what stands between spectrogram and encoder
 * @param convolutionChannels channels of a pre-encoder that convolves
 * @param encoder the encoder
 * @param projection what stands between encoder and decoder
 * @param decoder the decoder
 * @param channels rows of the decoder for each segment
 * @param vocabulary rows of the embedding and of the output matrix
 * @param scaledOutput whether what the output matrix multiplies is divided by the root of its width
 */
record YourMt3Configuration(
        String task,
        Audio audio,
        PreEncoding preEncoder,
        int convolutionChannels,
        Encoder encoder,
        Projection projection,
        T5 decoder,
        int channels,
        int vocabulary,
        boolean scaledOutput) {
    /** More than any such model, less than what would overflow a product of two. */
    private static final int MOST = 32768;

    static final String ROOT = "hyper_parameters.";

    /**
     * The front end.
     *
     * @param mel whether powers in mel bands, or else magnitudes of bins
     * @param segment samples of a segment
     * @param window samples of a frame
     * @param hop samples from a frame to the next one
     * @param bands of a frame
     */
    record Audio(boolean mel, int sampleRate, int segment, int window, int hop, int bands) {
        /** Frames of a segment, centred. */
        int frames() {
            return 1 + segment / hop;
        }
    }

    /** What stands between spectrogram and encoder. */
    enum PreEncoding {
        NONE,
        /** Residual blocks of convolutions over time and frequency. */
        CONV,
        /** Over time alone. */
        CONV1D_T,
        /** Over frequency alone. */
        CONV1D_F,
        /** A convolution, and windows of time. */
        HFTT,
        /** Residual blocks, and windows of time. */
        RES3B_HFTT
    }

    /** An encoder. */
    sealed interface Encoder permits Perceiver, T5, Conformer {}

    /** Where the vectors of a Perceiver stand. */
    enum Positions {
        NONE,
        /** Trained vectors for each time and latent. */
        TKD,
        /** For each time. */
        TD,
        /** Numbers for each time and latent. */
        TK,
        /** Vectors for each latent, and for each time before the first that looks over time. */
        KDT,
        /** Rotated queries. */
        ROPE,
        /** Distances count against keys. */
        ALIBI,
        /** With trained slopes. */
        ALIBIT
    }

    /** What angles rotate by: places from -1 to 1, or numbers of positions. */
    enum Rotation {
        PIXEL,
        LANG
    }

    /** What a vector goes through by itself. */
    enum FeedForward {
        MLP,
        GMLP,
        MOE
    }

    /** What is done between two matrices. */
    enum Nonlinearity {
        GELU,
        RELU,
        SILU
    }

    /**
     * Perceiver-TF.
     *
     * @param latents vectors of each time
     * @param width of a latent
     * @param sourceWidth of a vector that latents attend to
     * @param queries columns of all heads' queries and keys
     * @param values columns of all heads' values
     * @param selfHeads heads of local and temporal attention
     * @param crossHeads heads of spectral attention
     * @param local local layers of a block
     * @param temporal temporal layers of a block
     * @param overChannels whether latents attend to the channels of the pre-encoder, or else to its frequencies
     * @param residual whether what latents gather from the spectrum is added to them, or else takes their place
     * @param rms whether norms leave the mean
     * @param epsilon of the norms
     * @param hidden width inside feed-forward layers
     * @param experts of a mixture; of others, not used
     * @param chosen experts of each vector
     * @param rotateKeys whether keys are rotated too
     * @param rotated columns of each head that rotate
     */
    record Perceiver(
            int latents,
            int width,
            int sourceWidth,
            int queries,
            int values,
            int selfHeads,
            int crossHeads,
            int blocks,
            int local,
            int temporal,
            boolean overChannels,
            boolean residual,
            boolean rms,
            double epsilon,
            FeedForward feedForward,
            Nonlinearity nonlinearity,
            int hidden,
            int experts,
            int chosen,
            Positions positions,
            Rotation spectralRotation,
            Rotation localRotation,
            Rotation temporalRotation,
            boolean rotateKeys,
            int rotated)
            implements Encoder {}

    /**
     * A stack of T5.
     *
     * @param headSize width of a head
     * @param hidden width inside feed-forward layers
     * @param relative whether attention knows distances by trained numbers, or else vectors get stored sinusoids added
     * @param positions that have stored sinusoids
     * @param mixture whether feed-forward layers are mixtures of experts
     */
    record T5(
            int model,
            int heads,
            int headSize,
            int layers,
            int hidden,
            boolean relative,
            int positions,
            boolean mixture)
            implements Encoder {
        /** Experts of a mixture, whatever the arguments say. */
        static final int EXPERTS = 8;

        /** Its sizes; scores are not scaled. */
        T5Sizes stack() {
            return new T5Sizes(model, new Heads(heads, headSize, 1), hidden);
        }

        /** @param logitFactor what the end of a decoder is multiplied with */
        T5Form form(double logitFactor) {
            return new T5Form(
                    relative ? T5Form.Positions.RELATIVE : T5Form.Positions.STORED, mixture ? EXPERTS : 0, logitFactor);
        }
    }

    /**
     * Conformer.
     *
     * @param hidden width inside feed-forward layers
     * @param relative whether attention knows distances, or else what queries and keys are made from is rotated
     * @param kernel times that a convolution sees
     */
    record Conformer(int width, int hidden, int heads, int layers, boolean relative, int kernel) implements Encoder {}

    /**
     * What stands between encoder and decoder.
     *
     * @param depth latent columns that a convolution sees; 0 for others
     */
    record Projection(Joining joining, int depth) {}

    /** How the latents of a time become what a decoder attends to. */
    enum Joining {
        NONE,
        LINEAR,
        MC_SHARED_LINEAR,
        GROUP_LINEAR,
        MLP,
        MLP_GELU,
        MLP_RELU,
        CONV
    }

    /**
     * Reads what a checkpoint says.
     *
     * @param metadata of the checkpoint
     * @throws LuthierException that names the argument, what was expected and what was found
     */
    static YourMt3Configuration of(Map<String, String> metadata) {
        return of(new Arguments("checkpoint", ROOT, metadata, false, new LinkedHashMap<>()));
    }

    /**
     * Reads what the configuration of a definition holds: every argument that is read, and no other.
     *
     * @throws LuthierException that names the model, the argument, what was expected and what was found
     */
    static YourMt3Configuration of(ModelDefinition definition) {
        String where = "model " + definition.id() + ": configuration";
        Map<String, String> given = ArgumentTree.flat(definition.configuration());
        Map<String, String> read = new LinkedHashMap<>();
        YourMt3Configuration configuration = of(new Arguments(where, ROOT, given, true, read));
        for (String name : given.keySet()) {
            if (name.startsWith(ROOT) && !read.containsKey(name)) {
                throw new LuthierException(
                        where + ": " + name + ": unknown argument; known are " + String.join(", ", read.keySet()));
            }
        }
        return configuration;
    }

    /**
     * The arguments that {@link #of(Map)} reads in what a checkpoint says, with those that it leaves to their defaults.
     *
     * @throws LuthierException as that
     */
    static Map<String, String> arguments(Map<String, String> metadata) {
        Map<String, String> read = new LinkedHashMap<>();
        of(new Arguments("checkpoint", ROOT, metadata, false, read));
        return read;
    }

    private static YourMt3Configuration of(Arguments all) {
        String task = all.inside("task_manager").told("task_name");
        Audio audio = audio(all.inside("audio_cfg"));
        Arguments model = all.inside("model_cfg");
        String decoderType = model.word("decoder_type", null, List.of("t5", "multi-t5"));
        String encoderType = model.word("encoder_type", null, List.of("perceiver-tf", "t5", "conformer"));
        Arguments encoder = model.inside("encoder").inside(encoderType);
        Arguments decoder = model.inside("decoder").inside(decoderType);
        boolean multi = decoderType.equals("multi-t5");
        YourMt3Configuration read = new YourMt3Configuration(
                task,
                audio,
                model.choice("pre_encoder_type", PreEncoding.NONE, PreEncoding.class),
                model.number("conv_out_channels", 128),
                switch (encoderType) {
                    case "t5" -> t5(encoder);
                    case "conformer" -> conformer(encoder);
                    default -> perceiver(encoder);
                },
                projection(model),
                t5(decoder),
                multi ? decoder.number("num_channels", null) : 1,
                model.number("vocab_size", null),
                model.flag("tie_word_embeddings", true));
        read.check(model);
        return read;
    }

    private static Audio audio(Arguments audio) {
        boolean mel = audio.word("codec", null, List.of("spec", "melspec")).equals("melspec");
        int window = audio.number("n_fft", null);
        if (Integer.bitCount(window) != 1 || window < 2 || window > Stft.LONGEST) {
            throw audio.wrong("n_fft", "a power of two from 2 to " + Stft.LONGEST, window);
        }
        int segment = audio.number("input_frames", null);
        if (segment <= window / 2) {
            throw audio.wrong("input_frames", "more than half of n_fft, which is mirrored at the ends", segment);
        }
        return new Audio(
                mel,
                audio.number("sample_rate", null),
                segment,
                window,
                audio.number("hop_length", null),
                mel ? audio.number("n_mels", null) : window / 2);
    }

    private static Perceiver perceiver(Arguments encoder) {
        int width = encoder.number("d_latents", 128);
        int crossHeads = encoder.number("num_cross_attention_heads", 8);
        String positions = encoder.word(
                "position_encoding_type",
                "none",
                List.of("trainable", "tkd", "td", "tk", "kdt", "rope", "alibi", "alibit", "none"));
        // NOTE: the heads are counted where the width of one was meant.
        int rotated = encoder.flag("rope_partial_pe", false) ? crossHeads / 2 : crossHeads;
        return new Perceiver(
                encoder.number("num_latents", null),
                width,
                encoder.number("kv_dim", 128),
                encoder.number("qk_channels", 128),
                encoder.number("v_channels", 128),
                encoder.number("num_self_attention_heads", 8),
                crossHeads,
                encoder.number("num_blocks", null),
                encoder.number("num_local_transformers_per_block", null),
                encoder.number("num_temporal_transformers_per_block", null),
                encoder.flag("attention_to_channel", true),
                encoder.flag("sca_use_query_residual", true),
                encoder.word("layer_norm_type", "layer_norm", List.of("layer_norm", "rms_norm"))
                        .equals("rms_norm"),
                encoder.real("layer_norm_eps", 1e-5),
                encoder.choice("ff_layer_type", FeedForward.MLP, FeedForward.class),
                encoder.choice("hidden_act", Nonlinearity.GELU, Nonlinearity.class),
                Math.multiplyExact(width, encoder.number("ff_widening_factor", 1)),
                encoder.number("moe_num_experts", 8),
                encoder.number("moe_topk", 2),
                positions.equals("trainable") ? Positions.TKD : Positions.valueOf(positions.toUpperCase(Locale.ROOT)),
                rotation(encoder, "rope_type_sca", "pixel"),
                rotation(encoder, "rope_type_latent", "pixel"),
                rotation(encoder, "rope_type_temporal", "lang"),
                encoder.flag("rope_apply_to_keys", false),
                rotated);
    }

    private static Rotation rotation(Arguments encoder, String name, String otherwise) {
        String word = encoder.word(name, otherwise, List.of("pixel", "lang", "p", "l"));
        return word.startsWith("p") ? Rotation.PIXEL : Rotation.LANG;
    }

    private static T5 t5(Arguments stack) {
        int model = stack.number("d_model", null);
        return new T5(
                model,
                stack.number("num_heads", null),
                stack.number("d_kv", 64),
                stack.number("num_layers", null),
                Math.multiplyExact(model, stack.number("ff_widening_factor", null)),
                stack.word("position_encoding_type", null, List.of("sinusoidal", "trainable"))
                        .equals("trainable"),
                stack.number("num_max_positions", null),
                stack.word("ff_layer_type", null, List.of("t5_gmlp", "moe")).equals("moe"));
    }

    private static Conformer conformer(Arguments encoder) {
        return new Conformer(
                encoder.number("d_model", null),
                encoder.number("intermediate_size", null),
                encoder.number("num_heads", null),
                encoder.number("num_layers", null),
                encoder.word("position_encoding_type", null, List.of("rotary", "relative"))
                        .equals("relative"),
                encoder.number("conv_depthwise_kernel_size", null));
    }

    private static Projection projection(Arguments model) {
        String word = model.word(
                "pre_decoder_type",
                "none",
                List.of(
                        "none",
                        "linear",
                        "mc_shared_linear",
                        "group_linear",
                        "mlp",
                        "mlp_gelu",
                        "mlp_relu",
                        "conv1",
                        "conv4",
                        "conv16",
                        "conv32",
                        "conv64"));
        return word.startsWith("conv")
                ? new Projection(Joining.CONV, Integer.parseInt(word.substring("conv".length())))
                : new Projection(Joining.valueOf(word.toUpperCase(Locale.ROOT)), 0);
    }

    /** What has to agree with each other, whatever the tensors are. */
    private void check(Arguments model) {
        boolean perceiver = encoder instanceof Perceiver;
        if (perceiver == (projection.joining() == Joining.NONE)) {
            throw model.wrong("pre_decoder_type", perceiver ? "one, for a Perceiver" : "none", projection.joining());
        }
        if (perceiver == (preEncoder == PreEncoding.NONE)) {
            throw model.wrong("pre_encoder_type", perceiver ? "one, for a Perceiver" : "none", preEncoder);
        }
        boolean shared = projection.joining() == Joining.MC_SHARED_LINEAR;
        if (shared != channels > 1) {
            throw model.wrong(
                    "pre_decoder_type",
                    channels > 1 ? "mc_shared_linear, for " + channels + " channels" : "one for one channel",
                    projection.joining());
        }
        Arguments own = model.inside("encoder");
        if (encoder instanceof Perceiver latent) {
            checkPerceiver(own.inside("perceiver-tf"), latent);
            checkDivides(own.inside("perceiver-tf"), "num_latents", latent.latents(), "num_channels", channels);
            checkProjection(model, latent);
        } else if (encoder instanceof Conformer conformer) {
            checkConformer(own.inside("conformer"), conformer);
        } else if (encoder instanceof T5 stack && !stack.relative() && stack.positions() < audio.frames()) {
            throw own.inside("t5")
                    .wrong("num_max_positions", "the " + audio.frames() + " frames of a segment", stack.positions());
        }
    }

    private static void checkPerceiver(Arguments own, Perceiver latent) {
        checkDivides(own, "qk_channels", latent.queries(), "num_self_attention_heads", latent.selfHeads());
        checkDivides(own, "qk_channels", latent.queries(), "num_cross_attention_heads", latent.crossHeads());
        checkDivides(own, "v_channels", latent.values(), "num_self_attention_heads", latent.selfHeads());
        checkDivides(own, "v_channels", latent.values(), "num_cross_attention_heads", latent.crossHeads());
        if (latent.feedForward() == FeedForward.MOE && latent.chosen() > latent.experts()) {
            throw own.wrong("moe_topk", "at most moe_num_experts, " + latent.experts(), latent.chosen());
        }
    }

    private static void checkConformer(Arguments own, Conformer conformer) {
        checkDivides(own, "d_model", conformer.width(), "num_heads", conformer.heads());
        if (!conformer.relative() && conformer.width() / conformer.heads() % 2 != 0) {
            throw own.wrong("num_heads", "heads of an even width, to rotate", conformer.heads());
        }
        if (conformer.kernel() % 2 == 0) {
            throw own.wrong("conv_depthwise_kernel_size", "an odd number", conformer.kernel());
        }
    }

    private void checkProjection(Arguments model, Perceiver latent) {
        int width = decoder.model();
        if (projection.joining() == Joining.GROUP_LINEAR && width % latent.latents() != 0) {
            throw model.wrong(
                    "pre_decoder_type",
                    "another than group_linear, or a d_model that is a multiple of the " + latent.latents()
                            + " latents",
                    width);
        }
        if (projection.joining() == Joining.CONV && (width < latent.width() || latent.width() < projection.depth())) {
            throw model.wrong(
                    "pre_decoder_type",
                    "conv up to the width of a latent, " + latent.width() + ", and that up to d_model, " + width,
                    "conv" + projection.depth());
        }
    }

    private static void checkDivides(Arguments own, String name, int value, String divisorName, int divisor) {
        if (value % divisor != 0) {
            throw own.wrong(name, "a multiple of " + divisorName + ", " + divisor, value);
        }
    }

    /**
     * Arguments of one group, by name; one that is absent, or none at all, has a default, or is asked for in vain.
     *
     * @param where what has them, for errors
     * @param complete whether none is left to its default
     * @param read takes those that were asked for
     */
    private record Arguments(
            String where, String group, Map<String, String> given, boolean complete, Map<String, String> read) {
        Arguments inside(String name) {
            return new Arguments(where, group + name + ".", given, complete, read);
        }

        int number(String name, Integer otherwise) {
            String text = text(name, otherwise);
            // At most nine digits: no overflow.
            if (text.matches("[0-9]{1,9}")) {
                int number = Integer.parseInt(text);
                if (number >= 1 && number <= (name.equals("input_frames") ? 1 << 24 : MOST)) {
                    return number;
                }
            }
            throw wrong(name, "a whole number from 1 on", text);
        }

        double real(String name, double otherwise) {
            String text = text(name, otherwise);
            try {
                double number = Double.parseDouble(text);
                if (number > 0 && number < 1) {
                    return number;
                }
            } catch (NumberFormatException e) {
                throw wrong(name, "a number between 0 and 1", text);
            }
            throw wrong(name, "a number between 0 and 1", text);
        }

        boolean flag(String name, boolean otherwise) {
            return Boolean.parseBoolean(word(name, String.valueOf(otherwise), List.of("true", "false")));
        }

        <E extends Enum<E>> E choice(String name, E otherwise, Class<E> type) {
            List<String> words = Arrays.stream(type.getEnumConstants())
                    .map(each -> each.name().toLowerCase(Locale.ROOT))
                    .toList();
            String word = word(name, otherwise.name().toLowerCase(Locale.ROOT), words);
            return Enum.valueOf(type, word.toUpperCase(Locale.ROOT));
        }

        String word(String name, String otherwise, List<String> words) {
            String text = text(name, otherwise);
            if (!words.contains(text)) {
                throw wrong(name, "one of " + String.join(", ", words), text);
            }
            return text;
        }

        private String text(String name, Object otherwise) {
            String text = complete || otherwise == null
                    ? optional(name)
                    : given.getOrDefault(group + name, otherwise.toString());
            if (text == null) {
                throw wrong(name, "a value", "nothing");
            }
            read.put(group + name, text);
            return text;
        }

        /** One that a checkpoint need not tell: null if it does not. */
        String told(String name) {
            return complete ? text(name, null) : optional(name);
        }

        private String optional(String name) {
            String text = given.get(group + name);
            if (text != null) {
                read.put(group + name, text);
            }
            return text;
        }

        LuthierException wrong(String name, String expected, Object got) {
            return new LuthierException(where + ": " + group + name + ": expected " + expected + ", got " + got
                    + "; this is no YourMT3+ that can be run");
        }
    }
}
