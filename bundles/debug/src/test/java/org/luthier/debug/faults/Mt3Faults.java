package org.luthier.debug.faults;

import static org.luthier.debug.faults.Fault.computation;
import static org.luthier.debug.faults.Fault.decoding;
import static org.luthier.debug.faults.Fault.samples;
import static org.luthier.debug.faults.Fault.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.WrongSpectrum.Scale;

/**
 * Single faults of an MT3, whatever its sizes.
 *
 * @param model width of the stream
 * @param heads heads of an attention
 * @param size width of a head
 * @param hidden width inside the gated layers
 * @param layers blocks of either stack
 * @param frames frames of a segment
 * @param ids rows of the embedding
 */
record Mt3Faults(int model, int heads, int size, int hidden, int layers, int frames, int ids) {
    private static final int BANDS = 512;
    private static final String SAMPLES = "frontend.in";
    private static final String MAGNITUDES = "frontend.magnitudes";
    private static final String MEL = "frontend.mel";
    private static final String LOGMEL = "frontend.logmel";
    private static final String EMBEDDING = "decoder.token_embedding.weight";
    private static final String LOGITS = "decoder.logits.weight";

    private static final String TRANSPOSED = "transposed";
    private static final String RESHAPED = "reshaped instead of transposed";
    private static final String ORDER = "heads split or ordered otherwise";
    private static final String SCALE = "missing or doubled scale";
    private static final String NOISE = "noise";
    private static final String NAMES = "names swapped";
    private static final String SHIFTED = "rows shifted";
    private static final String REDUCED = "reduced precision";
    private static final String MASK = "mask";

    /** Those of a model of these sizes, as its definition says. */
    static List<Fault> of(Subject subject) {
        Map<String, Object> sizes = subject.definition().configuration();
        return new Mt3Faults(
                        size(sizes, "model"),
                        size(sizes, "heads"),
                        size(sizes, "headSize"),
                        size(sizes, "hidden"),
                        size(sizes, "encoderLayers"),
                        size(sizes, "segmentFrames"),
                        size(sizes, "outputRows"))
                .all();
    }

    private static int size(Map<String, Object> sizes, String name) {
        return ((Number) sizes.get(name)).intValue();
    }

    private List<Fault> all() {
        List<Fault> faults = new ArrayList<>();
        faults.addAll(ofWeights());
        faults.addAll(ofNorms());
        faults.addAll(ofAttention());
        faults.addAll(ofOtherLayers());
        faults.addAll(ofPositions());
        faults.addAll(ofFrontend());
        faults.addAll(ofDecoding());
        return List.copyOf(faults);
    }

    private int width() {
        return heads * size;
    }

    private static Fault weight(
            String id, String what, String weight, String located, String cause, UnaryOperator<float[]> change) {
        return weights(id, what, located, cause, values -> values.with(weight, change));
    }

    private static Fault swapped(String id, String what, String a, String b, String located, String cause) {
        return weights(id, what, located, cause, values -> values.swapped(a, b));
    }

