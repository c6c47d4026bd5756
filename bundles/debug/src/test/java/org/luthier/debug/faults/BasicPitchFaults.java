package org.luthier.debug.faults;

import static org.luthier.debug.faults.Fault.computation;
import static org.luthier.debug.faults.Fault.samples;
import static org.luthier.debug.faults.Fault.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;

/** Single faults of Basic Pitch. */
final class BasicPitchFaults {
    private static final int[] CONTOUR1 = {3, 39, 8, 8};
    private static final int[] CONTOUR2 = {5, 5, 8, 1};
    private static final int[] NOTE1 = {7, 7, 1, 32};
    private static final int[] NOTE2 = {7, 3, 32, 1};
    private static final int[] ONSET1 = {5, 5, 8, 32};
    private static final int[] ONSET2 = {3, 3, 33, 1};

    private static final String CQT = "frontend.cqt";
    private static final String NORMALISED = "frontend.normlog";
    private static final String FLIPPED = "kernel flipped";
    private static final String RESHAPED = "reshaped instead of transposed";
    private static final String BIAS = "missing bias";

    private BasicPitchFaults() {}

    private static Fault weight(
            String id, String what, String weight, String located, String cause, UnaryOperator<float[]> change) {
        return weights(id, what, located, cause, values -> values.with(weight, change));
    }

    static List<Fault> all() {
        List<Fault> faults = new ArrayList<>();
        faults.addAll(ofWeights());
        faults.addAll(ofLayers());
        faults.addAll(ofFrontend());
        return List.copyOf(faults);
    }

    /** [time, frequency, inputs, outputs] read as if it were [outputs, inputs, time, frequency]. */
    private static UnaryOperator<float[]> reshaped(int... s) {
        return w -> {
            float[] y = new float[w.length];
            int from = 0;
            for (int o = 0; o < s[3]; o++) {
                for (int i = 0; i < s[2]; i++) {
                    for (int t = 0; t < s[0]; t++) {
                        for (int f = 0; f < s[1]; f++) {
                            y[from++] = w[((t * s[1] + f) * s[2] + i) * s[3] + o];
                        }
                    }
                }
            }
            return y;
        };
    }

