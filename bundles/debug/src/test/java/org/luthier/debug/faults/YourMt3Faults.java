package org.luthier.debug.faults;

import static org.luthier.debug.faults.Fault.computation;
import static org.luthier.debug.faults.Fault.weights;

import java.util.List;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;
import org.luthier.debug.faults.WrongLayers.Turn;

/** Single faults of the small models of {@link YourMt3Subjects}. */
final class YourMt3Faults {
    private static final String BLOCK = "encoder.block0";
    private static final String SCA = BLOCK + ".sca";
    private static final String LOCAL = BLOCK + ".local0";
    private static final String TEMPORAL = BLOCK + ".temporal0";
    private static final String SCA_WEIGHTS = BLOCK + ".spectral_cross_attention";
    private static final String PRE = "pre_encoder.block0";
    private static final String LOG = "frontend.log";
    private static final String MAGNITUDES = "frontend.magnitudes";
    private static final String SAMPLES = "frontend.in";

    private static final double[] PIXEL = {Math.PI, 5 * Math.PI};
    private static final double[] LANG = {1, 0.01};
    private static final double HEAD = 1 / Math.sqrt(8);

    private static final String SCALE = "missing or doubled scale";
    private static final String EPSILON = "wrong epsilon";
    private static final String ADDEND = "addend missing";
    private static final String RESHAPED = "reshaped instead of transposed";

    private YourMt3Faults() {}

    private static Fault weight(
            String id, String what, String weight, String located, String cause, UnaryOperator<float[]> change) {
        return weights(id, what, located, cause, values -> values.with(weight, change));
    }

    private static Fault of(String id, String what, String tap, String cause, Computed computed, String... inputs) {
        return computation(id, what, tap, List.of(inputs), cause, computed);
    }

    /** Those of one of the models. */
    static List<Fault> of(Subject subject) {
        return switch (subject.name()) {
            case "YourMT3+ MoE" -> experts();
            case "YourMT3+" -> trained();
            case "YourMT3+ slope" -> slope();
            case "YourMT3+ ALiBi" -> distances();
            case "YourMT3+ keys" -> keys();
            case "YourMT3+ windows" -> YourMt3OptionFaults.windows();
            case "YourMT3+ layers" -> YourMt3OptionFaults.layers();
            case "Conformer" -> conformer();
            case "Conformer, distances" -> relative();
            default -> t5();
        };
    }

    private static Values exchanged(Values values, String a, String b, String... parts) {
        Values changed = values;
        for (String part : parts) {
            changed = changed.swapped(a + part, b + part);
        }
        return changed;
    }

    private static Turn turn(double[] frequencies, boolean halves, boolean pixel) {
        return new Turn(YourMt3Subjects.HEADS, frequencies, halves, pixel);
    }