    private List<Fault> ofWeights() {
        String encoder0 = "encoder.layer0.attention";
        String self0 = "decoder.layer0.self_attention";
        String cross1 = "decoder.layer1.cross_attention";
        String square = model == width() ? encoder0 + ".q" : "encoder.input_projection";
        return List.of(
                weight(
                        "transposed",
                        "a square matrix as [out, in]",
                        square + ".weight",
                        square,
                        TRANSPOSED,
                        Wrong.turned(model, model)),
                weight(
                        "reshaped-wi",
                        "wi_0 read as [out, in] and reshaped",
                        "encoder.layer1.mlp.wi_0.weight",
                        "encoder.layer1.mlp.wi_0_act",
                        RESHAPED,
                        Wrong.turned(model, hidden)),
                weight(
                        "reshaped-wo",
                        "wo read as [out, in] and reshaped",
                        "decoder.layer0.mlp.wo.weight",
                        "decoder.layer0.mlp.wo",
                        RESHAPED,
                        Wrong.turned(hidden, model)),
                weight(
                        "reshaped-logits",
                        "the output read as [out, in] and reshaped",
                        LOGITS,
                        "decoder.logits",
                        RESHAPED,
                        Wrong.turned(model, ids)),
                weight(
                        "heads-q",
                        "columns of q as [size, heads]",
                        self0 + ".q.weight",
                        self0 + ".q",
                        ORDER,
                        Wrong.columns(width(), j -> j % heads * size + j / heads)),
                weight(
                        "heads-k",
                        "heads of k from last to first",
                        encoder0 + ".k.weight",
                        encoder0 + ".k",
                        ORDER,
                        Wrong.columns(width(), j -> (heads - 1 - j / size) * size + j % size)),
                weight(
                        "heads-out",
                        "rows of the output turned by a head",
                        cross1 + ".out.weight",
                        cross1 + ".out",
                        ORDER,
                        Wrong.rows(model, i -> (i + size) % width())),
                weight(
                        "heads-out-split",
                        "rows of the output as [size, heads]",
                        self0 + ".out.weight",
                        self0 + ".out",
                        ORDER,
                        Wrong.rows(model, i -> i % heads * size + i / heads)),
                weight(
                        "head-missing",
                        "head 2 of v without weights",
                        cross1 + ".v.weight",
                        cross1 + ".v",
                        "a head missing",
                        Wrong.columns(width(), j -> j / size == 2 ? -1 : j)),
                weight(
                        "head-missing-out",
                        "head 1 of the output without weights",
                        encoder0 + ".out.weight",
                        encoder0 + ".out",
                        "a head missing",
                        Wrong.rows(model, i -> i / size == 1 ? -1 : i)),
                weight(
                        "scaled-q",
                        "q divided by the root of a head's size once more",
                        self0 + ".q.weight",
                        self0 + ".q",
                        SCALE,
                        Wrong.times(1 / Math.sqrt(size))),
                weight(
                        "scaled-logits",
                        "the output divided by the root of the width",
                        LOGITS,
                        "decoder.logits",
                        SCALE,
                        Wrong.times(1 / Math.sqrt(model))),
                weight(
                        "doubled-wo",
                        "wo doubled",
                        "encoder.layer0.mlp.wo.weight",
                        "encoder.layer0.mlp.wo",
                        SCALE,
                        Wrong.times(2)),
                weight(
                        "scaled-gate",
                        "wi_0 halved, in front of its GELU",
                        "decoder.layer0.mlp.wi_0.weight",
                        "decoder.layer0.mlp.wi_0_act",
                        SCALE,
                        Wrong.times(0.5)),
                weight(
                        "sign-v",
                        "v with the other sign",
                        "encoder.layer1.attention.v.weight",
                        "encoder.layer1.attention.v",
                        "sign",
                        Wrong.times(-1)),
                weight(
                        "sign-head",
                        "one head of q with the other sign",
                        "encoder.layer1.attention.q.weight",
                        "encoder.layer1.attention.q",
                        "sign",
                        w -> {
                            for (int i = 0; i < w.length; i++) {
                                w[i] *= i % width() / size == 3 ? -1 : 1;
                            }
                            return w;
                        }),
                swapped(
                        "gate-up",
                        "gate and up under each other's names",
                        "decoder.layer1.mlp.wi_0.weight",
                        "decoder.layer1.mlp.wi_1.weight",
                        "decoder.layer1.mlp.wi_0_act",
                        "gate and up swapped"),
                swapped(
                        "q-k",
                        "q and k under each other's names",
                        "encoder.layer1.attention.q.weight",
                        "encoder.layer1.attention.k.weight",
                        "encoder.layer1.attention.q",
                        "q and k swapped"),
                swapped(
                        "k-v",
                        "k and v under each other's names",
                        "decoder.layer0.cross_attention.k.weight",
                        "decoder.layer0.cross_attention.v.weight",
                        "decoder.layer0.cross_attention.k",
                        "k and v swapped"),
                swapped(
                        "layers-wo",
                        "wo of two layers under each other's names",
                        "encoder.layer0.mlp.wo.weight",
                        "encoder.layer1.mlp.wo.weight",
                        "encoder.layer0.mlp.wo",
                        "layers swapped"),
                weights(
                        "layers-attention",
                        "the attention of two layers under each other's names",
                        "decoder.layer0.self_attention.q",
                        "layers swapped",
                        values -> {
                            Values changed = values;
                            for (String part : List.of("q", "k", "v", "out")) {
                                changed = changed.swapped(
                                        self0 + "." + part + ".weight",
                                        "decoder.layer1.self_attention." + part + ".weight");
                            }
                            return changed;
                        }),
                swapped(
                        "self-cross",
                        "the outputs of self- and cross-attention under each other's names",
                        self0 + ".out.weight",
                        "decoder.layer0.cross_attention.out.weight",
                        self0 + ".out",
                        NAMES),
                swapped(
                        "encoder-decoder", "wi_1 of encoder and decoder under each other's names",
                        "encoder.layer0.mlp.wi_1.weight", "decoder.layer0.mlp.wi_1.weight",
                        "encoder.layer0.mlp.wi_1", NAMES),
                weight(
                        "rows-embedding",
                        "rows of the embedding shifted by one",
                        EMBEDDING,
                        "decoder.token_embedding",
                        SHIFTED,
                        Wrong.rows(model, i -> (i + 1) % ids)),
                weight(
                        "rows-embedding-100",
                        "100 extra ids in front of the embedding",
                        EMBEDDING,
                        "decoder.token_embedding",
                        SHIFTED,
                        Wrong.rows(model, i -> Math.floorMod(i - 100, ids))),
                weight(
                        "columns-logits",
                        "columns of the output shifted by three special ids",
                        LOGITS,
                        "decoder.logits",
                        SHIFTED,
                        Wrong.columns(ids, j -> (j + 3) % ids)),
                weight(
                        "bands-reversed",
                        "the projection's bands from high to low",
                        "encoder.input_projection.weight",
                        "encoder.input_projection",
                        "mel order",
                        Wrong.rows(model, i -> BANDS - 1 - i)),
                weight(
                        "bands-shifted",
                        "the projection's bands shifted by one",
                        "encoder.input_projection.weight",
                        "encoder.input_projection",
                        SHIFTED,
                        Wrong.rows(model, i -> (i + 1) % BANDS)),
                weights(
                        "tied",
                        "the embedding for the output",
                        "decoder.logits",
                        "tied output",
                        values -> values.with(
                                LOGITS,
                                Wrong.turned(ids, model)
                                        .apply(values.get(EMBEDDING).numbers()))),
                weight(
                        "bfloat16",
                        "one matrix rounded to bfloat16",
                        "encoder.layer0.mlp.wi_1.weight",
                        "encoder.layer0.mlp.wi_1",
                        REDUCED,
                        Wrong::bfloat16),
                weight(
                        "eight-bits",
                        "one matrix in eight bits with one scale",
                        "decoder.layer0.mlp.wi_1.weight",
                        "decoder.layer0.mlp.wi_1",
                        REDUCED,
                        w -> {
                            float largest = 0;
                            for (float value : w) {
                                largest = Math.max(largest, Math.abs(value));
                            }
                            double step = largest / 127.0;
                            return Wrong.each(value -> Math.rint(value / step) * step)
                                    .apply(w);
                        }),
                weight(
                        "noise",
                        "one matrix with 3 % of noise",
                        "decoder.layer1.self_attention.v.weight",
                        "decoder.layer1.self_attention.v",
                        NOISE,
                        Wrong.noise(0.03, 7)),
                weight(
                        "noise-more",
                        "one matrix with 30 % of noise",
                        "encoder.layer1.mlp.wo.weight",
                        "encoder.layer1.mlp.wo",
                        NOISE,
                        Wrong.noise(0.3, 8)),
                weight(
                        "one-number",
                        "one number of a matrix",
                        "decoder.layer0.cross_attention.q.weight",
                        "decoder.layer0.cross_attention.q",
                        null,
                        w -> {
                            w[37] += 0.5f;
                            return w;
                        }),
                weight(
                        "untrained",
                        "one matrix as before training",
                        "encoder.layer1.attention.out.weight",
                        "encoder.layer1.attention.out",
                        null,
                        Mt3Faults::shuffled),
                weight(
                        "zeros",
                        "one matrix of zeros",
                        "decoder.layer1.cross_attention.out.weight",
                        "decoder.layer1.cross_attention.out",
                        "weight missing",
                        w -> new float[w.length]));
    }