    private static List<Fault> ofWeights() {
        return List.of(
                weight(
                        "flipped",
                        "a kernel turned in time and frequency",
                        "contour1.weight",
                        "contour1",
                        FLIPPED,
                        Wrong.kernel(CONTOUR1, at -> new int[] {2 - at[0], 38 - at[1], at[2], at[3]})),
                weight(
                        "flipped-time",
                        "a kernel turned in time",
                        "note2.weight",
                        "note2.pre",
                        FLIPPED,
                        Wrong.kernel(NOTE2, at -> new int[] {6 - at[0], at[1], at[2], at[3]})),
                weight(
                        "flipped-frequency",
                        "a kernel turned in frequency",
                        "onset1.weight",
                        "onset1",
                        FLIPPED,
                        Wrong.kernel(ONSET1, at -> new int[] {at[0], 4 - at[1], at[2], at[3]})),
                weight(
                        "kernel-transposed",
                        "time and frequency of a kernel exchanged",
                        "note1.weight",
                        "note1",
                        "kernel transposed",
                        Wrong.kernel(NOTE1, at -> new int[] {at[1], at[0], at[2], at[3]})),
                weight(
                        "in-out",
                        "inputs and outputs of a kernel exchanged",
                        "contour1.weight",
                        "contour1",
                        "transposed",
                        Wrong.kernel(CONTOUR1, at -> new int[] {at[0], at[1], at[3], at[2]})),
                weight(
                        "reshaped-contour1",
                        "PyTorch's order reshaped",
                        "contour1.weight",
                        "contour1",
                        RESHAPED,
                        reshaped(CONTOUR1)),
                weight(
                        "reshaped-onset1",
                        "PyTorch's order reshaped",
                        "onset1.weight",
                        "onset1",
                        RESHAPED,
                        reshaped(ONSET1)),
                weight(
                        "reshaped-onset2",
                        "PyTorch's order reshaped",
                        "onset2.weight",
                        "onset2.pre",
                        RESHAPED,
                        reshaped(ONSET2)),
                weight(
                        "channels",
                        "the harmonics from last to first",
                        "onset1.weight",
                        "onset1",
                        "order of inputs",
                        Wrong.kernel(ONSET1, at -> new int[] {at[0], at[1], 7 - at[2], at[3]})),
                weight("no-bias", "a bias of zeros", "contour1.bias", "contour1", BIAS, w -> new float[w.length]),
                weight(
                        "no-bias-pre",
                        "a bias of zeros in front of a sigmoid",
                        "note2.bias",
                        "note2.pre",
                        BIAS,
                        w -> new float[w.length]),
                weight("bias-sign", "a bias subtracted", "onset1.bias", "onset1", "sign", Wrong.times(-1)),
                weight(
                        "halved",
                        "a kernel halved",
                        "note1.weight",
                        "note1",
                        "missing or doubled scale",
                        Wrong.times(0.5)),
                weight(
                        "negative",
                        "a kernel with the other sign",
                        "contour2.weight",
                        "contour2.pre",
                        "sign",
                        Wrong.times(-1)),
                weight(
                        "no-scale",
                        "the batch norm's scale left at 1",
                        "batch_norm.scale",
                        "batch_norm",
                        "weight not applied",
                        w -> new float[] {1}),
                weight(
                        "no-offset",
                        "the batch norm's offset left at 0",
                        "batch_norm.offset",
                        "batch_norm",
                        BIAS,
                        w -> new float[1]),
                weight(
                        "reduced",
                        "a kernel rounded to bfloat16",
                        "onset1.weight",
                        "onset1",
                        "reduced precision",
                        Wrong::bfloat16),
                weight("noisy", "a kernel with 10 % of noise", "note1.weight", "note1", "noise", Wrong.noise(0.1, 3)),
                weight("one-number-changed", "one number of a kernel", "contour2.weight", "contour2.pre", null, w -> {
                    w[11] += 0.2f;
                    return w;
                }));
    }

    private static List<Fault> ofLayers() {
        return List.of(
                computation(
                        "no-sigmoid",
                        "no sigmoid",
                        "contour2",
                        List.of(),
                        "other activation",
                        Wrong.values(Wrong::logit)),
                computation(
                        "no-batch-norm",
                        "no batch norm",
                        "batch_norm",
                        List.of(NORMALISED),
                        "batch norm not applied",
                        Wrong.ofInput(x -> x)),
                computation(
                        "batch-norm-twice",
                        "the batch norm twice",
                        "batch_norm",
                        List.of(NORMALISED),
                        "batch norm applied twice",
                        (right, inputs, weights) -> {
                            double scale = weights.get("batch_norm.scale").numbers()[0];
                            double offset = weights.get("batch_norm.offset").numbers()[0];
                            return Wrong.each(x -> (x * scale + offset) * scale + offset)
                                    .apply(inputs.get(0).values().clone());
                        }),
                computation(
                        "padding-onset1",
                        "one bin more of padding before",
                        "onset1",
                        List.of("stack"),
                        "padding shifted",
                        convolution("onset1", ONSET1, 3, 2, 2, x -> Math.max(0, x))),
                computation(
                        "padding-note1",
                        "one bin more of padding before",
                        "note1",
                        List.of("contour2"),
                        "padding shifted",
                        convolution("note1", NOTE1, 3, 3, 3, x -> Math.max(0, x))),
                computation(
                        "no-relu",
                        "no ReLU",
                        "note1",
                        List.of("contour2"),
                        "other activation",
                        convolution("note1", NOTE1, 3, 3, 2, x -> x)),
                computation(
                        "onset-order",
                        "notes behind onsets",
                        "onset2.pre",
                        List.of("onset1", "note2"),
                        "inputs swapped",
                        convolution("onset2", ONSET2, 1, 1, 1, x -> x)),
                computation(
                        "stack-reversed",
                        "harmonics from last to first",
                        "stack",
                        List.of(),
                        "order",
                        Wrong.entries(vector -> {
                            float[] y = new float[vector.length];
                            for (int i = 0; i < y.length; i++) {
                                y[i] = vector[y.length - 1 - i];
                            }
                            return y;
                        })),
                computation(
                        "frames-late",
                        "frames one late",
                        "stack",
                        List.of(),
                        "positions shifted",
                        (right, inputs, weights) -> {
                            int frame = right.size(2) * right.size(3);
                            float[] y = right.values().clone();
                            System.arraycopy(right.values(), 0, y, frame, y.length - frame);
                            return y;
                        }));
    }

