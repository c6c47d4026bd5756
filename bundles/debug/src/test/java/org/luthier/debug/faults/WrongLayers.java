package org.luthier.debug.faults;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;

/** Layers of YourMT3+ with mistakes, in plain sums. */
final class WrongLayers {
    private WrongLayers() {}

    /** What a batch norm does to a sum of a channel. */
    interface Normed {
        double of(double sum, double scale, double offset, double mean, double variance);
    }

    /** The usual one but for its epsilon. */
    static Normed epsilon(double epsilon) {
        return (sum, scale, offset, mean, variance) -> (sum - mean) / Math.sqrt(variance + epsilon) * scale + offset;
    }

    /** A convolution of a picture without channels, three by three, normed and activated. */
    static Computed convolution(String weight, String norm, Normed normed, DoubleUnaryOperator activation) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int times = x.size(1);
            int bins = x.size(2);
            int channels = right.width();
            float[] w = weights.get(weight).numbers();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int c = i % channels;
                int f = i / channels % bins;
                int t = i / channels / bins % times;
                int row = i / channels / bins / times;
                double sum = 0;
                for (int dt = 0; dt < 3; dt++) {
                    for (int df = 0; df < 3; df++) {
                        int time = t + dt - 1;
                        int bin = f + df - 1;
                        if (time >= 0 && time < times && bin >= 0 && bin < bins) {
                            sum += (double) x.values()[(row * times + time) * bins + bin]
                                    * w[(dt * 3 + df) * channels + c];
                        }
                    }
                }
                y[i] = (float) activation.applyAsDouble(normed.of(
                        sum,
                        weights.get(norm + ".scale").numbers()[c],
                        weights.get(norm + ".bias").numbers()[c],
                        weights.get(norm + ".mean").numbers()[c],
                        weights.get(norm + ".variance").numbers()[c]));
            }
            return y;
        };
    }

    /** What is at a place of the sum, and its neighbour. */
    interface Pooled {
        double of(double first, double second);
    }

    /**
     * Of two pictures [rows, time, frequency, channels].
     *
     * @param overTime whether neighbours in time are pooled, and what comes out cut into the right shape
     */
    static Computed pooled(DoubleBinaryOperator sum, Pooled pool, boolean overTime) {
        return (right, inputs, weights) -> {
            Tensor a = inputs.get(0);
            Tensor b = inputs.get(1);
            int times = a.size(1);
            int bins = a.size(2);
            int channels = a.width();
            float[] y = new float[right.values().length];
            int perChannel = times * bins / 2;
            for (int i = 0; i < y.length; i++) {
                int row = i / perChannel / channels;
                int c = i / perChannel % channels;
                int place = i % perChannel;
                int t = overTime ? place / bins * 2 : place / (bins / 2);
                int f = overTime ? place % bins : place % (bins / 2) * 2;
                int first = ((row * times + t) * bins + f) * channels + c;
                int second = first + (overTime ? bins * channels : channels);
                y[i] = (float) pool.of(
                        sum.applyAsDouble(a.values()[first], b.values()[first]),
                        sum.applyAsDouble(a.values()[second], b.values()[second]));
            }
            return y;
        };
    }

    /**
     * A rotation of [rows, positions, heads * size].
     *
     * @param pixel whether places go from -1 to 1
     */
    record Turn(int heads, double[] frequencies, boolean halves, boolean pixel) {
        float[] of(Tensor x) {
            float[] y = x.values().clone();
            int positions = x.size(1);
            int size = x.width() / heads;
            int pairs = frequencies.length;
            for (int vector = 0; vector < x.vectors(); vector++) {
                int position = vector % positions;
                double place = pixel ? -1 + 2.0 * position / (positions - 1) : position;
                for (int pair = 0; pair < heads * pairs; pair++) {
                    int i = pair % pairs;
                    int head = vector * x.width() + pair / pairs * size;
                    int a = head + (halves ? i : 2 * i);
                    int b = head + (halves ? i + pairs : 2 * i + 1);
                    double angle = place * frequencies[i];
                    y[a] = (float) (x.values()[a] * Math.cos(angle) - x.values()[b] * Math.sin(angle));
                    y[b] = (float) (x.values()[b] * Math.cos(angle) + x.values()[a] * Math.sin(angle));
                }
            }
            return y;
        }
    }

    static Computed turned(Turn turn) {
        return (right, inputs, weights) -> turn.of(inputs.get(0));
    }

    /** Scores of queries and keys that are rotated first; null for not. */
    static Computed scores(double factor, int heads, Turn ofQueries, Turn ofKeys) {
        return (right, inputs, weights) -> Wrong.scores(heads, factor, false, (query, key) -> true, 0)
                .of(right, java.util.List.of(turned(inputs.get(0), ofQueries), turned(inputs.get(1), ofKeys)), weights);
    }

    private static Tensor turned(Tensor x, Turn turn) {
        return turn == null ? x : new Tensor(x.shape(), turn.of(x));
    }

    /** What is added to a score, before the factor. */
    interface Distance {
        double of(int head, int query, int key, Values weights);
    }

    /** Scores of queries and keys, less something by their distance. */
    static Computed distant(double factor, int heads, Distance distance) {
        return (right, inputs, weights) -> {
            float[] y = scores(factor, heads, null, null).of(right, inputs, weights);
            int keys = right.size(3);
            int queries = right.size(2);
            for (int i = 0; i < y.length; i++) {
                y[i] += (float)
                        (factor * distance.of(i / keys / queries % heads, i / keys % queries, i % keys, weights));
            }
            return y;
        };
    }

    /** A layer norm; a null bias is none. */
    static Computed norm(String scale, String bias, double epsilon, boolean mean) {
        return (right, inputs, weights) -> {
            float[] y = Wrong.norm(scale, epsilon, mean, w -> w).of(right, inputs, weights);
            for (int i = 0; bias != null && i < y.length; i++) {
                y[i] += weights.get(bias).numbers()[i % right.width()];
            }
            return y;
        };
    }

    /** A product with a bias, activated. */
    static Computed projection(String weight, String bias, DoubleUnaryOperator activation) {
        return (right, inputs, weights) -> {
            float[] y = Wrong.projection(weight, sum -> sum).of(right, inputs, weights);
            float[] b = weights.get(bias).numbers();
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) activation.applyAsDouble(y[i] + b[i % b.length]);
            }
            return y;
        };
    }

    /** From the logits of a router [.., experts], sorted: numbers for those that are chosen. */
    interface Ranked {
        double of(double[] logits, Integer[] order, int place);
    }

    static Computed routed(Ranked ranked) {
        return (right, inputs, weights) -> {
            Tensor router = inputs.get(0);
            int experts = router.width();
            int chosen = right.width();
            float[] y = new float[right.values().length];
            for (int vector = 0; vector < router.vectors(); vector++) {
                double[] logits = new double[experts];
                Integer[] order = new Integer[experts];
                for (int i = 0; i < experts; i++) {
                    logits[i] = router.values()[vector * experts + i];
                    order[i] = i;
                }
                java.util.Arrays.sort(order, (a, b) -> Double.compare(logits[b], logits[a]));
                for (int k = 0; k < chosen; k++) {
                    y[vector * chosen + k] = (float) ranked.of(logits, order, k);
                }
            }
            return y;
        };
    }

    /** Part of all exponentials. */
    static double share(double[] logits, int expert) {
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - logits[expert]);
        }
        return 1 / sum;
    }

    /** Numbers taken from elsewhere in the first input, which has as many. */
    interface Place {
        int of(int at, Tensor from);
    }

    static Computed moved(Place place) {
        return (right, inputs, weights) -> {
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                y[i] = inputs.get(0).values()[place.of(i, inputs.get(0))];
            }
            return y;
        };
    }

    /** The first input with its numbers changed, then something else computed with it. */
    static Computed after(UnaryOperator<Tensor> change, Computed then) {
        return (right, inputs, weights) -> {
            java.util.List<Tensor> changed = new java.util.ArrayList<>(inputs);
            changed.set(0, change.apply(inputs.get(0)));
            return then.of(right, changed, weights);
        };
    }

    /** Attention of [rows, length, heads * size] each, scores, softmax and mixture in one. */
    static Computed attention(int heads, double factor, Distance added) {
        return (right, inputs, weights) -> {
            Tensor q = inputs.get(0);
            Tensor k = inputs.get(1);
            Tensor v = inputs.get(2);
            int length = q.size(1);
            int width = q.width();
            int size = width / heads;
            float[] y = new float[right.values().length];
            for (int line = 0; line < q.size(0) * heads * length; line++) {
                int query = line % length;
                int head = line / length % heads;
                int row = line / length / heads;
                double[] scores = new double[length];
                double sum = 0;
                for (int key = 0; key < length; key++) {
                    double score = added.of(head, query, key, weights);
                    for (int i = head * size; i < (head + 1) * size; i++) {
                        score += (double) q.values()[(row * length + query) * width + i]
                                * k.values()[(row * length + key) * width + i];
                    }
                    scores[key] = Math.exp(factor * score);
                    sum += scores[key];
                }
                for (int i = head * size; i < (head + 1) * size; i++) {
                    double mixed = 0;
                    for (int key = 0; key < length; key++) {
                        mixed += scores[key] / sum * v.values()[(row * length + key) * width + i];
                    }
                    y[(row * length + query) * width + i] = (float) mixed;
                }
            }
            return y;
        };
    }

    /**
     * What a Conformer's distances count: (q + u) k + (q + v) r, the sinusoid of a distance times a matrix.
     *
     * @param name of the attention
     */
    static Computed relative(String name, int heads, double factor, java.util.function.IntBinaryOperator distance) {
        return (right, inputs, weights) -> {
            Tensor q = inputs.get(0);
            Tensor k = inputs.get(1);
            int width = q.width();
            int size = width / heads;
            float[] u = weights.get(name + ".content_bias").numbers();
            float[] v = weights.get(name + ".position_bias").numbers();
            float[] w = weights.get(name + ".positions.weight").numbers();
            Distance added = (head, query, key, values) -> {
                double sum = 0;
                int far = distance.applyAsInt(query, key);
                for (int i = head * size; i < (head + 1) * size; i++) {
                    double r = 0;
                    for (int j = 0; j < width; j++) {
                        double angle = far * Math.pow(10000, -(double) (j / 2 * 2) / width);
                        r += (j % 2 == 0 ? Math.sin(angle) : Math.cos(angle)) * w[j * width + i];
                    }
                    sum += u[i] * (double) k.values()[key * width + i]
                            + (q.values()[query * width + i] + (double) v[i]) * r;
                }
                return sum;
            };
            return attention(heads, factor, added).of(right, inputs, weights);
        };
    }

    /** Magnitudes of frames around their times. */
    static Computed magnitudes(int size, int hop, int ahead, boolean mirrored, DoubleUnaryOperator window) {
        return (right, inputs, weights) -> {
            Tensor sound = inputs.get(0);
            int samples = sound.width();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                int bin = i % right.width();
                int first = i / right.width() * hop - ahead;
                double re = 0;
                double im = 0;
                for (int n = 0; n < size; n++) {
                    int at = first + n;
                    int inside = at < 0 ? -at : at >= samples ? 2 * (samples - 1) - at : at;
                    boolean heard = mirrored || at == inside;
                    if (heard && inside >= 0 && inside < samples) {
                        double x = window.applyAsDouble(n) * sound.values()[inside];
                        re += x * Math.cos(2 * Math.PI * bin * n / size);
                        im += x * Math.sin(2 * Math.PI * bin * n / size);
                    }
                }
                y[i] = (float) Math.hypot(re, im);
            }
            return y;
        };
    }

    /** Powers in bands of other filters [bins, bands]. */
    static Computed bands(float[] filters, boolean power) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int bands = right.width();
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                double sum = 0;
                for (int bin = 0; bin < x.width(); bin++) {
                    double value = x.values()[i / bands * x.width() + bin];
                    sum += (power ? value * value : value) * filters[bin * bands + i % bands];
                }
                y[i] = (float) sum;
            }
            return y;
        };
    }

    /** What is made of a number, the least and the most of all. */
    interface Ranged {
        double of(double x, double least, double most);
    }

    static Computed range(Ranged ranged) {
        return (right, inputs, weights) -> {
            float[] x = inputs.get(0).values();
            double least = Double.POSITIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            for (float value : x) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
            float[] y = new float[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) ranged.of(x[i], least, most);
            }
            return y;
        };
    }

    /** [rows, width, length] of each column by itself, from the first input of that shape. */
    static Computed columns(DoubleUnaryOperator none, Column column) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int length = x.width();
            int width = x.size(1);
            float[] y = new float[right.values().length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float)
                        none.applyAsDouble(column.of(x, i / length % width, i / length / width, i % length, weights));
            }
            return y;
        };
    }

    /** What comes out at a time of a column. */
    interface Column {
        double of(Tensor x, int column, int row, int time, Values weights);
    }
}