    /** The same numbers in another order: as large, and of nothing. */
    private static float[] shuffled(float[] w) {
        List<Float> numbers = new ArrayList<>();
        for (float value : w) {
            numbers.add(value);
        }
        Collections.shuffle(numbers, new Random(10));
        float[] y = new float[w.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = numbers.get(i);
        }
        return y;
    }

    private List<Fault> ofNorms() {
        String norm = "encoder.layer1.pre_attention_norm";
        String cross = "decoder.layer0.pre_cross_attention_norm";
        return List.of(
                weight(
                        "norm-ones",
                        "the weight of a norm left at 1",
                        "encoder.layer0.pre_mlp_norm.scale",
                        "encoder.layer0.pre_mlp_norm",
                        "weight not applied",
                        w -> {
                            Arrays.fill(w, 1);
                            return w;
                        }),
                computation(
                        "norm-unweighted",
                        "a norm without its weight",
                        "decoder.out",
                        List.of(last("decoder")),
                        "weight not applied",
                        Wrong.norm("decoder.out.scale", 1e-6, false, w -> 1)),
                computation(
                        "norm-mean",
                        "a norm that subtracts the mean",
                        norm,
                        List.of("encoder.layer0.out"),
                        "mean subtracted",
                        Wrong.norm(norm + ".scale", 1e-6, true, w -> w)),
                computation(
                        "norm-epsilon",
                        "a norm with an epsilon of 1e-2",
                        cross,
                        List.of("decoder.layer0.after_self_attention"),
                        "wrong epsilon",
                        Wrong.norm(cross + ".scale", 1e-2, false, w -> w)),
                computation(
                        "norm-one-plus",
                        "a norm with a weight of 1 + w",
                        "encoder.out",
                        List.of(last("encoder")),
                        "weight applied as 1 + w",
                        Wrong.norm("encoder.out.scale", 1e-6, false, w -> 1 + w)),
                computation(
                        "norm-none",
                        "the weight of a norm without the norm",
                        "decoder.layer1.pre_mlp_norm",
                        List.of("decoder.layer1.after_cross_attention"),
                        "not normalised",
                        (right, inputs, weights) -> {
                            float[] y = inputs.get(0).values().clone();
                            float[] scale = weights.get("decoder.layer1.pre_mlp_norm.scale")
                                    .numbers();
                            for (int i = 0; i < y.length; i++) {
                                y[i] *= scale[i % scale.length];
                            }
                            return y;
                        }),
                swapped(
                        "norms-swapped", "two norms of a layer under each other's names",
                        "encoder.layer0.pre_attention_norm.scale", "encoder.layer0.pre_mlp_norm.scale",
                        "encoder.layer0.pre_attention_norm", NAMES));
    }