    private static List<Fault> experts() {
        String mlp = LOCAL + ".mlp";
        String rotated = SCA + ".rotated_query";
        String query = SCA + ".query";
        double[] usual = new double[4];
        double[] even = new double[4];
        for (int i = 0; i < 4; i++) {
            usual[i] = Math.pow(10000, -i / 4.0);
            even[i] = Math.PI * (1 + 4 * i / 3.0);
        }
        return List.of(
                of(
                        "router-renormalised",
                        "weights of experts not divided by their sum",
                        mlp + ".weights",
                        "router weights not renormalised",
                        WrongLayers.routed((logits, order, k) -> WrongLayers.share(logits, order[k])),
                        mlp + ".router"),
                of(
                        "one-expert",
                        "one expert instead of two",
                        mlp + ".weights",
                        "number of experts",
                        WrongLayers.routed((logits, order, k) -> k == 0 ? 1 : 0),
                        mlp + ".router"),
                of(
                        "three-experts",
                        "three experts instead of two",
                        mlp + ".weights",
                        "number of experts",
                        WrongLayers.routed((logits, order, k) -> WrongLayers.share(logits, order[k])
                                / (WrongLayers.share(logits, order[0])
                                        + WrongLayers.share(logits, order[1])
                                        + WrongLayers.share(logits, order[2]))),
                        mlp + ".router"),
                of(
                        "least-probable",
                        "the experts with the smallest logits",
                        mlp + ".experts",
                        "other experts chosen",
                        WrongLayers.routed((logits, order, k) -> order[order.length - 1 - k]),
                        mlp + ".router"),
                weights(
                        "experts-permuted",
                        "two experts under each other's numbers",
                        mlp + ".expert1.out",
                        "experts permuted",
                        values -> exchanged(
                                values,
                                mlp + ".expert1",
                                mlp + ".expert2",
                                ".gate.weight",
                                ".up.weight",
                                ".down.weight")),
                weights(
                        "experts-turned",
                        "every expert under the number of the next",
                        mlp + ".expert0.out",
                        "experts permuted",
                        values -> {
                            Values changed = values;
                            for (int i = 0; i + 1 < YourMt3Subjects.EXPERTS; i++) {
                                changed = exchanged(
                                        changed,
                                        mlp + ".expert" + i,
                                        mlp + ".expert" + (i + 1),
                                        ".gate.weight",
                                        ".up.weight",
                                        ".down.weight");
                            }
                            return changed;
                        }),
                weights(
                        "expert-gate-up",
                        "w1 and gate of an expert under each other's names",
                        mlp + ".expert1.out",
                        "gate and up swapped",
                        values -> values.swapped(mlp + ".expert1.gate.weight", mlp + ".expert1.up.weight")),
                of(
                        "expert-weights-missing",
                        "the mean of what the chosen experts make",
                        mlp,
                        "router weights missing",
                        (right, inputs, values) -> {
                            float[] y = new float[right.values().length];
                            for (Tensor expert : inputs) {
                                for (int i = 0; i < y.length; i++) {
                                    y[i] += expert.values()[i] / 2;
                                }
                            }
                            return y;
                        },
                        mlp + ".expert0.out",
                        mlp + ".expert1.out",
                        mlp + ".expert2.out",
                        mlp + ".expert3.out"),
                weight(
                        "router-turned",
                        "the router's outputs turned by one",
                        mlp + ".router.weight",
                        mlp + ".router",
                        "rows shifted",
                        Wrong.columns(YourMt3Subjects.EXPERTS, j -> (j + 1) % YourMt3Subjects.EXPERTS)),
                of(
                        "rotated-halves",
                        "halves rotated instead of neighbours",
                        rotated,
                        "rotation of halves instead of pairs",
                        WrongLayers.turned(turn(PIXEL, true, true)),
                        query),
                of("not-rotated", "queries not rotated", rotated, "not rotated", WrongLayers.moved((i, x) -> i), query),
                of(
                        "rotated-full",
                        "all columns of a head rotated",
                        rotated,
                        "full instead of partial rotation",
                        WrongLayers.turned(turn(even, false, true)),
                        query),
                of(
                        "rotated-full-time",
                        "all columns of a head rotated, over time",
                        TEMPORAL + ".rotated_query",
                        "full instead of partial rotation",
                        WrongLayers.turned(turn(usual, false, false)),
                        TEMPORAL + ".query"),
                of(
                        "rotated-lang",
                        "latents rotated by numbers of positions",
                        LOCAL + ".rotated_query",
                        "rotation by other places",
                        WrongLayers.turned(turn(LANG, false, false)),
                        LOCAL + ".query"),
                of(
                        "rotated-pixel",
                        "times rotated by places from -1 to 1",
                        TEMPORAL + ".rotated_query",
                        "rotation by other places",
                        WrongLayers.turned(turn(PIXEL, false, true)),
                        TEMPORAL + ".query"),
                of(
                        "rotated-keys",
                        "keys rotated too",
                        LOCAL + ".logits",
                        "keys rotated",
                        WrongLayers.scores(HEAD, YourMt3Subjects.HEADS, null, turn(PIXEL, false, true)),
                        LOCAL + ".rotated_query",
                        LOCAL + ".key"),
                of(
                        "rotated-keys-only",
                        "keys rotated instead of queries",
                        LOCAL + ".logits",
                        "keys rotated instead of queries",
                        WrongLayers.scores(HEAD, YourMt3Subjects.HEADS, null, turn(PIXEL, false, true)),
                        LOCAL + ".query",
                        LOCAL + ".key"),
                of(
                        "attention-unscaled",
                        "scores not divided by the root of a head's size",
                        SCA + ".logits",
                        SCALE,
                        WrongLayers.scores(1, YourMt3Subjects.HEADS, null, null),
                        SCA + ".rotated_query",
                        SCA + ".key"),
                of(
                        "rows-of-times",
                        "latents of times as they lie for times of latents",
                        BLOCK + ".by_latent",
                        RESHAPED,
                        WrongLayers.moved((i, x) -> i),
                        LOCAL + ".out"),
                of(
                        "rows-back",
                        "times of latents as they lie for latents of times",
                        "encoder.block1.by_time",
                        RESHAPED,
                        WrongLayers.moved((i, x) -> i),
                        TEMPORAL + ".out"),
                of(
                        "channels-frequencies",
                        "latents attend to frequencies, not to channels",
                        "encoder.source",
                        "order of axes",
                        WrongLayers.moved((i, x) -> i),
                        "pre_encoder.out"),
                of(
                        "latents-minor",
                        "latents of a channel thirteen apart",
                        "pre_decoder.out",
                        "order of axes",
                        WrongLayers.after(
                                x -> new Tensor(
                                        x.shape(),
                                        WrongLayers.moved((i, from) -> {
                                                    int width = from.width();
                                                    int latent = i / width % 26;
                                                    int other = latent % 2 * 13 + latent / 2;
                                                    return (i / width / 26 * 26 + other) * width + i % width;
                                                })
                                                .of(x, List.of(x), null)),
                                YourMt3Faults.byChannel()),
                        "encoder.out"),
                of(
                        "channels-as-times",
                        "channels not moved before times",
                        "pre_decoder.out",
                        "reshaped instead of transposed",
                        Wrong.projection("pre_decoder.shared_linear.weight", y -> y),
                        "encoder.out"),
                of(
                        "residual-spectral",
                        "no residual around the spectral attention",
                        SCA + ".out",
                        ADDEND,
                        WrongLayers.projection(SCA_WEIGHTS + ".out.weight", SCA_WEIGHTS + ".out.bias", y -> y),
                        SCA + ".context"),
                of(
                        "norm-rms",
                        "an RMS norm for a layer norm",
                        SCA + ".q_norm",
                        "mean not subtracted",
                        WrongLayers.norm(SCA_WEIGHTS + ".query_norm.scale", null, 1e-5, false),
                        BLOCK + ".by_time"),
                of(
                        "norm-no-bias",
                        "a layer norm without its bias",
                        LOCAL + ".attn_norm",
                        "missing bias",
                        WrongLayers.norm(LOCAL + ".pre_attention_norm.scale", null, 1e-5, true),
                        SCA + ".out"),
                of(
                        "norm-epsilon",
                        "an epsilon of 1e-3",
                        SCA + ".kv_norm",
                        EPSILON,
                        WrongLayers.norm(
                                SCA_WEIGHTS + ".source_norm.scale", SCA_WEIGHTS + ".source_norm.bias", 1e-3, true),
                        "encoder.source"),
                of(
                        "norm-epsilon-small",
                        "an epsilon of 1e-6",
                        SCA + ".kv_norm",
                        EPSILON,
                        WrongLayers.norm(
                                SCA_WEIGHTS + ".source_norm.scale", SCA_WEIGHTS + ".source_norm.bias", 1e-6, true),
                        "encoder.source"),
                of(
                        "logit-factor",
                        "logits not divided by the root of the width",
                        "decoder.scaled",
                        "missing scale",
                        WrongLayers.moved((i, x) -> i),
                        "decoder.out"),
                of(
                        "logit-factor-twice",
                        "logits divided by the root of the width twice",
                        "decoder.scaled",
                        "doubled scale",
                        Wrong.ofInput(y -> y / YourMt3Subjects.MODEL),
                        "decoder.out"),
                weights(
                        "positions-late",
                        "the table of positions one row late",
                        "decoder.embedded",
                        "positions shifted",
                        values -> values.with(
                                "decoder.embedded.table", Wrong.rows(YourMt3Subjects.MODEL, i -> Math.min(i + 1, 39)))),
                weight(
                        "positions-interleaved",
                        "sines and cosines in turns in the table",
                        "decoder.embedded.table",
                        "decoder.embedded",
                        "sin/cos interleaved",
                        Wrong.columns(YourMt3Subjects.MODEL, j -> j % 2 * YourMt3Subjects.MODEL / 2 + j / 2)),
                of(
                        "t5-scaled",
                        "scores of the T5 divided by the root of a head's size",
                        "decoder.layer0.self_attention.logits",
                        SCALE,
                        Wrong.scores(YourMt3Subjects.DECODER_HEADS, HEAD, false, (i, j) -> j <= i, -1e30f),
                        "decoder.layer0.self_attention.q",
                        "decoder.layer0.self_attention.k"),
                weight(
                        "cross-transposed",
                        "the output's matrix of cross-attention transposed",
                        "decoder.layer0.cross_attention.out.weight",
                        "decoder.layer0.cross_attention.out",
                        "transposed",
                        Wrong.turned(YourMt3Subjects.MODEL, YourMt3Subjects.MODEL)),
                weight(
                        "expert-noise",
                        "the last matrix of an expert with 5 % of noise",
                        mlp + ".expert1.down.weight",
                        mlp + ".expert1.out",
                        "noise",
                        Wrong.noise(0.05, 6)),
                weight("router-number", "one number of a router", mlp + ".router.weight", mlp + ".router", null, w -> {
                    w[5] += 2;
                    return w;
                }),
                weight(
                        "expert-untrained",
                        "the last matrix of an expert as before training",
                        mlp + ".expert1.down.weight",
                        mlp + ".expert1.out",
                        null,
                        Wrong.fresh(0.2, 9)),
                of(
                        "channels-turned",
                        "the channels of the decoder turned by one",
                        "decoder.layer0.cross_attention.k",
                        "order of channels",
                        (right, inputs, values) -> {
                            int size = right.values().length / right.size(0);
                            float[] y = new float[right.values().length];
                            for (int i = 0; i < y.length; i++) {
                                y[i] = right.values()[(i + size) % y.length];
                            }
                            return y;
                        }),
                of(
                        "channels-reversed",
                        "what the decoder attends to of channels from last to first",
                        "pre_decoder.out",
                        "order of channels",
                        WrongEnds.reversed(),
                        "encoder.out"));
    }

