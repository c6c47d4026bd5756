package org.luthier.debug.faults;

import java.util.Arrays;
import java.util.List;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;

/** What stands before and behind a Perceiver, with mistakes, in plain sums. */
final class WrongEnds {
    private WrongEnds() {}

    /** Where the kernel of a convolution of five times reads, of a spectrogram that is longer by a constant. */
    static Computed overTime(String name, int before, double outside) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int channels = right.width();
            int bins = right.size(2);
            int times = right.size(1);
            float[] w = weights.get(name + ".weight").numbers();
            float[] b = weights.get(name + ".bias").numbers();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int c = i % channels;
                int bin = i / channels % bins;
                int time = i / channels / bins % times;
                int row = i / channels / bins / times;
                double sum = b[c];
                for (int k = 0; k < 5; k++) {
                    int padded = time + k - 2;
                    int at = padded - before;
                    boolean inside = at >= 0 && at < x.size(1);
                    double value = inside ? x.values()[(row * x.size(1) + at) * bins + bin] : outside;
                    sum += padded < 0 || padded >= times ? 0 : value * w[k * channels + c];
                }
                y[i] = (float) sum;
            }
            return y;
        };
    }

    /**
     * A product with what stands in a window.
     *
     * @param late how many times later each window begins
     * @param byTime whether all channels of a time follow each other
     */
    static Computed windows(String name, int window, int late, boolean byTime) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int channels = x.width();
            int bins = x.size(2);
            int outputs = right.width();
            float[] w = weights.get(name + ".weight").numbers();
            float[] b = weights.get(name + ".bias").numbers();
            float[] y = new float[right.values().length];
            double[] sums = new double[outputs];
            for (int vector = 0; vector < right.vectors(); vector++) {
                int time = vector / bins % right.size(1);
                int row = vector / bins / right.size(1);
                Arrays.setAll(sums, o -> b[o]);
                for (int i = 0; i < window * channels; i++) {
                    int c = byTime ? i % channels : i / window;
                    int at = time + late + (byTime ? i / channels : i % window);
                    double value = at < x.size(1)
                            ? x.values()[((row * x.size(1) + at) * bins + vector % bins) * channels + c]
                            : 0;
                    for (int o = 0; o < outputs; o++) {
                        sums[o] += value * w[i * outputs + o];
                    }
                }
                for (int o = 0; o < outputs; o++) {
                    y[vector * outputs + o] = (float) sums[o];
                }
            }
            return y;
        };
    }

    /** A convolution along the width of latents [rows, time, latents, width], the filters of which are of the latents in turns. */
    static Computed inTurns(String name) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int filters = right.size(1);
            int times = right.size(2);
            int places = right.width();
            int latents = x.size(2);
            int kernel = x.width() - places + 1;
            float[] w = weights.get(name + ".weight").numbers();
            float[] b = weights.get(name + ".bias").numbers();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int place = i % places;
                int time = i / places % times;
                int filter = i / places / times % filters;
                int row = i / places / times / filters;
                int first = ((row * times + time) * latents + filter % latents) * x.width();
                double sum = b[filter];
                for (int k = 0; k < kernel; k++) {
                    sum += (double) x.values()[first + place + k] * w[k * filters + filter];
                }
                y[i] = (float) sum;
            }
            return y;
        };
    }

    /** [rows, a, b, c] as [rows, b, a, c]. */
    static Tensor exchanged(Tensor x) {
        int c = x.width();
        int b = x.size(2);
        int a = x.size(1);
        float[] y = WrongLayers.moved((i, from) ->
                        ((i / (a * b * c) * a + i / c % a) * b + i / (c * a) % b) * c + i % c)
                .of(x, List.of(x), null);
        return new Tensor(new int[] {x.size(0), b, a, c}, y);
    }

    /** The second axis from last to first. */
    static Computed reversed() {
        return (right, inputs, weights) -> {
            int count = right.size(1);
            int size = right.values().length / right.size(0) / count;
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int row = i / size / count;
                y[i] = right.values()[(row * count + count - 1 - i / size % count) * size + i % size];
            }
            return y;
        };
    }
}