    private String last(String stack) {
        return stack + ".layer" + (layers - 1) + ".out";
    }

    private List<Fault> ofAttention() {
        String encoder = "encoder.layer0.attention";
        String self0 = "decoder.layer0.self_attention";
        String self1 = "decoder.layer1.self_attention";
        String cross = "decoder.layer0.cross_attention";
        Wrong.Sight all = (query, key) -> true;
        Wrong.Sight before = (query, key) -> key <= query;
        return List.of(
                computation(
                        "scores-scaled",
                        "scores divided by the root of a head's size",
                        encoder + ".logits",
                        List.of(encoder + ".q", encoder + ".k"),
                        SCALE,
                        Wrong.scores(heads, 1 / Math.sqrt(size), false, all, 0)),
                computation(
                        "scores-split",
                        "q and k split as [size, heads]",
                        cross + ".logits",
                        List.of(cross + ".q", cross + ".k"),
                        ORDER,
                        Wrong.scores(heads, 1, true, all, 0)),
                computation(
                                "no-mask",
                                "every query sees all keys",
                                self0 + ".logits",
                                List.of(self0 + ".q", self0 + ".k"),
                                MASK,
                                Wrong.scores(heads, 1, false, all, 0))
                        .shownAt(self0 + ".probs"),
                computation(
                                "mask-late",
                                "a query sees the key behind it too",
                                self1 + ".logits",
                                List.of(self1 + ".q", self1 + ".k"),
                                MASK,
                                Wrong.scores(heads, 1, false, (query, key) -> key <= query + 1, -1e10f))
                        .shownAt(self1 + ".probs"),
                computation(
                        "mask-encoder",
                        "a mask of the decoder's in the encoder",
                        encoder + ".probs",
                        List.of(encoder + ".logits"),
                        MASK,
                        Wrong.softmax(1, before)),
                computation(
                        "mask-turned",
                        "frames before the query masked",
                        "encoder.layer1.attention.probs",
                        List.of("encoder.layer1.attention.logits"),
                        MASK,
                        Wrong.softmax(1, (query, key) -> key >= query)),
                computation(
                        "newest-key",
                        "only the newest key",
                        self1 + ".probs",
                        List.of(self1 + ".logits"),
                        "cache holding only the newest key",
                        Wrong.softmax(1, (query, key) -> key == query)),
                computation(
                        "softmax-axis",
                        "softmax over the queries",
                        cross + ".probs",
                        List.of(cross + ".logits"),
                        "softmax over the wrong axis",
                        Wrong.softmaxOverQueries()),
                computation(
                        "softmax-scaled",
                        "the factor of scores in the softmax once more",
                        encoder + ".probs",
                        List.of(encoder + ".logits"),
                        SCALE,
                        Wrong.softmax(1 / Math.sqrt(size), all)),
                computation(
                        "heads-joined",
                        "heads joined as [size, heads]",
                        encoder + ".context",
                        List.of(),
                        ORDER,
                        Wrong.joinedByEntries(heads)),
                computation(
                        "residual-missing",
                        "no residual around an attention",
                        "encoder.layer0.after_attention",
                        List.of(encoder + ".out"),
                        "addend missing",
                        Wrong.sum(1)),
                computation(
                        "residual-doubled",
                        "a residual added twice",
                        "decoder.layer0.after_cross_attention",
                        List.of("decoder.layer0.after_self_attention", cross + ".out"),
                        "addend doubled",
                        Wrong.sum(2, 1)),
                computation(
                        "residual-minus",
                        "an attention subtracted",
                        "decoder.layer0.after_self_attention",
                        List.of("decoder.embedded", self0 + ".out"),
                        "sign",
                        Wrong.sum(1, -1)),
                computation(
                        "residual-normed",
                        "the residual taken behind the norm",
                        "encoder.layer1.after_attention",
                        List.of("encoder.layer1.pre_attention_norm", "encoder.layer1.attention.out"),
                        null,
                        Wrong.sum(1, 1)),
                computation(
                        "time-reversed",
                        "an encoding from last to first",
                        "encoder.out",
                        List.of(),
                        "positions reversed",
                        Wrong.positions(p -> frames - 1 - p)),
                computation(
                        "time-shifted",
                        "an encoding one frame late",
                        "encoder.out",
                        List.of(),
                        "positions shifted",
                        Wrong.positions(p -> p - 1)));
    }

