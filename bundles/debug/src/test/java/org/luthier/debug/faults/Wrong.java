package org.luthier.debug.faults;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;

/** Mistakes as they are made: with weights while they are converted, and in the arithmetic of layers. */
final class Wrong {
    private Wrong() {}

    /** The columns of a matrix elsewhere. */
    static UnaryOperator<float[]> columns(int outputs, IntUnaryOperator from) {
        return w -> {
            float[] y = new float[w.length];
            for (int at = 0; at < y.length; at++) {
                int column = from.applyAsInt(at % outputs);
                y[at] = column < 0 || column >= outputs ? 0 : w[at / outputs * outputs + column];
            }
            return y;
        };
    }

    /** The rows of a matrix elsewhere; a row that there is not is 0. */
    static UnaryOperator<float[]> rows(int outputs, IntUnaryOperator from) {
        return w -> {
            int rows = w.length / outputs;
            float[] y = new float[w.length];
            for (int row = 0; row < rows; row++) {
                int other = from.applyAsInt(row);
                if (other >= 0 && other < rows) {
                    System.arraycopy(w, other * outputs, y, row * outputs, outputs);
                }
            }
            return y;
        };
    }

    /** The numbers of [rows, columns] in the order of [columns, rows]: a transposition, or half of one where nobody moves the axes. */
    static UnaryOperator<float[]> turned(int rows, int columns) {
        return w -> {
            float[] y = new float[w.length];
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns; column++) {
                    y[column * rows + row] = w[row * columns + column];
                }
            }
            return y;
        };
    }

    /** A kernel [time, frequency, inputs, outputs] with its places taken from elsewhere. */
    static UnaryOperator<float[]> kernel(int[] shape, UnaryOperator<int[]> from) {
        return w -> {
            float[] y = new float[w.length];
            int[] at = new int[4];
            for (int i = 0; i < w.length; i++) {
                int rest = i;
                for (int axis = 3; axis >= 0; axis--) {
                    at[axis] = rest % shape[axis];
                    rest /= shape[axis];
                }
                int[] place = from.apply(at.clone());
                int index = 0;
                for (int axis = 0; axis < 4; axis++) {
                    index = index * shape[axis] + place[axis];
                }
                y[i] = w[index];
            }
            return y;
        };
    }

    /** Every number changed by itself. */
    static UnaryOperator<float[]> each(DoubleUnaryOperator change) {
        return w -> {
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) change.applyAsDouble(w[i]);
            }
            return w;
        };
    }

    static UnaryOperator<float[]> times(double factor) {
        return each(value -> value * factor);
    }

    /** Noise of a size relative to that of the numbers. */
    static UnaryOperator<float[]> noise(double size, long seed) {
        return w -> {
            Random random = new Random(seed);
            double squares = 0;
            for (float value : w) {
                squares += value * value;
            }
            double by = size * Math.sqrt(squares / w.length);
            for (int i = 0; i < w.length; i++) {
                w[i] += (float) (by * random.nextGaussian());
            }
            return w;
        };
    }

    /** Numbers as before training. */
    static UnaryOperator<float[]> fresh(double size, long seed) {
        return w -> {
            Random random = new Random(seed);
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) (size * random.nextGaussian());
            }
            return w;
        };
    }

    /** Rounded to eight bits, as bfloat16 has. */
    static float[] bfloat16(float[] w) {
        for (int i = 0; i < w.length; i++) {
            int bits = Float.floatToRawIntBits(w[i]);
            w[i] = Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }
        return w;
    }

    /** Rounded to eleven bits, as float16 has, or fewer near 0. */
    static float[] float16(float[] w) {
        for (int i = 0; i < w.length; i++) {
            double step = Math.max(Math.ulp(w[i]) * 0x1p13, 0x1p-24);
            w[i] = (float) (Math.rint(w[i] / step) * step);
        }
        return w;
    }

    /** Every number of a tensor changed by itself. */
    static Computed values(DoubleUnaryOperator change) {
        return (right, inputs, weights) -> each(change).apply(right.values());
    }

    /** Every number made from that of the first input at the same place. */
    static Computed ofInput(DoubleUnaryOperator function) {
        return (right, inputs, weights) ->
                each(function).apply(inputs.get(0).values().clone());
    }

    /** Takes the numbers along the last axis from others of the same vector. */
    static Computed entries(UnaryOperator<float[]> change) {
        return (right, inputs, weights) -> {
            float[] y = new float[right.values().length];
            int width = right.width();
            for (int i = 0; i < right.vectors(); i++) {
                float[] vector = Arrays.copyOfRange(right.values(), i * width, (i + 1) * width);
                System.arraycopy(change.apply(vector), 0, y, i * width, width);
            }
            return y;
        };
    }

    /** Takes the vectors of [rows, positions, width] from other positions, the ends repeated. */
    static Computed positions(IntUnaryOperator from) {
        return (right, inputs, weights) -> {
            int positions = right.size(1);
            int width = right.width();
            float[] y = new float[right.values().length];
            for (int i = 0; i < right.size(0) * positions; i++) {
                int position = Math.max(0, Math.min(positions - 1, from.applyAsInt(i % positions)));
                System.arraycopy(right.values(), (i / positions * positions + position) * width, y, i * width, width);
            }
            return y;
        };
    }

    /**
     * A norm.
     *
     * @param mean whether it is subtracted
     * @param weight how it is applied
     */
    static Computed norm(String scale, double epsilon, boolean mean, DoubleUnaryOperator weight) {
        return (right, inputs, weights) -> {
            float[] x = inputs.get(0).values();
            float[] w = weights.get(scale).numbers();
            int width = right.width();
            float[] y = new float[x.length];
            for (int first = 0; first < x.length; first += width) {
                double sum = 0;
                double squares = 0;
                for (int i = 0; i < width; i++) {
                    sum += x[first + i];
                }
                double middle = mean ? sum / width : 0;
                for (int i = 0; i < width; i++) {
                    squares += (x[first + i] - middle) * (x[first + i] - middle);
                }
                for (int i = 0; i < width; i++) {
                    y[first + i] = (float) ((x[first + i] - middle)
                            / Math.sqrt(squares / width + epsilon)
                            * weight.applyAsDouble(w[i]));
                }
            }
            return y;
        };
    }

    /** A product with a matrix, and another function behind it. */
    static Computed projection(String weight, DoubleUnaryOperator activation) {
        return (right, inputs, weights) -> {
            float[] x = inputs.get(0).values();
            float[] w = weights.get(weight).numbers();
            int in = weights.get(weight).size(0);
            int out = weights.get(weight).size(1);
            float[] y = new float[x.length / in * out];
            for (int row = 0; row < x.length / in; row++) {
                for (int column = 0; column < out; column++) {
                    double sum = 0;
                    for (int i = 0; i < in; i++) {
                        sum += (double) x[row * in + i] * w[i * out + column];
                    }
                    y[row * out + column] = (float) activation.applyAsDouble(sum);
                }
            }
            return y;
        };
    }

    /** The error function, by its series. */
    static double erf(double x) {
        if (Math.abs(x) > 5) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 200; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** Undoes a sigmoid. */
    static double logit(double y) {
        return Math.log(y / (1 - y));
    }

    /** Where a query sees a key. */
    interface Sight {
        boolean sees(int query, int key);
    }

    /**
     * Scores of [rows, queries, heads * size] and [rows, keys, heads * size].
     *
     * @param interleaved whether an entry is split as [size, heads]
     * @param hidden what a query has for a key that it does not see
     */
    static Computed scores(int heads, double factor, boolean interleaved, Sight sight, float hidden) {
        return (right, inputs, weights) -> {
            Tensor q = inputs.get(0);
            Tensor k = inputs.get(1);
            int queries = q.size(1);
            int keys = k.size(1);
            int size = q.width() / heads;
            float[] y = new float[q.size(0) * heads * queries * keys];
            for (int at = 0; at < y.length; at++) {
                int key = at % keys;
                int query = at / keys % queries;
                int head = at / keys / queries % heads;
                int row = at / keys / queries / heads;
                double sum = 0;
                for (int i = 0; i < size; i++) {
                    int entry = interleaved ? i * heads + head : head * size + i;
                    sum += (double) q.values()[(row * queries + query) * q.width() + entry]
                            * k.values()[(row * keys + key) * k.width() + entry];
                }
                y[at] = sight.sees(query, key) ? (float) (factor * sum) : hidden;
            }
            return y;
        };
    }

    /** A softmax over the last axis of [rows, heads, queries, keys], of what a query sees. */
    static Computed softmax(double factor, Sight sight) {
        return (right, inputs, weights) -> {
            Tensor scores = inputs.get(0);
            int keys = scores.width();
            int queries = scores.size(2);
            float[] y = new float[scores.values().length];
            for (int line = 0; line < scores.vectors(); line++) {
                double sum = 0;
                for (int key = 0; key < keys; key++) {
                    if (sight.sees(line % queries, key)) {
                        sum += Math.exp(factor * scores.values()[line * keys + key]);
                    }
                }
                for (int key = 0; key < keys; key++) {
                    boolean seen = sight.sees(line % queries, key);
                    double share = seen ? Math.exp(factor * scores.values()[line * keys + key]) / sum : 0;
                    y[line * keys + key] = sum == 0 ? 0 : (float) share;
                }
            }
            return y;
        };
    }

    /** A softmax over the queries of each key. */
    static Computed softmaxOverQueries() {
        return (right, inputs, weights) -> {
            Tensor scores = inputs.get(0);
            int keys = scores.width();
            int queries = scores.size(2);
            float[] y = new float[scores.values().length];
            for (int block = 0; block < scores.vectors() / queries; block++) {
                for (int key = 0; key < keys; key++) {
                    double sum = 0;
                    for (int query = 0; query < queries; query++) {
                        sum += Math.exp(scores.values()[(block * queries + query) * keys + key]);
                    }
                    for (int query = 0; query < queries; query++) {
                        int at = (block * queries + query) * keys + key;
                        y[at] = (float) (Math.exp(scores.values()[at]) / sum);
                    }
                }
            }
            return y;
        };
    }

    /** Heads joined entry by entry, [size, heads], where they should be laid side by side. */
    static Computed joinedByEntries(int heads) {
        return entries(vector -> {
            int size = vector.length / heads;
            float[] y = new float[vector.length];
            for (int head = 0; head < heads; head++) {
                for (int i = 0; i < size; i++) {
                    y[i * heads + head] = vector[head * size + i];
                }
            }
            return y;
        });
    }

    /** The sum of the inputs, each times a factor. */
    static Computed sum(double... factors) {
        return (right, inputs, weights) -> {
            float[] y = new float[right.values().length];
            for (int input = 0; input < factors.length; input++) {
                float[] x = inputs.get(input).values();
                for (int i = 0; i < y.length; i++) {
                    y[i] += (float) (factors[input] * x[i]);
                }
            }
            return y;
        };
    }

    /** A sinusoid: what stands in a column at a position. */
    interface Sinusoid {
        double at(int position, int column);
    }

    /** The input times a factor, plus sinusoids. */
    static Computed positioned(double factor, Sinusoid sinusoid) {
        return (right, inputs, weights) -> {
            Tensor x = inputs.get(0);
            int width = x.width();
            float[] y = new float[x.values().length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) (factor * x.values()[i] + sinusoid.at(i / width % x.size(1), i % width));
            }
            return y;
        };
    }

    /** The sinusoid of T5X: sines, then cosines, the exponents divided by half of the width less some. */
    static Sinusoid sinusoid(int width, int less, double period) {
        int half = width / 2;
        return (position, column) -> {
            double angle = position * Math.pow(period, -(double) (column % half) / (half - less));
            return column < half ? Math.sin(angle) : Math.cos(angle);
        };
    }
}
