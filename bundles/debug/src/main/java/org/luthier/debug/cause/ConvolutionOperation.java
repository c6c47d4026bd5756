package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.luthier.api.model.Computation;

/** activation(convolution + b) over time and frequency with zeros around. */
final class ConvolutionOperation implements Operation {
    private static final String WEIGHT = "weight";
    private static final String RESHAPED = "reshaped instead of transposed";

    private final Task task;
    private final String name;
    private final BatchNorm norm;
    private final Kernel book;

    /** @param norm of what is convolved, or null */
    private ConvolutionOperation(Task task, BatchNorm norm, Kernel book) {
        this.task = task;
        this.norm = norm;
        this.book = book;
        this.name = task.computation().weights().get(WEIGHT);
    }

    /** Null if a weight is not known or does not fit. */
    static Operation of(Task task) {
        WeightSource.Weight weight = task.weight(WEIGHT);
        WeightSource.Weight bias = task.weight("bias");
        List<Field> images = new ArrayList<>(task.inputs());
        images.set(0, longer(image(images.get(0), task.is("channelsFirst")), task));
        boolean fits = weight != null
                && weight.shape().size() == 4
                && weight.shape().get(2)
                        == images.stream().mapToInt(Field::width).sum();
        if (!fits || bias == null && task.hasWeight("bias")) {
            return null;
        }
        int[] shape = weight.shape().stream().mapToInt(Integer::intValue).toArray();
        if (task.is("frequencyFirst")) {
            shape = new int[] {shape[1], shape[0], shape[2], shape[3]};
        }
        boolean normalised = task.computation().operation().equals(Computation.NORMALISED_CONVOLUTION);
        BatchNorm norm = normalised ? BatchNorm.of(task, shape[3]) : null;
        if (normalised && norm == null) {
            return null;
        }
        double[] gains = new double[shape[3]];
        double[] added = new double[shape[3]];
        for (int o = 0; o < shape[3]; o++) {
            gains[o] = normalised ? norm.factor(o) : 1;
            added[o] = normalised ? norm.added(o) : bias == null ? 0 : bias.values()[o];
        }
        return new ConvolutionOperation(
                task,
                norm,
                new Kernel(
                        images,
                        weight.values(),
                        shape,
                        gains,
                        added,
                        task.activation(),
                        task.count("frequencyStride"),
                        task.count("timePadding"),
                        task.count("frequencyPadding")));
    }

    /** With times of a constant before and behind. */
    private static Field longer(Field x, Task task) {
        if (!task.computation().settings().containsKey("outside")) {
            return x;
        }
        int before = task.count("longerBefore");
        double outside = task.number("outside");
        int[] shape = x.shape().clone();
        shape[0] += before + task.count("longerAfter");
        double[] constant = new double[x.width()];
        Arrays.fill(constant, outside);
        return Field.of(shape, index -> {
            int time = index[0] - before;
            return time < 0 || time >= x.shape()[0] ? constant : x.at(time, index[1]);
        });
    }

    /** A picture as [time, frequency, channels]. */
    static Field image(Field x, boolean channelsFirst) {
        if (x.shape().length == 2) {
            return Field.of(new int[] {x.shape()[0], x.shape()[1], 1}, index -> {
                double[] line = x.at(index[0]);
                return line == null ? null : new double[] {line[index[1]]};
            });
        }
        return channelsFirst
                ? Field.of(new int[] {x.shape()[1], x.shape()[2], x.shape()[0]}, index -> {
                    double[] channels = new double[x.shape()[0]];
                    for (int c = 0; c < channels.length; c++) {
                        double[] line = x.at(c, index[0]);
                        channels[c] = line == null ? Double.NaN : line[index[1]];
                    }
                    return channels;
                })
                : x;
    }

