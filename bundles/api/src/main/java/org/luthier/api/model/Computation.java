package org.luthier.api.model;

import java.util.List;
import java.util.Map;

/**
 * How one tensor that a layer offers to a probe comes from others. A layer tells it to tools as data and never reads it itself: with it a
 * tool knows which tensors must be known before another can be judged alone, which departure only inherits which, and what could be
 * wrong with a computation.
 *
 * <p>Shapes are those of the taps: the first dimension is rows. The words for what is done are the constants here; a family may use
 * words of its own, which tools that do not know them leave alone. Every setting that a word lists is given.
 *
 * @param output the tap, for example {@code "encoder.layer0.attention.q"}
 * @param operation what is done: one of the constants, or another word
 * @param inputs names of the tensors that it is made from, in the order that the operation states: taps, or what a run is given, such as
 *     {@code "frontend.in"}; not the nearest ones where these are seldom recorded and the operation includes how they are made
 * @param weights canonical name of each weight, by its role
 * @param settings numbers (Double), counts (Long), words and flags that the operation depends on, by name
 */
public record Computation(
        String output,
        String operation,
        List<String> inputs,
        Map<String, String> weights,
        Map<String, Object> settings) {
    /**
     * activation(x W + b). Inputs: x [..., inputs]. Weights: {@code weight} [inputs, outputs], {@code bias} [outputs] if there is one.
     * Settings: {@code activation}: {@code none}, {@code relu}, {@code sigmoid}, {@code gelu_tanh}, {@code gelu_erf}, {@code silu}.
     */
    public static final String PROJECTION = "projection";

    /** A {@link #PROJECTION} of x without an activation, added to a stream. Inputs: x, stream. */
    public static final String PROJECTION_AND_SUM = "projection-and-sum";

    /**
     * A {@link #PROJECTION} of x after a {@link #REARRANGEMENT}. Settings: those of both; the pattern's result is what is multiplied.
     */
    public static final String ARRANGED_PROJECTION = "arranged-projection";

    /**
     * A {@link #PROJECTION} of the numbers of a row as they lie, cut into as many vectors as come out: no axis is moved before. Inputs: x
     * [rows, filters, time, places]; output [rows, time, outputs].
     */
    public static final String RESHAPED_PROJECTION = "reshaped-projection";

    /**
     * A {@link #PROJECTION} of what each channel has in a window of times, the first being that of the vector. Inputs: x [rows, time +
     * window - 1, frequency, channels]; output [rows, time, frequency, outputs]. Weights: {@code weight} [channels * window, outputs], {@code
     * bias} [outputs]. Settings: {@code window}, {@code activation}.
     */
    public static final String WINDOW_PROJECTION = "window-projection";

    /**
     * Each latent times a matrix of its own, the results end to end. Inputs: x [rows, time, latents, width]; output [rows, time, latents *
     * outputs]. Weights: {@code weight} [latents, outputs, width].
     */
    public static final String GROUPED_PROJECTION = "grouped-projection";

    /** activation(x gate) * (x up). Weights: {@code gate}, {@code up} [inputs, outputs]. Settings: {@code activation} as a projection's. */
    public static final String GATED_PROJECTION = "gated-projection";

    /**
     * The first half of a product times the sigmoid of the second. Inputs: x [rows, length, inputs]; output [rows, outputs, length].
     * Weights: {@code weight} [2 * outputs, inputs, 1].
     */
    public static final String GATED_LINEAR_UNIT = "gated-linear-unit";

    /**
     * activation(x)^T W^T. Inputs: x [rows, inputs, length]; output [rows, length, outputs]. Weights: {@code weight} [outputs, inputs, 1].
     * Settings: {@code activation} as a projection's.
     */
    public static final String ACTIVATION_AND_PROJECTION = "activation-and-projection";

    /**
     * The same numbers with their axes in another order, joined or split. Settings: {@code pattern}, the axes before and after, such as
     * {@code "(b t) k d -> (b k) t d"}: what stands in brackets is one axis, its first part the outer one.
     */
    public static final String REARRANGEMENT = "rearrangement";

    /** A {@link #REARRANGEMENT}, plus a row of a table for each position, which is the axis before the last. Weights: {@code table}. */
    public static final String REARRANGEMENT_AND_POSITIONS = "rearrangement-and-positions";

    /** x / sqrt(mean(x^2) + epsilon) * scale over the last axis. Weights: {@code scale}. Settings: {@code epsilon}. */
    public static final String RMS_NORM = "rms-norm";

    /**
     * (x - mean) / sqrt(variance + epsilon) * scale + offset over the last axis. Weights: {@code scale}, {@code offset}. Settings: {@code
     * epsilon}.
     */
    public static final String LAYER_NORM = "layer-norm";

    /**
     * (x - mean) / sqrt(variance + epsilon) * scale + offset with constants for each channel. Inputs: x [rows, channels, length]. Weights:
     * {@code scale}, {@code offset}, {@code mean}, {@code variance} [channels]. Settings: {@code epsilon}.
     */
    public static final String BATCH_NORM = "batch-norm";

    /** x * factor. Settings: {@code factor}. */
    public static final String SCALING = "scaling";

    /** Rows of a table. Inputs: ids [rows, positions]. Weights: {@code table} [ids, width]. */
    public static final String LOOKUP = "lookup";

    /**
     * A {@link #LOOKUP}, plus the sinusoid of each position: sines in the first half of the width, cosines in the second, of position *
     * period^(-i / (width / 2 - 1)). Settings: {@code period}.
     */
    public static final String LOOKUP_AND_POSITIONS = "lookup-and-positions";

    /** x plus the sinusoid of each position, as {@link #LOOKUP_AND_POSITIONS} has it. Inputs: x [rows, positions, width]. Settings: {@code period}. */
    public static final String POSITIONS = "positions";

    /** x plus a row of a table for each position. Inputs: x [rows, positions, width]. Weights: {@code table} [most positions, width]. */
    public static final String STORED_POSITIONS = "stored-positions";

    /**
     * What every row begins with: vectors, and where they stand. Inputs: none; output [rows, time, latents, width]. Weights: {@code latents}
     * [latents, width], {@code places} if these are told. Settings: {@code places}: the axes of that weight among {@code t}, {@code k} and
     * {@code d}, as {@code "t k d"}; empty if there is none.
     */
    public static final String LATENTS = "latents";

    /**
     * Neighbouring columns of each head rotated by a place times a frequency, the first so many; the others are left. Inputs: x [rows,
     * positions, heads * size]. Weights: {@code frequencies} [pairs]. Settings: {@code heads}, {@code pixel}: whether places go
     * from -1 to 1, or else are numbers of positions, {@code halves}: whether a pair is a column of the first half of a head and one of the
     * second.
     */
    public static final String ROTATION = "rotation";

    /**
     * What is added to the scores of each head by the distance of key and query, from a table of buckets of distances as T5 has them; of a
     * causal one, keys behind the query are masked as well. Inputs: none. Weights: {@code table} [buckets, heads]; output [rows, heads,
     * queries, keys]. Settings: {@code farthest}: from this distance on all are in the last bucket, {@code causal}.
     */
    public static final String RELATIVE_POSITIONS = "relative-positions";

    /** The sum of all inputs, of one shape: a residual stream and what is added to it. */
    public static final String SUM = "sum";

    /** The first input plus the second times a factor. Settings: {@code factor}. */
    public static final String WEIGHTED_SUM = "weighted-sum";

    /** The product of all inputs, element by element. */
    public static final String PRODUCT = "product";

    /**
     * How much each query fits each key: q k^T of each head, times a factor; of a causal one, keys behind the query are masked. Inputs: q
     * [rows, queries, heads * size], k [rows, keys, heads * size], head by head, and, if there is one, a bias [rows, heads, queries, keys]
     * that is added; output [rows, heads, queries, keys]. Settings: {@code heads}, {@code factor}, {@code causal}.
     */
    public static final String SCORES = "scores";

    /**
     * {@link #SCORES} less a slope of each head times the distance of query and key, the last of both being side by side; the factor is of
     * all of it. Weights: {@code slopes} [heads, 1, 1] where they are trained: the first head has their sigmoid, the others none. Else heads
     * have 2^(-8 (h + 1) / heads), or what is usual where they are no power of two.
     */
    public static final String SCORES_BY_DISTANCE = "scores-by-distance";

    /** Softmax over the last axis. */
    public static final String SOFTMAX = "softmax";

    /**
     * Values in the proportions of the probabilities. Inputs: probabilities [rows, heads, queries, keys], v [rows, keys, heads * size];
     * output [rows, queries, heads * size]. Settings: {@code heads}.
     */
    public static final String MIXTURE = "mixture";

    /**
     * {@link #SCORES}, {@link #SOFTMAX} and {@link #MIXTURE} in one. Inputs: q, k, v. Settings: {@code heads}, {@code factor}.
     */
    public static final String ATTENTION = "attention";

    /**
     * An {@link #ATTENTION} whose scores are ((q + u) k + (q + v) r) * factor, r the product of a matrix with the sinusoid of how far the
     * query is behind the key, sines and cosines by turns. Weights: {@code contentBias} u, {@code distanceBias} v [heads, size], {@code
     * distances} [heads * size, heads * size].
     */
    public static final String ATTENTION_BY_DISTANCE = "attention-by-distance";

    /**
     * activation(convolution + b) over time and frequency with zeros around. Inputs: x [rows, time, frequency, channels]; several are laid
     * side by side along the channels, in their order. Weights: {@code weight} [kernel time, kernel frequency, inputs, outputs], {@code
     * bias} [outputs]. Settings: {@code activation} as a projection's, {@code frequencyStride}, {@code timePadding}, {@code
     * frequencyPadding}: zeros before the first; {@code
     * channelsFirst} with true where x is [rows, channels, time, frequency]; {@code longerBefore}, {@code longerAfter} and {@code outside}
     * where so many times of a constant are put before and behind x first; {@code frequencyFirst} with true where the kernel is
     * [frequency, time, inputs, outputs], one of the two being 1.
     */
    public static final String CONVOLUTION = "convolution";

    /**
     * A {@link #CONVOLUTION} without a bias, then {@link #BATCH_NORM} of its channels, then the activation. The weights and settings of both.
     */
    public static final String NORMALISED_CONVOLUTION = "normalised-convolution";

    /**
     * Averages of neighbouring frequencies of an activated sum. Inputs: two [rows, time, frequency, channels], the first as of a {@link
     * #CONVOLUTION}; output [rows, channels, time, frequency / count]. Settings: {@code activation} as a projection's, {@code count}, {@code
     * channelsFirst}.
     */
    public static final String AVERAGED_SUM = "averaged-sum";

    /**
     * A convolution over time of each channel by itself, zeros around. Inputs: x [rows, channels, time]. Weights: {@code weight} [channels,
     * 1, kernel].
     */
    public static final String DEPTHWISE_CONVOLUTION = "depthwise-convolution";

    /**
     * A convolution along the width of each latent by as many filters as there are of each, plus b. Inputs: x [rows, time, latents, width];
     * output [rows, filters, time, width - kernel + 1]. Weights: {@code weight} [1, kernel, 1, filters], {@code bias} [filters].
     */
    public static final String GROUPED_CONVOLUTION = "grouped-convolution";

    /**
     * The largest of several values, largest first: which experts do the work. Inputs: router [..., experts]; output [..., count], indices.
     * Settings: {@code count}.
     */
    public static final String EXPERT_CHOICE = "expert-choice";

    /**
     * How much the chosen experts count: softmax over all of them, divided by the sum of the chosen. Inputs: router [..., experts]; output
     * [..., count]. Settings: {@code count}.
     */
    public static final String EXPERT_WEIGHTS = "expert-weights";

    /**
     * The sum of what the chosen experts make of x, weighted; expert n makes (activation(x gate) * (x up)) down. Inputs: x [..., width],
     * choice [..., count], weights [..., count]. Weights: {@code gateN}, {@code upN} [width, hidden], {@code downN} [hidden, width], N from 0
     * on. Settings: {@code experts}, {@code activation} as a projection's.
     */
    public static final String MIXTURE_OF_EXPERTS = "mixture-of-experts";

    /**
     * What one expert makes of the vectors that chose it, (activation(x gate) * (x up)) down, and 0 at all others. Inputs: x [..., width],
     * choice [..., count]. Weights: {@code gate}, {@code up} [width, hidden], {@code down} [hidden, width]. Settings: {@code expert}: its
     * number, {@code activation} as a projection's.
     */
    public static final String EXPERT = "expert";

    /** An activation by itself. Settings: {@code activation} as a projection's. */
    public static final String ACTIVATION = "activation";

    /** x * scale + offset. Weights: {@code scale} [1], {@code offset} [1]. */
    public static final String AFFINE = "affine";

    /**
     * Magnitudes of the short-time Fourier transform of a segment's samples, a frame starting at every hop, windowed with a periodic Hann
     * window, zeros behind the end. Inputs: samples [rows, samples]; output [rows, frames, bins]. Settings: {@code sampleRate}, {@code
     * window}, {@code hop}, {@code fft}.
     */
    public static final String MAGNITUDES = "magnitudes";

    /**
     * {@link #MAGNITUDES} of frames that lie around their times, the samples mirrored at both ends; the window is as long as the transform.
     * Weights: {@code window} [fft]. Settings: {@code sampleRate}, {@code hop}, {@code fft}.
     */
    public static final String CENTRED_MAGNITUDES = "centred-magnitudes";

    /**
     * Magnitudes in overlapping triangular bands evenly spaced, and straight, on the mel scale 1127 ln(1 + f / 700). Inputs: magnitudes [rows, frames, bins]. Settings: {@code
     * sampleRate}, {@code bands}, {@code low}, {@code high}: edges in Hz.
     */
    public static final String MEL_BANDS = "mel-bands";

    /**
     * Power, the square of magnitudes, in bands. Inputs: magnitudes [rows, frames, bins]. Weights: {@code filters} [bins, bands], triangles
     * straight over Hz on the mel scale. Settings: {@code sampleRate}, {@code low}, {@code high}: what the filters were made for.
     */
    public static final String POWER_BANDS = "power-bands";

    /** log(x) where x is above 0, else log(floor). Settings: {@code floor}. */
    public static final String LOGARITHM = "logarithm";

    /** log(x + added), from an entry on. Settings: {@code added}, {@code first}: number of that entry. */
    public static final String LOGARITHM_OF_SUM = "logarithm-of-sum";

    /** (x - least) / (most - least + epsilon), least and most of a whole row. Settings: {@code epsilon}. */
    public static final String RANGE = "range";

    public Computation {
        inputs = List.copyOf(inputs);
        weights = Map.copyOf(weights);
        settings = Map.copyOf(settings);
    }
}
