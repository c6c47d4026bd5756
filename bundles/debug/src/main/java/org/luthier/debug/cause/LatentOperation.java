package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.model.Computation;

/** Products with weights of their own for each latent, and products of what lies otherwise than one would think. */
final class LatentOperation {
    private LatentOperation() {}

    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.GROUPED_PROJECTION -> projection(task);
            case Computation.GROUPED_CONVOLUTION -> convolution(task);
            case Computation.WINDOW_PROJECTION -> windows(task);
            default -> reshaped(task);
        };
    }

    private static Operation projected(Task task, Field x) {
        return x == null
                ? null
                : ProjectionOperation.of(task.as(Computation.PROJECTION).of(x));
    }

    private static Field plain(Task task, Field x) {
        Operation operation = projected(task, x);
        return operation == null ? null : operation.plain();
    }

    /** A projection of something, and what else it might have been given. */
    private record Given(Operation projection, List<Variant> others) implements Operation {
        @Override
        public Field plain() {
            return projection.plain();
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>(others);
            variants.addAll(projection.variants());
            return variants;
        }

        @Override
        public List<Variant> farFetched() {
            return projection.farFetched();
        }
    }

    private static Operation given(Task task, Field x, List<Variant> others) {
        Operation projection = projected(task, x);
        return projection == null
                ? null
                : new Given(
                        projection,
                        others.stream().filter(other -> other.field() != null).toList());
    }

    /** x [filters, time, places] cut into vectors as it lies. */
    private static Operation reshaped(Task task) {
        Field x = task.input();
        int[] shape = {x.shape()[1], x.shape()[0] * x.shape()[2]};
        Field moved = Arrangement.of("f t p -> t (f p)").apply(x, shape);
        return given(
                task,
                Arrangement.reshaped(x, shape),
                List.of(new Variant(
                        "transposed instead of reshaped",
                        "the filters of each time as a vector",
                        "the numbers as they lie, cut into vectors",
                        "the model was trained with a reshape that moves no axis",
                        plain(task, moved))));
    }

    /** x [time + window - 1, frequency, channels]. */
    private static Operation windows(Task task) {
        Field x = task.input();
        int window = task.count("window");
        int channels = x.width();
        int[] shape = {x.shape()[0] - window + 1, x.shape()[1], channels * window};
        return given(
                task,
                windowed(x, shape, window, 0, false),
                List.of(
                        new Variant(
                                "order of axes",
                                "windows as [time, channel]",
                                "[channel, time]",
                                "all times of a channel follow each other",
                                plain(task, windowed(x, shape, window, 0, true))),
                        new Variant(
                                "positions shifted",
                                "windows one later",
                                "each in its place",
                                "the window of the first time begins with the padding",
                                plain(task, windowed(x, shape, window, 1, false))),
                        new Variant(
                                "positions shifted",
                                "windows one earlier",
                                "each in its place",
                                "the window of the first time begins with the padding",
                                plain(task, windowed(x, shape, window, -1, false)))));
    }

    private static Field windowed(Field x, int[] shape, int window, int shift, boolean byTime) {
        int channels = x.width();
        return Field.of(shape, index -> {
            double[] y = new double[channels * window];
            for (int w = 0; w < window; w++) {
                double[] at = x.at(index[0] + w + shift, index[1]);
                for (int c = 0; c < channels; c++) {
                    y[byTime ? w * channels + c : c * window + w] = at == null ? Double.NaN : at[c];
                }
            }
            return y;
        });
    }

    private interface Place {
        int of(int latent, int output, int column);
    }

    /** x [time, latents, width], W [latents, outputs, width]. Null if the weight is not known or does not fit. */
    private static Operation projection(Task task) {
        Field x = task.input();
        WeightSource.Weight weight = task.weight("weight");
        int latents = x.shape()[1];
        int width = x.width();
        if (weight == null || weight.shape().size() != 3 || weight.shape().get(0) != latents) {
            return null;
        }
        int outputs = weight.shape().get(1);
        float[] w = weight.values();
        return new Operation() {
            private Field with(Place place, boolean byOutput) {
                return Field.of(new int[] {x.shape()[0], latents * outputs}, index -> {
                    double[] y = new double[latents * outputs];
                    for (int k = 0; k < latents; k++) {
                        double[] in = x.at(index[0], k);
                        for (int o = 0; o < outputs; o++) {
                            double sum = in == null ? Double.NaN : 0;
                            for (int i = 0; in != null && i < width; i++) {
                                sum += in[i] * w[place.of(k, o, i)];
                            }
                            y[byOutput ? o * latents + k : k * outputs + o] = sum;
                        }
                    }
                    return y;
                });
            }

            private int usual(int k, int o, int i) {
                return (k * outputs + o) * width + i;
            }

            @Override
            public Field plain() {
                return with(this::usual, false);
            }

            @Override
            public List<Variant> variants() {
                String name = task.computation().weights().get("weight");
                return List.of(
                        new Variant(
                                "order of axes",
                                "results as [outputs, latents]",
                                "[latents, outputs]",
                                "the results of a latent follow each other",
                                with(this::usual, true)),
                        new Variant(
                                "reshaped instead of transposed",
                                name + " as [latents, width, outputs]",
                                "it as [latents, outputs, width]",
                                "transpose the last two axes of " + name,
                                with((k, o, i) -> (k * width + i) * outputs + o, false)),
                        new Variant(
                                "order of latents",
                                "matrices of latents from last to first",
                                "first to last",
                                "look at the order of latents",
                                with((k, o, i) -> usual(latents - 1 - k, o, i), false)));
            }
        };
    }

    /** x [time, latents, width] to [filters, time, places]. Null if a weight is not known or does not fit. */
    private static Operation convolution(Task task) {
        Field x = task.input();
        WeightSource.Weight weight = task.weight("weight");
        WeightSource.Weight bias = task.weight("bias");
        int latents = x.shape()[1];
        if (weight == null
                || bias == null
                || weight.shape().size() != 4
                || weight.shape().get(3) % latents != 0) {
            return null;
        }
        int filters = weight.shape().get(3);
        int kernel = weight.shape().get(1);
        int places = x.width() - kernel + 1;
        float[] w = weight.values();
        float[] b = bias.values();
        return new Operation() {
            private Field with(boolean turns, boolean flipped, double ofBias) {
                return Field.of(new int[] {filters, x.shape()[0], places}, index -> {
                    int latent = turns ? index[0] % latents : index[0] / (filters / latents);
                    double[] in = x.at(index[1], latent);
                    if (in == null) {
                        return null;
                    }
                    double[] y = new double[places];
                    for (int place = 0; place < places; place++) {
                        y[place] = ofBias * b[index[0]];
                        for (int i = 0; i < kernel; i++) {
                            y[place] += in[place + i] * w[(flipped ? kernel - 1 - i : i) * filters + index[0]];
                        }
                    }
                    return y;
                });
            }

            @Override
            public Field plain() {
                return with(false, false, 1);
            }

            @Override
            public List<Variant> variants() {
                String name = task.computation().weights().get("weight");
                return List.of(
                        new Variant(
                                "order of latents",
                                "filters of latents in turns",
                                "all filters of a latent follow each other",
                                "filter q is of latent q / " + filters / latents,
                                with(true, false, 1)),
                        new Variant(
                                "kernel flipped",
                                name + " turned",
                                "it as it is",
                                "a layer correlates: do not turn the kernel",
                                with(false, true, 1)),
                        new Variant(
                                "missing bias", "extra bias", "no bias", "it", "add the bias", with(false, false, 0)));
            }
        };
    }
}