    /**
     * The convolution, with what can be changed of it.
     *
     * @param gains that its results are multiplied with
     * @param added to them then
     */
    private record Kernel(
            List<Field> inputs,
            float[] w,
            int[] shape,
            double[] gains,
            double[] added,
            String activation,
            int stride,
            int before,
            int below) {
        Kernel weight(float[] other) {
            return new Kernel(inputs, other, shape, gains, added, activation, stride, before, below);
        }

        Kernel normed(double[] otherGains, double[] otherAdded) {
            return new Kernel(inputs, w, shape, otherGains, otherAdded, activation, stride, before, below);
        }

        Kernel added(DoubleUnaryOperator change) {
            return normed(gains, Arrays.stream(added).map(change).toArray());
        }

        Kernel activated(String other) {
            return new Kernel(inputs, w, shape, gains, added, other, stride, before, below);
        }

        Kernel padded(int time, int frequency) {
            return new Kernel(inputs, w, shape, gains, added, activation, stride, time, frequency);
        }

        Kernel of(List<Field> others) {
            return new Kernel(others, w, shape, gains, added, activation, stride, before, below);
        }

        Kernel scaled(double by) {
            return normed(Arrays.stream(gains).map(gain -> gain * by).toArray(), added);
        }

        /** Weights taken from elsewhere in the kernel. */
        Kernel from(Place place) {
            float[] moved = new float[w.length];
            int to = 0;
            for (int t = 0; t < shape[0]; t++) {
                for (int f = 0; f < shape[1]; f++) {
                    for (int i = 0; i < shape[2]; i++) {
                        for (int o = 0; o < shape[3]; o++) {
                            moved[to++] = w[place.of(t, f, i, o)];
                        }
                    }
                }
            }
            return weight(moved);
        }

        int at(int t, int f, int i, int o) {
            return ((t * shape[1] + f) * shape[2] + i) * shape[3] + o;
        }

        Field field() {
            DoubleUnaryOperator function = Functions.activation(activation);
            return field((sum, o) -> function.applyAsDouble(gains[o] * sum + added[o]));
        }

        /** With something else done to the sums. */
        Field field(Finish finish) {
            int[] in = inputs.get(0).shape();
            // What stands behind the last is found out by whoever compares.
            int[] out = {in[0], (in[1] + stride - 1) / stride, shape[3]};
            return Field.of(out, index -> {
                double[] y = sums(index[0], index[1], in);
                for (int o = 0; y != null && o < y.length; o++) {
                    y[o] = finish.of(y[o], o);
                }
                return y;
            });
        }

        private double[] sums(int time, int frequency, int[] in) {
            double[] y = new double[shape[3]];
            for (int t = 0; t < shape[0]; t++) {
                int fromTime = time + t - before;
                for (int f = 0; f < shape[1]; f++) {
                    int fromFrequency = frequency * stride + f - below;
                    if (fromTime < 0 || fromTime >= in[0] || fromFrequency < 0 || fromFrequency >= in[1]) {
                        continue;
                    }
                    int channel = 0;
                    for (Field input : inputs) {
                        double[] x = input.whole(fromTime, fromFrequency);
                        if (x == null) {
                            return null;
                        }
                        for (double value : x) {
                            int from = at(t, f, channel++, 0);
                            for (int o = 0; o < y.length; o++) {
                                y[o] += value * w[from + o];
                            }
                        }
                    }
                }
            }
            return y;
        }
    }

    /** What becomes of a sum. */
    private interface Finish {
        double of(double sum, int output);
    }

    /** A place in the weights. */
    private interface Place {
        int of(int t, int f, int i, int o);
    }

    @Override
    public Field plain() {
        return book.field();
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        lying(variants);
        paddings(variants);
        if (norm == null) {
            variants.add(new Variant(
                    "missing bias",
                    "extra bias",
                    "no bias",
                    "the bias " + task.computation().weights().get("bias"),
                    "load the bias and add it before the activation",
                    book.added(bias -> 0).field()));
            variants.add(new Variant(
                    "sign",
                    "the bias subtracted",
                    "it added",
                    "add the bias",
                    book.added(bias -> -bias).field()));
        } else {
            norms(variants);
        }
        ProjectionOperation.activations(
                task.activation(), variants, other -> book.activated(other).field());
        for (Factor factor : Factor.of()) {
            variants.add(factor.variant(
                    "the convolution with " + name, book.scaled(factor.value()).field()));
        }
        if (task.inputs().size() > 1) {
            List<Field> reversed = new ArrayList<>(task.inputs());
            Collections.reverse(reversed);
            variants.add(new Variant(
                    "inputs swapped",
                    "the inputs joined in the other order",
                    String.join(", then ", task.computation().inputs()),
                    "join the channels in the order of the model",
                    book.of(reversed).field()));
        }
        for (Precision precision : Precision.values()) {
            float[] rounded = precision.round(book.w());
            if (!Arrays.equals(rounded, book.w())) {
                variants.add(
                        Rounded.variant(precision, name, book.weight(rounded).field()));
            }
        }
        return variants;
    }

    private void norms(List<Variant> variants) {
        norm.variants((fault, reverse, odd, usual, advice, other) -> {
            double[] gains = new double[book.shape()[3]];
            double[] added = new double[gains.length];
            for (int o = 0; o < gains.length; o++) {
                gains[o] = other.factor(o);
                added[o] = other.added(o);
            }
            variants.add(new Variant(
                    fault,
                    reverse,
                    odd,
                    usual,
                    advice,
                    book.normed(gains, added).field()));
        });
        DoubleUnaryOperator function = Functions.activation(task.activation());
        if (!task.activation().equals("none")) {
            variants.add(new Variant(
                    "activation before the norm",
                    "the activation, then the batch norm",
                    "the batch norm, then the activation",
                    "convolution, norm, activation is the order",
                    book.field((sum, o) -> book.gains()[o] * function.applyAsDouble(sum) + book.added()[o])));
        }
    }

