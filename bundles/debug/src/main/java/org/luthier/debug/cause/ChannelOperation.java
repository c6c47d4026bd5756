package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.model.Computation;

/** What is done over time to each channel by itself: x [channels, time]. */
final class ChannelOperation {
    private ChannelOperation() {}

    static Operation of(Task task) {
        return task.computation().operation().equals(Computation.BATCH_NORM) ? norm(task) : convolution(task);
    }

    /** (x - mean) / sqrt(variance + epsilon) * scale + offset. Null if a weight is not known. */
    private static Operation norm(Task task) {
        Field x = task.input();
        BatchNorm book = BatchNorm.of(task, x.shape()[0]);
        if (book == null) {
            return null;
        }
        return new Operation() {
            private Field normed(BatchNorm norm) {
                return Field.of(x.shape(), index -> {
                    double[] in = x.at(index);
                    double[] y = in == null ? null : in.clone();
                    for (int i = 0; y != null && i < y.length; i++) {
                        y[i] = norm.factor(index[0]) * y[i] + norm.added(index[0]);
                    }
                    return y;
                });
            }

            @Override
            public Field plain() {
                return normed(book);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                book.variants((fault, reverse, odd, usual, advice, other) ->
                        variants.add(new Variant(fault, reverse, odd, usual, advice, normed(other))));
                return variants;
            }
        };
    }

    /** A kernel of each channel. Null if the weight is not known or does not fit. */
    private static Operation convolution(Task task) {
        Field x = task.input();
        WeightSource.Weight weight = task.weight("weight");
        if (weight == null || weight.shape().size() != 3 || weight.shape().get(0) != x.shape()[0]) {
            return null;
        }
        int kernel = weight.shape().get(2);
        int channels = weight.shape().get(0);
        float[] w = weight.values();
        return new Operation() {
            private Field convolved(float[] kernels, int before) {
                return Field.of(x.shape(), index -> {
                    double[] in = x.at(index);
                    if (in == null) {
                        return null;
                    }
                    double[] y = new double[in.length];
                    for (int t = 0; t < y.length; t++) {
                        for (int i = 0; i < kernel; i++) {
                            int from = t + i - before;
                            y[t] += from >= 0 && from < in.length ? in[from] * kernels[index[0] * kernel + i] : 0;
                        }
                    }
                    return y;
                });
            }

            private float[] from(Place place) {
                float[] moved = new float[w.length];
                for (int i = 0; i < w.length; i++) {
                    moved[i] = w[place.of(i / kernel, i % kernel)];
                }
                return moved;
            }

            @Override
            public Field plain() {
                return convolved(w, (kernel - 1) / 2);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                String name = task.computation().weights().get("weight");
                int before = (kernel - 1) / 2;
                variants.add(new Variant(
                        "kernel flipped",
                        name + " turned in time",
                        "it as it is",
                        "a layer correlates: do not turn the kernel",
                        convolved(from((c, i) -> c * kernel + kernel - 1 - i), before)));
                for (int other : new int[] {before - 1, before + 1, 0, kernel - 1}) {
                    variants.add(new Variant(
                            "padding shifted",
                            other + " before",
                            before + " before",
                            "put as many zeros before as behind",
                            convolved(w, other)));
                }
                variants.add(new Variant(
                        "reshaped instead of transposed",
                        name + " with its numbers in the other order",
                        "it as it is",
                        "the kernel is [channels, 1, time]: each channel's numbers follow each other",
                        convolved(from((c, i) -> i * channels + c), before)));
                variants.add(new Variant(
                        "order of inputs",
                        "kernels from the last channel to the first",
                        "first to last",
                        "look at the order of channels",
                        convolved(from((c, i) -> (channels - 1 - c) * kernel + i), before)));
                return variants;
            }
        };
    }

    private interface Place {
        int of(int channel, int time);
    }
}
