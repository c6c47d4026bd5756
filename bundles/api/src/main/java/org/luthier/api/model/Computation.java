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

    /** x / sqrt(mean(x^2) + epsilon) * scale over the last axis. Weights: {@code scale}. Settings: {@code epsilon}. */
    public static final String RMS_NORM = "rms-norm";

    /**
     * (x - mean) / sqrt(variance + epsilon) * scale + offset over the last axis. Weights: {@code scale}, {@code offset}. Settings: {@code
     * epsilon}.
     */
    public static final String LAYER_NORM = "layer-norm";

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
     * What is added to the scores of each head by the distance of key and query, from a table of buckets of distances as T5 has them; of a
     * causal one, keys behind the query are masked as well. Inputs: none. Weights: {@code table} [buckets, heads]; output [rows, heads,
     * queries, keys]. Settings: {@code farthest}: from this distance on all are in the last bucket, {@code causal}.
     */
    public static final String RELATIVE_POSITIONS = "relative-positions";

    /** The sum of all inputs, of one shape: a residual stream and what is added to it. */
    public static final String SUM = "sum";

    /** The product of all inputs, element by element. */
    public static final String PRODUCT = "product";

    /**
     * How much each query fits each key: q k^T of each head, times a factor; of a causal one, keys behind the query are masked. Inputs: q
     * [rows, queries, heads * size], k [rows, keys, heads * size], head by head, and, if there is one, a bias [rows, heads, queries, keys]
     * that is added; output [rows, heads, queries, keys]. Settings: {@code heads}, {@code factor}, {@code causal}.
     */
    public static final String SCORES = "scores";

    /** Softmax over the last axis. */
    public static final String SOFTMAX = "softmax";

    /**
     * Values in the proportions of the probabilities. Inputs: probabilities [rows, heads, queries, keys], v [rows, keys, heads * size];
     * output [rows, queries, heads * size]. Settings: {@code heads}.
     */
    public static final String MIXTURE = "mixture";

    /**
     * activation(convolution + b) over time and frequency with zeros around. Inputs: x [rows, time, frequency, channels]; several are laid
     * side by side along the channels, in their order. Weights: {@code weight} [kernel time, kernel frequency, inputs, outputs], {@code
     * bias} [outputs]. Settings: {@code activation} as a projection's, {@code frequencyStride}, {@code timePadding}, {@code
     * frequencyPadding}: zeros before the first.
     */
    public static final String CONVOLUTION = "convolution";

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
     * Magnitudes in overlapping triangular bands evenly spaced, and straight, on the mel scale 1127 ln(1 + f / 700). Inputs: magnitudes [rows, frames, bins]. Settings: {@code
     * sampleRate}, {@code bands}, {@code low}, {@code high}: edges in Hz.
     */
    public static final String MEL_BANDS = "mel-bands";

    /** log(x) where x is above 0, else log(floor). Settings: {@code floor}. */
    public static final String LOGARITHM = "logarithm";

    public Computation {
        inputs = List.copyOf(inputs);
        weights = Map.copyOf(weights);
        settings = Map.copyOf(settings);
    }
}