    /** Each channel's latents times the matrix, channels first. */
    private static Computed byChannel() {
        return (right, inputs, values) -> {
            Tensor x = inputs.get(0);
            float[] w = values.get("pre_decoder.shared_linear.weight").numbers();
            int out = right.width();
            int in = w.length / out;
            int times = right.size(2);
            int channels = right.size(1);
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int t = i / out % times;
                int c = i / out / times % channels;
                double sum = 0;
                for (int j = 0; j < in; j++) {
                    sum += (double) x.values()[(t * channels + c) * in + j] * w[j * out + i % out];
                }
                y[i] = (float) sum;
            }
            return y;
        };
    }

    private static List<Fault> trained() {
        String in = LOCAL + ".mlp.in";
        String conv1 = PRE + ".conv1";
        String norm1 = PRE + ".norm1";
        int[] shape = {3, 3, YourMt3Subjects.CHANNELS, YourMt3Subjects.CHANNELS};
        return List.of(
                of(
                        "residual-added",
                        "a residual around the spectral attention",
                        SCA + ".out",
                        "addend too many",
                        (right, inputs, values) -> {
                            float[] y = right.values().clone();
                            for (int i = 0; i < y.length; i++) {
                                y[i] += inputs.get(0).values()[i];
                            }
                            return y;
                        },
                        BLOCK + ".by_time"),
                of(
                        "gelu-tanh",
                        "the GELU with a tanh",
                        LOCAL + ".mlp.hidden",
                        "other GELU",
                        WrongLayers.projection(
                                in + ".weight",
                                in + ".bias",
                                x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))),
                        LOCAL + ".ff_norm"),
                of(
                        "latents-no-places",
                        "no trained positions",
                        BLOCK + ".in(latents+pos)",
                        "positions missing",
                        (right, inputs, values) -> {
                            float[] latents = values.get("encoder.latents").numbers();
                            float[] y = new float[right.values().length];
                            for (int i = 0; i < y.length; i++) {
                                y[i] = latents[i % latents.length];
                            }
                            return y;
                        }),
                weight(
                        "latents-late",
                        "trained positions one time late",
                        "encoder.position_embedding",
                        BLOCK + ".in(latents+pos)",
                        "positions shifted",
                        Wrong.rows(3 * 16, i -> Math.min(i + 1, 25))),
                of(
                        "widths-first",
                        "latents joined column by column",
                        "pre_decoder.out",
                        "order of axes",
                        WrongLayers.after(
                                x -> new Tensor(
                                        new int[] {1, x.size(1), 3 * 16},
                                        WrongLayers.moved((i, from) -> i / 48 * 48 + i % 48 % 3 * 16 + i % 48 / 3)
                                                .of(x, List.of(x), null)),
                                Wrong.projection("pre_decoder.linear.weight", y -> y)),
                        "encoder.out"),
                of(
                        "bn-epsilon",
                        "a batch norm with an epsilon of 1e-3",
                        conv1,
                        EPSILON,
                        WrongLayers.convolution(
                                conv1 + ".weight", norm1, WrongLayers.epsilon(1e-3), x -> Math.max(0, x)),
                        "spectrogram"),
                of(
                        "bn-mean",
                        "a batch norm without its mean",
                        conv1,
                        "mean not subtracted",
                        WrongLayers.convolution(
                                conv1 + ".weight",
                                norm1,
                                (sum, scale, offset, mean, variance) ->
                                        sum / Math.sqrt(variance + 1e-5) * scale + offset,
                                x -> Math.max(0, x)),
                        "spectrogram"),
                of(
                        "bn-variance",
                        "a batch norm without its variance",
                        conv1,
                        "variance not used",
                        WrongLayers.convolution(
                                conv1 + ".weight",
                                norm1,
                                (sum, scale, offset, mean, variance) -> (sum - mean) * scale + offset,
                                x -> Math.max(0, x)),
                        "spectrogram"),
                of(
                        "bn-late",
                        "the activation before the batch norm",
                        conv1,
                        "activation before the norm",
                        WrongLayers.convolution(
                                conv1 + ".weight",
                                norm1,
                                (sum, scale, offset, mean, variance) ->
                                        WrongLayers.epsilon(1e-5).of(Math.max(0, sum), scale, offset, mean, variance),
                                x -> x),
                        "spectrogram"),
                weights(
                        "bn-swapped",
                        "two batch norms under each other's names",
                        PRE + ".conv1",
                        "names swapped",
                        values -> exchanged(values, norm1, PRE + ".norm2", ".scale", ".bias", ".mean", ".variance")),
                weight(
                        "kernel-time-frequency",
                        "time and frequency of a kernel exchanged",
                        PRE + ".conv2.weight",
                        PRE + ".conv2",
                        "kernel transposed",
                        Wrong.kernel(shape, at -> new int[] {at[1], at[0], at[2], at[3]})),
                weight(
                        "kernel-in-out",
                        "inputs and outputs of a kernel exchanged",
                        "pre_encoder.block1.conv1.weight",
                        "pre_encoder.block1.conv1",
                        "transposed",
                        Wrong.kernel(shape, at -> new int[] {at[0], at[1], at[3], at[2]})),
                of(
                        "pool-time",
                        "times averaged instead of frequencies",
                        PRE + ".out",
                        "average over the wrong axis",
                        WrongLayers.pooled((a, b) -> Math.max(0, a + b), (a, b) -> (a + b) / 2, true),
                        PRE + ".shortcut",
                        PRE + ".conv2"),
                of(
                        "pool-maximum",
                        "the larger of two frequencies",
                        PRE + ".out",
                        "maximum for average",
                        WrongLayers.pooled((a, b) -> Math.max(0, a + b), Math::max, false),
                        PRE + ".shortcut",
                        PRE + ".conv2"),
                of(
                        "shortcut-missing",
                        "no shortcut",
                        PRE + ".out",
                        ADDEND,
                        WrongLayers.pooled((a, b) -> Math.max(0, b), (a, b) -> (a + b) / 2, false),
                        PRE + ".shortcut",
                        PRE + ".conv2"),
                of(
                        "range-epsilon",
                        "1e-8 added to the range",
                        "spectrogram",
                        EPSILON,
                        WrongLayers.range((x, least, most) -> (x - least) / (most - least + 1e-8)),
                        LOG),
                of(
                        "range-none",
                        "logarithms as they are",
                        "spectrogram",
                        "range not normalised",
                        WrongLayers.range((x, least, most) -> x),
                        LOG),
                of(
                        "log-epsilon",
                        "1e-6 added before the logarithm",
                        LOG,
                        "other logarithm",
                        logarithm(1, x -> Math.log(x + 1e-6)),
                        MAGNITUDES),
                of(
                        "log-power",
                        "the logarithm of the power",
                        LOG,
                        "power for magnitude",
                        logarithm(1, x -> Math.log(x * x + 1e-5)),
                        MAGNITUDES),
                of(
                        "bin-zero",
                        "the last bin left out, not that of 0 Hz",
                        LOG,
                        "rows shifted",
                        logarithm(0, x -> Math.log(x + 1e-5)),
                        MAGNITUDES),
                of("power", "squared magnitudes", MAGNITUDES, "power for magnitude", Wrong.values(x -> x * x), SAMPLES),
                of(
                        "not-centred",
                        "frames that begin at their times",
                        MAGNITUDES,
                        "window not centred",
                        WrongLayers.magnitudes(YourMt3Subjects.FFT, YourMt3Subjects.HOP, 0, false, YourMt3Faults::hann),
                        SAMPLES),
                of(
                        "zero-padding",
                        "zeros around the sound",
                        MAGNITUDES,
                        "other padding",
                        WrongLayers.magnitudes(
                                YourMt3Subjects.FFT,
                                YourMt3Subjects.HOP,
                                YourMt3Subjects.FFT / 2,
                                false,
                                YourMt3Faults::hann),
                        SAMPLES),
                of(
                        "hamming",
                        "a Hamming window",
                        MAGNITUDES,
                        "other window",
                        WrongLayers.magnitudes(
                                YourMt3Subjects.FFT,
                                YourMt3Subjects.HOP,
                                YourMt3Subjects.FFT / 2,
                                true,
                                i -> 0.54 - 0.46 * Math.cos(2 * Math.PI * i / YourMt3Subjects.FFT)),
                        SAMPLES));
    }

    private static double hann(double place) {
        return 0.5 - 0.5 * Math.cos(2 * Math.PI * place / YourMt3Subjects.FFT);
    }

    private static Computed logarithm(int first, java.util.function.DoubleUnaryOperator function) {
        return (right, inputs, values) -> {
            Tensor x = inputs.get(0);
            int width = right.width();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) function.applyAsDouble(x.values()[i / width * x.width() + i % width + first]);
            }
            return y;
        };
    }

    private static List<Fault> slope() {
        String name = LOCAL + ".attention.alibi.slopes";
        String logits = LOCAL + ".logits";
        String query = LOCAL + ".query";
        String key = LOCAL + ".key";
        int heads = YourMt3Subjects.HEADS;
        return List.of(
                of(
                        "slope-all-heads",
                        "a slope for each head",
                        logits,
                        "distances for all heads",
                        WrongLayers.distant(
                                HEAD,
                                heads,
                                (head, i, j, values) ->
                                        -Wrong.sigmoid(values.get(name).numbers()[head]) * Math.abs(i - j)),
                        query,
                        key),
                of(
                        "slope-sign",
                        "distances added",
                        logits,
                        "sign",
                        WrongLayers.distant(
                                HEAD,
                                heads,
                                (head, i, j, values) -> head > 0
                                        ? 0
                                        : Wrong.sigmoid(values.get(name).numbers()[0]) * Math.abs(i - j)),
                        query,
                        key),
                of(
                        "slope-raw",
                        "the slope without a sigmoid",
                        logits,
                        "slopes of heads",
                        WrongLayers.distant(
                                HEAD,
                                heads,
                                (head, i, j, values) ->
                                        head > 0 ? 0 : -values.get(name).numbers()[0] * Math.abs(i - j)),
                        query,
                        key),
                of(
                        "norm-layer",
                        "a layer norm for an RMS norm",
                        LOCAL + ".attn_norm",
                        "mean subtracted",
                        Wrong.norm(LOCAL + ".pre_attention_norm.scale", 1e-5, true, w -> w),
                        SCA + ".out"),
                weights(
                        "gmlp-gate-up",
                        "w1 and gate under each other's names",
                        LOCAL + ".mlp.hidden",
                        "gate and up swapped",
                        values -> values.swapped(LOCAL + ".mlp.wi_0.weight", LOCAL + ".mlp.wi_1.weight")),
                weight(
                        "groups-transposed",
                        "each latent's matrix as [inputs, outputs]",
                        "pre_decoder.group_linear.weight",
                        "pre_decoder.out",
                        RESHAPED,
                        w -> {
                            float[] y = new float[w.length];
                            for (int k = 0; k < 3; k++) {
                                for (int i = 0; i < 16; i++) {
                                    for (int o = 0; o < 8; o++) {
                                        y[k * 128 + i * 8 + o] = w[k * 128 + o * 16 + i];
                                    }
                                }
                            }
                            return y;
                        }));
    }

    private static List<Fault> distances() {
        String logits = LOCAL + ".logits";
        String query = LOCAL + ".query";
        String key = LOCAL + ".key";
        return List.of(
                of(
                        "alibi-sign",
                        "distances added",
                        logits,
                        "sign",
                        WrongLayers.distant(HEAD, 6, (head, i, j, values) -> slope(head) * Math.abs(i - j)),
                        query,
                        key),
                of(
                        "alibi-slopes",
                        "slopes 2^(-8 (h + 1) / 6)",
                        logits,
                        "slopes of heads",
                        WrongLayers.distant(
                                HEAD, 6, (head, i, j, values) -> -Math.pow(2, -8.0 * (head + 1) / 6) * Math.abs(i - j)),
                        query,
                        key),
                of(
                        "alibi-unscaled",
                        "distances subtracted after the factor",
                        logits,
                        "distances not scaled",
                        WrongLayers.distant(HEAD, 6, (head, i, j, values) -> -slope(head) * Math.abs(i - j) / HEAD),
                        query,
                        key),
                of(
                        "alibi-missing",
                        "no distances",
                        logits,
                        "distances missing",
                        WrongLayers.distant(HEAD, 6, (head, i, j, values) -> 0),
                        query,
                        key),
                of(
                        "alibi-spectral",
                        "the first latent beside the first channel",
                        SCA + ".logits",
                        "positions shifted",
                        WrongLayers.distant(HEAD, 6, (head, i, j, values) -> -slope(head) * Math.abs(i - j)),
                        SCA + ".query",
                        SCA + ".key"));
    }

    /** Those of four heads, then two of eight. */
    private static double slope(int head) {
        return head < 4 ? Math.pow(2, -2.0 * (head + 1)) : Math.pow(2, -(2.0 * (head - 4) + 1));
    }

    private static List<Fault> keys() {
        double[] even = new double[4];
        for (int i = 0; i < 4; i++) {
            even[i] = Math.PI * (1 + 4 * i / 3.0);
        }
        return List.of(
                of(
                        "keys-not-rotated",
                        "keys not rotated",
                        LOCAL + ".rotated_key",
                        "not rotated",
                        WrongLayers.moved((i, x) -> i),
                        LOCAL + ".key"),
                of(
                        "keys-not-in-scores",
                        "scores of keys that are not rotated",
                        LOCAL + ".logits",
                        "keys not rotated",
                        WrongLayers.scores(HEAD, YourMt3Subjects.HEADS, null, null),
                        LOCAL + ".rotated_query",
                        LOCAL + ".key"),
                of(
                        "keys-halves",
                        "halves of keys rotated instead of neighbours",
                        LOCAL + ".rotated_key",
                        "rotation of halves instead of pairs",
                        WrongLayers.turned(turn(even, true, true)),
                        LOCAL + ".key"));
    }

    private static List<Fault> conformer() {
        String layer = "encoder.layer0";
        String attention = layer + ".self_attention";
        String convolution = layer + ".convolution";
        double factor = 1 / Math.sqrt(8);
        double[] usual = new double[4];
        for (int i = 0; i < 4; i++) {
            usual[i] = Math.pow(10000, -i / 4.0);
        }
        String[] qkv = {attention + ".query", attention + ".key", attention + ".value"};
        String glu = layer + ".conv_glu(B,C,T)";
        String depthwise = layer + ".conv_depthwise(B,C,T)";
        String normed = layer + ".conv_bn(B,C,T)";
        int width = YourMt3Subjects.BANDS;
        return List.of(
                of(
                        "half-step",
                        "all of a feed-forward layer added, not half",
                        layer + ".after_ffn1",
                        "missing scale",
                        Wrong.sum(1, 1),
                        "spectrogram",
                        layer + ".ffn1"),
                of(
                        "conformer-pairs",
                        "neighbours rotated instead of halves",
                        attention + ".rotated",
                        "rotation of pairs instead of halves",
                        WrongLayers.turned(new Turn(4, usual, false, false)),
                        layer + ".attn_norm"),
                of(
                        "conformer-unscaled",
                        "scores not divided by the root of a head's size",
                        attention + ".context",
                        SCALE,
                        WrongLayers.attention(4, 1, (head, i, j, values) -> 0),
                        qkv),
                of(
                        "conformer-causal",
                        "keys behind the query masked",
                        attention + ".context",
                        "mask",
                        WrongLayers.attention(4, factor, (head, i, j, values) -> j > i ? -1e9 : 0),
                        qkv),
                weight(
                        "glu-halves",
                        "the halves of the gated product exchanged",
                        convolution + ".pointwise1.weight",
                        glu,
                        "halves swapped",
                        w -> {
                            float[] y = new float[w.length];
                            int half = w.length / 2;
                            System.arraycopy(w, half, y, 0, half);
                            System.arraycopy(w, 0, y, half, half);
                            return y;
                        }),
                weight(
                        "depthwise-flipped",
                        "kernels turned in time",
                        convolution + ".depthwise.weight",
                        depthwise,
                        "kernel flipped",
                        w -> {
                            float[] y = new float[w.length];
                            for (int i = 0; i < w.length; i++) {
                                y[i] = w[i / 5 * 5 + 4 - i % 5];
                            }
                            return y;
                        }),
                of(
                        "conformer-bn-epsilon",
                        "a batch norm with an epsilon of 1e-3",
                        normed,
                        EPSILON,
                        normed(convolution, WrongLayers.epsilon(1e-3)),
                        depthwise),
                of(
                        "conformer-bn-mean",
                        "a batch norm without its mean",
                        normed,
                        "mean not subtracted",
                        normed(
                                convolution,
                                (sum, scale, offset, mean, variance) ->
                                        sum / Math.sqrt(variance + 1e-5) * scale + offset),
                        depthwise),
                of(
                        "conformer-bn-variance",
                        "a batch norm without its variance",
                        normed,
                        "variance not used",
                        normed(convolution, (sum, scale, offset, mean, variance) -> (sum - mean) * scale + offset),
                        depthwise),
                weight(
                        "pointwise-transposed",
                        "a convolution of one place as [inputs, outputs]",
                        convolution + ".pointwise2.weight",
                        layer + ".conv",
                        "transposed",
                        Wrong.turned(width, width)),
                of(
                        "bands-magnitude",
                        "magnitudes in the bands, not power",
                        "frontend.mel",
                        "magnitude for power",
                        WrongLayers.bands(filters(WrongSpectrum.Scale.HTK, WrongSpectrum.Scale.HERTZ, 8000), false),
                        MAGNITUDES),
                weights(
                        "filters-slaney",
                        "filters on Slaney's scale in the checkpoint",
                        "frontend.mel",
                        "wrong mel scale",
                        values -> values.with(
                                "frontend.mel.filters",
                                filters(WrongSpectrum.Scale.SLANEY, WrongSpectrum.Scale.HERTZ, 8000))),
                of(
                        "filters-edge",
                        "bands up to 7600 Hz",
                        "frontend.mel",
                        "mel edge",
                        WrongLayers.bands(filters(WrongSpectrum.Scale.HTK, WrongSpectrum.Scale.HERTZ, 7600), true),
                        MAGNITUDES));
    }

    private static float[] filters(WrongSpectrum.Scale places, WrongSpectrum.Scale sides, double high) {
        return WrongSpectrum.filters(YourMt3Subjects.BINS, YourMt3Subjects.BANDS, 50, high, places, sides);
    }

    private static Computed normed(String convolution, WrongLayers.Normed normed) {
        return WrongLayers.columns(
                x -> x,
                (x, column, row, time, values) -> normed.of(
                        x.values()[(row * x.size(1) + column) * x.width() + time],
                        values.get(convolution + ".norm.scale").numbers()[column],
                        values.get(convolution + ".norm.bias").numbers()[column],
                        values.get(convolution + ".norm.mean").numbers()[column],
                        values.get(convolution + ".norm.variance").numbers()[column]));
    }

    private static List<Fault> relative() {
        String attention = "encoder.layer0.self_attention";
        double factor = 1 / Math.sqrt(8);
        String[] qkv = {attention + ".query", attention + ".key", attention + ".value"};
        return List.of(
                of(
                        "relative-late",
                        "distances off by one",
                        attention + ".context",
                        "relative shift",
                        WrongLayers.relative(attention, 4, factor, (query, key) -> query - key + 1),
                        qkv),
                of(
                        "relative-turned",
                        "key minus query",
                        attention + ".context",
                        "relative shift",
                        WrongLayers.relative(attention, 4, factor, (query, key) -> key - query),
                        qkv),
                of(
                        "relative-unscaled",
                        "scores not divided by the root of a head's size",
                        attention + ".context",
                        SCALE,
                        WrongLayers.relative(attention, 4, 1, (query, key) -> query - key),
                        qkv),
                weights(
                        "relative-biases",
                        "the biases of content and distance under each other's names",
                        attention + ".context",
                        "names swapped",
                        values -> values.swapped(attention + ".content_bias", attention + ".position_bias")));
    }

    private static List<Fault> t5() {
        String router = "decoder.layer0.mlp.router";
        String logits = "encoder.layer0.attention.logits";
        return List.of(
                of(
                        "moe-normed",
                        "a norm in front of a mixture of experts",
                        router,
                        "input normalised",
                        WrongLayers.after(
                                x -> new Tensor(x.shape(), rms(x)), Wrong.projection(router + ".weight", y -> y)),
                        "decoder.layer0.after_cross_attention"),
                of(
                        "bias-missing",
                        "no relative positions in the encoder",
                        logits,
                        ADDEND,
                        Wrong.scores(YourMt3Subjects.DECODER_HEADS, 1, false, (query, key) -> true, 0),
                        "encoder.layer0.attention.q",
                        "encoder.layer0.attention.k"),
                of(
                        "bias-turned",
                        "distances of positions the other way round",
                        "encoder.position_bias",
                        "distance the other way round",
                        (right, inputs, values) -> {
                            int keys = right.size(3);
                            int queries = right.size(2);
                            float[] y = new float[right.values().length];
                            for (int i = 0; i < y.length; i++) {
                                int key = i % keys;
                                int query = i / keys % queries;
                                int block = i / keys / queries;
                                y[i] = right.values()[(block * queries + key) * keys + query];
                            }
                            return y;
                        }),
                weights(
                        "bias-decoder",
                        "the tables of encoder and decoder under each other's names",
                        "encoder.position_bias",
                        "names swapped",
                        values -> values.swapped("encoder.position_bias.table", "decoder.position_bias.table")),
                of(
                        "t5-norm-epsilon",
                        "an epsilon of 1e-2",
                        "encoder.layer0.pre_attention_norm",
                        EPSILON,
                        Wrong.norm("encoder.layer0.pre_attention_norm.scale", 1e-2, false, w -> w),
                        "spectrogram"));
    }

    private static float[] rms(Tensor x) {
        float[] y = new float[x.values().length];
        for (int first = 0; first < y.length; first += x.width()) {
            double squares = 0;
            for (int i = 0; i < x.width(); i++) {
                squares += x.values()[first + i] * x.values()[first + i];
            }
            for (int i = 0; i < x.width(); i++) {
                y[first + i] = (float) (x.values()[first + i] / Math.sqrt(squares / x.width() + 1e-6));
            }
        }
        return y;
    }
}