    private void lying(List<Variant> variants) {
        int[] s = book.shape();
        String flip = "a layer correlates: do not turn the kernel";
        kernel(
                variants,
                "kernel flipped",
                "turned in time and frequency",
                flip,
                (t, f, i, o) -> book.at(s[0] - 1 - t, s[1] - 1 - f, i, o));
        kernel(variants, "kernel flipped", "turned in time", flip, (t, f, i, o) -> book.at(s[0] - 1 - t, f, i, o));
        kernel(variants, "kernel flipped", "turned in frequency", flip, (t, f, i, o) -> book.at(t, s[1] - 1 - f, i, o));
        if (s[0] == s[1]) {
            kernel(
                    variants,
                    "kernel transposed",
                    "with time and frequency exchanged",
                    "look at the order of time and frequency in the kernel and in what goes in",
                    (t, f, i, o) -> book.at(f, t, i, o));
        }
        if (s[2] == s[3] && s[2] > 1) {
            kernel(
                    variants,
                    "transposed",
                    "with inputs and outputs exchanged",
                    "exchange the last two axes of " + name,
                    (t, f, i, o) -> book.at(t, f, o, i));
        }
        kernel(
                variants,
                "order of inputs",
                "with its input channels from last to first",
                "look at the order of the channels that go in",
                (t, f, i, o) -> book.at(t, f, s[2] - 1 - i, o));
        String reshape =
                "transpose [outputs, inputs, time, frequency] of PyTorch to [time, frequency, inputs, outputs]; reading the"
                        + " numbers in order as another shape scrambles them";
        kernel(
                variants,
                RESHAPED,
                "with its numbers in the other order",
                reshape,
                (t, f, i, o) -> ((o * s[2] + i) * s[0] + t) * s[1] + f);
        int[] place = new int[book.w().length];
        int to = 0;
        for (int t = 0; t < s[0]; t++) {
            for (int f = 0; f < s[1]; f++) {
                for (int i = 0; i < s[2]; i++) {
                    for (int o = 0; o < s[3]; o++) {
                        place[((o * s[2] + i) * s[0] + t) * s[1] + f] = to++;
                    }
                }
            }
        }
        kernel(
                variants,
                RESHAPED,
                "with its numbers in the other order",
                reshape,
                (t, f, i, o) -> place[book.at(t, f, i, o)]);
    }

    private void kernel(List<Variant> variants, String fault, String how, String advice, Place place) {
        variants.add(new Variant(
                fault, name + " " + how, "it as it is", advice, book.from(place).field()));
    }

    private void paddings(List<Variant> variants) {
        for (int[] shift :
                new int[][] {{0, 1}, {0, -1}, {1, 0}, {-1, 0}, {0, 2}, {0, -2}, {2, 0}, {-2, 0}, {1, 1}, {-1, -1}}) {
            int time = book.before() + shift[0];
            int frequency = book.below() + shift[1];
            variants.add(new Variant(
                    "padding shifted",
                    time + " before in time, " + frequency + " in frequency",
                    book.before() + " and " + book.below(),
                    "pad as the framework of the checkpoint does: with a stride TensorFlow's \"same\" pads less before than behind",
                    book.padded(time, frequency).field()));
        }
    }

    @Override
    public List<Variant> farFetched() {
        List<Variant> variants = new ArrayList<>();
        task.others(WEIGHT)
                .forEach(other -> task.alike(other, WEIGHT)
                        .ifPresent(weight -> variants.add(new Variant(
                                "names swapped",
                                "the weight " + other.weights().get(WEIGHT),
                                name,
                                "look at which names the name rules give to both",
                                book.weight(weight.values()).field()))));
        return variants;
    }

    /** Several inputs side by side along the last axis. */
    static Operation concatenation(Task task) {
        return new Operation() {
            private Field joined(List<Field> fields) {
                int[] shape = fields.get(0).shape().clone();
                shape[shape.length - 1] = fields.stream().mapToInt(Field::width).sum();
                return Field.of(shape, index -> {
                    double[] y = new double[0];
                    for (Field field : fields) {
                        double[] x = field.at(index);
                        if (x == null) {
                            return null;
                        }
                        double[] both = Arrays.copyOf(y, y.length + x.length);
                        System.arraycopy(x, 0, both, y.length, x.length);
                        y = both;
                    }
                    return y;
                });
            }

            @Override
            public Field plain() {
                return joined(task.inputs());
            }

            @Override
            public List<Variant> variants() {
                List<Field> reversed = new ArrayList<>(task.inputs());
                Collections.reverse(reversed);
                return List.of(new Variant(
                        "inputs swapped",
                        "the inputs joined in the other order",
                        String.join(", then ", task.computation().inputs()),
                        "join the channels in the order of the model",
                        joined(reversed)));
            }
        };
    }
}