    private List<Fault> ofOtherLayers() {
        String mlp = "encoder.layer0.mlp";
        String norm = "encoder.layer0.pre_mlp_norm";
        return List.of(
                computation(
                        "gelu-erf",
                        "the exact GELU",
                        mlp + ".wi_0_act",
                        List.of(norm),
                        "other GELU",
                        Wrong.projection(mlp + ".wi_0.weight", x -> x / 2 * (1 + Wrong.erf(x / Math.sqrt(2))))),
                computation(
                        "gelu-sigmoid",
                        "the GELU with a sigmoid",
                        mlp + ".wi_0_act",
                        List.of(norm),
                        "other GELU",
                        Wrong.projection(mlp + ".wi_0.weight", x -> x * Wrong.sigmoid(1.702 * x))),
                computation(
                        "relu",
                        "a ReLU for the GELU",
                        mlp + ".wi_0_act",
                        List.of(norm),
                        "other activation",
                        Wrong.projection(mlp + ".wi_0.weight", x -> Math.max(0, x))),
                computation(
                        "silu",
                        "a SiLU for the GELU",
                        "decoder.layer1.mlp.wi_0_act",
                        List.of("decoder.layer1.pre_mlp_norm"),
                        "other activation",
                        Wrong.projection("decoder.layer1.mlp.wi_0.weight", x -> x * Wrong.sigmoid(x))),
                computation(
                        "no-gelu",
                        "no activation",
                        "decoder.layer0.mlp.wi_0_act",
                        List.of("decoder.layer0.pre_mlp_norm"),
                        "other activation",
                        Wrong.projection("decoder.layer0.mlp.wi_0.weight", x -> x)),
                computation(
                        "gate-only",
                        "the gate without what it gates",
                        mlp + ".gated",
                        List.of(mlp + ".wi_0_act"),
                        "factor missing",
                        Wrong.sum(1)),
                computation(
                        "gate-added",
                        "the gate added",
                        mlp + ".gated",
                        List.of(mlp + ".wi_0_act", mlp + ".wi_1"),
                        null,
                        Wrong.sum(1, 1)),
                computation(
                        "layer-skipped",
                        "a block left out",
                        "encoder.layer1.out",
                        List.of("encoder.layer0.out"),
                        NAMES,
                        Wrong.sum(1)),
                computation(
                        "embedding-scaled",
                        "the embedding times the root of the width",
                        "decoder.token_embedding",
                        List.of(),
                        SCALE,
                        Wrong.values(x -> x * Math.sqrt(model))));
    }