    /** A convolution over time and frequency, in plain sums. */
    private static Computed convolution(
            String name, int[] shape, int stride, int before, int below, DoubleUnaryOperator activation) {
        return (right, inputs, weights) -> {
            float[] kernel = weights.get(name + ".weight").numbers();
            float[] bias = weights.get(name + ".bias").numbers();
            int times = right.size(1);
            int bins = right.size(2);
            int outputs = right.size(3);
            float[] y = new float[right.values().length];
            for (int time = 0; time < times; time++) {
                for (int bin = 0; bin < bins; bin++) {
                    double[] sums = new double[outputs];
                    for (int t = 0; t < shape[0]; t++) {
                        for (int f = 0; f < shape[1]; f++) {
                            add(
                                    inputs,
                                    time + t - before,
                                    bin * stride + f - below,
                                    kernel,
                                    (t * shape[1] + f) * shape[2] * outputs,
                                    sums);
                        }
                    }
                    for (int o = 0; o < outputs; o++) {
                        y[(time * bins + bin) * outputs + o] = (float) activation.applyAsDouble(sums[o] + bias[o]);
                    }
                }
            }
            return y;
        };
    }

    private static void add(List<Tensor> inputs, int time, int bin, float[] kernel, int first, double[] sums) {
        int at = first;
        for (Tensor x : inputs) {
            boolean outside = time < 0 || time >= x.size(1) || bin < 0 || bin >= x.size(2);
            for (int channel = 0; channel < x.size(3); channel++) {
                double value = outside ? 0 : x.values()[(time * x.size(2) + bin) * x.size(3) + channel];
                for (int o = 0; o < sums.length; o++) {
                    sums[o] += value * kernel[at++];
                }
            }
        }
    }

    private static List<Fault> ofFrontend() {
        return List.of(
                computation(
                        "cqt-power",
                        "squared magnitudes",
                        CQT,
                        List.of(),
                        "power for magnitude",
                        Wrong.values(x -> x * x)),
                computation(
                        "cqt-scale",
                        "magnitudes not divided by the root of the lengths",
                        CQT,
                        List.of(),
                        "missing or doubled scale",
                        Wrong.values(x -> x * 4)),
                computation("cqt-bin", "bins one too high", CQT, List.of(), "rows shifted", Wrong.entries(vector -> {
                    float[] y = new float[vector.length];
                    System.arraycopy(vector, 1, y, 0, y.length - 1);
                    return y;
                })),
                computation(
                        "not-normalised",
                        "a logarithm that is not brought to 0 to 1",
                        NORMALISED,
                        List.of(),
                        "missing or doubled scale",
                        Wrong.values(x -> 80 * x)),
                samples(
                        "quiet",
                        "samples of 16 bits divided once more",
                        "frontend.halving_1",
                        "missing or doubled scale",
                        Wrong.times(1.0 / 32768)),
                computation(
                        "no-lowpass",
                        "every other sample without a low-pass",
                        "frontend.halving_1",
                        List.of("frontend.in"),
                        null,
                        (right, inputs, weights) -> {
                            float[] y = new float[right.values().length];
                            for (int i = 0; i < y.length; i++) {
                                y[i] = inputs.get(0).values()[2 * i];
                            }
                            return y;
                        }));
    }
}