    private List<Fault> ofPositions() {
        String encoder = "encoder.embedded";
        String decoder = "decoder.embedded";
        List<String> projection = List.of("encoder.input_projection");
        List<String> embedding = List.of("decoder.token_embedding");
        Wrong.Sinusoid usual = Wrong.sinusoid(model, 1, 10000);
        int half = model / 2;
        return List.of(
                computation(
                        "frequencies",
                        "frequencies i/" + half + " for i/" + (half - 1),
                        encoder,
                        projection,
                        "position frequencies",
                        Wrong.positioned(1, Wrong.sinusoid(model, 0, 10000))),
                computation(
                        "frequencies-decoder",
                        "frequencies i/" + half + " for i/" + (half - 1),
                        decoder,
                        embedding,
                        "position frequencies",
                        Wrong.positioned(1, Wrong.sinusoid(model, 0, 10000))),
                computation(
                        "period",
                        "a period of 1000",
                        decoder,
                        embedding,
                        "position frequencies",
                        Wrong.positioned(1, Wrong.sinusoid(model, 1, 1000))),
                computation(
                        "interleaved",
                        "sines and cosines in turns",
                        encoder,
                        projection,
                        "sin/cos interleaved",
                        Wrong.positioned(1, (p, column) -> usual.at(p, column / 2 + column % 2 * half))),
                computation(
                        "cosines-first",
                        "cosines before sines",
                        decoder,
                        embedding,
                        "sin/cos swapped",
                        Wrong.positioned(1, (p, column) -> usual.at(p, (column + half) % model))),
                computation(
                        "no-positions",
                        "no positions",
                        encoder,
                        projection,
                        "positions missing",
                        Wrong.positioned(1, (p, column) -> 0)),
                computation(
                        "positions-twice",
                        "positions twice",
                        encoder,
                        projection,
                        "positions doubled",
                        Wrong.positioned(1, (p, column) -> 2 * usual.at(p, column))),
                computation(
                        "positions-from-1",
                        "positions counted from 1",
                        decoder,
                        embedding,
                        "positions shifted",
                        Wrong.positioned(1, (p, column) -> usual.at(p + 1, column))),
                computation(
                        "position-stuck",
                        "every position 0",
                        decoder,
                        embedding,
                        "position does not advance",
                        Wrong.positioned(1, (p, column) -> usual.at(0, column))),
                computation(
                        "embedded-scaled",
                        "the frames times the root of the width",
                        encoder,
                        projection,
                        SCALE,
                        Wrong.positioned(Math.sqrt(model), usual)));
    }

    private List<Fault> ofFrontend() {
        return List.of(
                computation(
                        "power",
                        "squared magnitudes",
                        MAGNITUDES,
                        List.of(),
                        "power for magnitude",
                        Wrong.values(x -> x * x)),
                computation(
                        "centred",
                        "frames around their times",
                        MAGNITUDES,
                        List.of(SAMPLES),
                        "centred window",
                        WrongSpectrum.magnitudes(WrongSpectrum::hann, 128, 1024)),
                computation(
                        "hamming",
                        "a Hamming window",
                        MAGNITUDES,
                        List.of(SAMPLES),
                        "other window",
                        WrongSpectrum.magnitudes(i -> 0.54 - 0.46 * Math.cos(2 * Math.PI * i / 2048), 128, 0)),
                computation(
                        "hop",
                        "a frame every 160 samples",
                        MAGNITUDES,
                        List.of(SAMPLES),
                        "wrong hop",
                        WrongSpectrum.magnitudes(WrongSpectrum::hann, 160, 0)),
                samples("sixteen-bits", "samples as whole numbers of 16 bits", MAGNITUDES, SCALE, Wrong.times(32768)),
                samples("half-rate", "every other sample, half of the rate", MAGNITUDES, "wrong sample rate", sound -> {
                    float[] half = new float[sound.length];
                    for (int i = 0; 2 * i < sound.length; i++) {
                        half[i] = sound[2 * i];
                    }
                    return half;
                }),
                computation(
                        "slaney",
                        "Slaney's mel scale",
                        MEL,
                        List.of(MAGNITUDES),
                        "wrong mel scale",
                        WrongSpectrum.bands(16000, 20, 7600, Scale.SLANEY, Scale.HERTZ, true)),
                computation(
                        "mel-hertz",
                        "triangles straight over Hz",
                        MEL,
                        List.of(MAGNITUDES),
                        "triangles straight in Hz",
                        WrongSpectrum.bands(16000, 20, 7600, Scale.HTK, Scale.HERTZ, false)),
                computation(
                        "mel-edge",
                        "bands from 0 to 8000 Hz",
                        MEL,
                        List.of(MAGNITUDES),
                        "mel edge",
                        WrongSpectrum.bands(16000, 0, 8000, Scale.HTK, Scale.HTK, false)),
                computation(
                        "mel-low",
                        "bands from 30 Hz",
                        MEL,
                        List.of(MAGNITUDES),
                        "mel edge",
                        WrongSpectrum.bands(16000, 30, 7600, Scale.HTK, Scale.HTK, false)),
                computation(
                        "mel-rate",
                        "bands for 22050 Hz",
                        MEL,
                        List.of(MAGNITUDES),
                        "wrong sample rate",
                        WrongSpectrum.bands(22050, 20, 7600, Scale.HTK, Scale.HTK, false)),
                computation(
                        "mel-power",
                        "bands of power",
                        MEL,
                        List.of(MAGNITUDES),
                        "power for magnitude",
                        (right, inputs, weights) -> {
                            float[] squares = Wrong.each(x -> x * x)
                                    .apply(inputs.get(0).values().clone());
                            Fault.Tensor power = new Fault.Tensor(inputs.get(0).shape(), squares);
                            return WrongSpectrum.bands(16000, 20, 7600, Scale.HTK, Scale.HTK, false)
                                    .of(right, List.of(power), weights);
                        }),
                computation(
                        "mel-reversed",
                        "bands from high to low",
                        MEL,
                        List.of(),
                        "mel order",
                        Wrong.entries(Mt3Faults::reversed)),
                computation(
                        "log10",
                        "a logarithm to base 10",
                        LOGMEL,
                        List.of(MEL),
                        "other logarithm",
                        Wrong.ofInput(x -> Math.log10(x > 0 ? x : 1e-5))),
                computation(
                        "log-added",
                        "1e-6 added before the logarithm",
                        LOGMEL,
                        List.of(MEL),
                        "other logarithm",
                        Wrong.ofInput(x -> Math.log(x + 1e-6))),
                computation(
                        "log-clipped",
                        "no logarithm below 1e-5",
                        LOGMEL,
                        List.of(MEL),
                        "other logarithm",
                        Wrong.ofInput(x -> Math.log(Math.max(x, 1e-5)))),
                computation("no-log", "no logarithm", LOGMEL, List.of(MEL), "missing log", Wrong.ofInput(x -> x)));
    }

    private static float[] reversed(float[] x) {
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[x.length - 1 - i];
        }
        return y;
    }

    private List<Fault> ofDecoding() {
        return List.of(
                decoding(
                        "lost-cache",
                        "every step begins anew",
                        "decoder.embedded",
                        "position does not advance",
                        true,
                        FaultySession.LostCache::new),
                decoding(
                        "ids-late",
                        "the decoder is fed the id before the last",
                        "decoder.token_embedding",
                        "ids shifted by one position",
                        true,
                        FaultySession.LateIds::new),
                decoding(
                        "ids-less-3",
                        "ids less the special ones",
                        "decoder.token_embedding",
                        SHIFTED,
                        false,
                        (model, rows, probe) ->
                                new FaultySession.OtherIds(model, rows, probe, id -> Math.max(0, id - 3))),
                decoding(
                        "second-best",
                        "the second of the largest logits",
                        "decoder.tokens",
                        null,
                        false,
                        FaultySession.SecondBest::new),
                decoding(
                        "no-features",
                        "an encoder that is fed silence",
                        "encoder.input_projection",
                        null,
                        false,
                        FaultySession.Deaf::new));
    }
}
