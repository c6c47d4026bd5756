package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.luthier.api.model.Computation;

/** activation(x W + b), W [inputs, outputs]. */
final class ProjectionOperation implements Operation {
    private static final String WEIGHT = "weight";
    private static final int MOST_SHIFTED = 3;

    private final Task task;
    private final String name;
    private final Linear book;

    private ProjectionOperation(Task task, Linear book) {
        this.task = task;
        this.book = book;
        this.name = task.computation().weights().get(WEIGHT);
    }

    /** Null if a weight is not known or does not fit. */
    static Operation of(Task task) {
        WeightSource.Weight weight = task.weight(WEIGHT);
        WeightSource.Weight bias = task.weight("bias");
        if (weight == null
                || weight.shape().size() != 2
                || weight.shape().get(0) != task.input().width()
                || bias == null && task.hasWeight("bias")) {
            return null;
        }
        float[] values = weight.values();
        return new ProjectionOperation(
                task,
                new Linear(
                        task.input(),
                        () -> values,
                        weight.shape().get(0),
                        weight.shape().get(1),
                        1,
                        bias == null ? null : bias.values(),
                        task.activation()));
    }

    /** The product, with what can be changed of it. */
    private record Linear(
            Field x, Supplier<float[]> w, int inputs, int outputs, double factor, float[] bias, String activation) {
        Linear of(Field other) {
            return new Linear(other, w, inputs, outputs, factor, bias, activation);
        }

        Linear weight(Supplier<float[]> other) {
            return new Linear(x, other, inputs, outputs, factor, bias, activation);
        }

        Linear scaled(double by) {
            return new Linear(x, w, inputs, outputs, by, bias, activation);
        }

        Linear biased(float[] other) {
            return new Linear(x, w, inputs, outputs, factor, other, activation);
        }

        Linear activated(String other) {
            return new Linear(x, w, inputs, outputs, factor, bias, other);
        }

        Field field() {
            int[] shape = x.shape().clone();
            shape[shape.length - 1] = outputs;
            DoubleUnaryOperator function = Functions.activation(activation);
            return new Field(shape) {
                private float[] matrix;

                @Override
                double[] compute(int[] index) {
                    double[] in = x.whole(index);
                    if (matrix == null) {
                        matrix = w.get();
                    }
                    return in == null ? null : vector(in, matrix, function);
                }
            };
        }

        private double[] vector(double[] in, float[] w, DoubleUnaryOperator function) {
            double[] y = new double[outputs];
            for (int i = 0; i < in.length; i++) {
                double value = in[i] * factor;
                int row = i * outputs;
                for (int j = 0; j < outputs; j++) {
                    y[j] += value * w[row + j];
                }
            }
            for (int j = 0; j < outputs; j++) {
                y[j] = function.applyAsDouble(bias == null ? y[j] : y[j] + bias[j]);
            }
            return y;
        }
    }

    private float[] weight() {
        return book.w().get();
    }

    @Override
    public Field plain() {
        return book.field();
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        lying(variants);
        exchanged(variants);
        heads(variants);
        if (book.bias() != null) {
            variants.add(new Variant(
                    "missing bias",
                    "extra bias",
                    "no bias",
                    "the bias " + task.computation().weights().get("bias"),
                    "load the bias and add it before the activation",
                    book.biased(null).field()));
        }
        activations(task.activation(), variants, other -> book.activated(other).field());
        normalised(variants);
        scales(variants);
        rounded(variants);
        return variants;
    }

    /** A norm in front where there should be none. */
    private void normalised(List<Variant> variants) {
        for (boolean centred : new boolean[] {false, true}) {
            variants.add(new Variant(
                    "input normalised",
                    "input not normalised",
                    "what goes in behind " + (centred ? "a layer norm" : "an RMS norm") + " without a weight",
                    "it as it is",
                    "there is no norm in front of this layer",
                    book.of(task.input().map(x -> NormOperation.normalised(x, centred)))
                            .field()));
        }
    }

    private void lying(List<Variant> variants) {
        int in = book.inputs();
        int out = book.outputs();
        if (in == out) {
            variants.add(new Variant(
                    "transposed",
                    name + " transposed",
                    name + " as it is",
                    "transpose " + name
                            + " on loading, or do not: frameworks store a linear layer as [out, in] or [in, out]",
                    book.weight(() -> Matrices.transposed(weight(), in, out)).field()));
        }
        String reshape = "where the checkpoint stores [" + out + ", " + in + "], transpose " + name
                + "; reading its numbers in order as [" + in + ", " + out + "] scrambles them";
        if (in != out) {
            variants.add(new Variant(
                    "reshaped instead of transposed",
                    name + " with its numbers in the other order",
                    name + " as it is",
                    reshape,
                    book.weight(() -> Matrices.transposed(weight(), out, in)).field()));
            // Undoes the same mistake where it is the weight at hand that suffered it.
            variants.add(new Variant(
                    "reshaped instead of transposed",
                    name + " with its numbers in the other order",
                    name + " as it is",
                    reshape,
                    book.weight(() -> Matrices.transposed(weight(), in, out)).field()));
        }
        variants.add(new Variant(
                task.isOfBands() ? "mel order" : "order of inputs",
                "the inputs of " + name + " from last to first",
                "them from first to last",
                "look at the order of what goes in, such as mel bands from low to high",
                book.weight(() -> Matrices.rows(weight(), out, i -> in - 1 - i)).field()));
        for (int shift = -MOST_SHIFTED; shift <= MOST_SHIFTED; shift++) {
            int by = shift;
            if (shift != 0) {
                variants.add(new Variant(
                        "rows shifted",
                        "the rows of " + name + " shifted by " + shift,
                        "them in their places",
                        "look for special entries, or a bin, that one side counts and the other does not",
                        book.weight(() -> Matrices.rows(weight(), out, i -> Math.floorMod(i + by, in)))
                                .field()));
            }
        }
    }

    /** Weights of other computations. */
    private void exchanged(List<Variant> variants) {
        task.siblings(WEIGHT)
                .forEach(other -> task.alike(other, WEIGHT).ifPresent(weight -> {
                    String mine = last(task.computation().output());
                    String its = last(other.output());
                    boolean gate = !task.activation().equals(other.settings().get("activation"));
                    String fault = gate
                            ? "gate and up swapped"
                            : mine.length() == 1 && its.length() == 1
                                    ? mine + " and " + its + " swapped"
                                    : "names swapped";
                    variants.add(new Variant(
                            fault,
                            "the weight " + other.weights().get(WEIGHT),
                            name,
                            "exchange the two names, " + name + " and "
                                    + other.weights().get(WEIGHT) + ", in the name rules",
                            book.weight(weight::values).field()));
                }));
        task.inOtherLayers(WEIGHT).forEach(other -> other("layers swapped", other, variants));
        tied(variants);
    }

    private void other(String fault, Computation other, List<Variant> variants) {
        task.alike(other, WEIGHT)
                .ifPresent(weight -> variants.add(new Variant(
                        fault,
                        "the weight " + other.weights().get(WEIGHT),
                        name,
                        "look at which names the name rules give to "
                                + other.weights().get(WEIGHT) + " and " + name,
                        book.weight(weight::values).field())));
    }

    private void tied(List<Variant> variants) {
        int in = book.inputs();
        int out = book.outputs();
        for (Computation other : task.all()) {
            String table = other.weights().get("table");
            WeightSource.Weight weight = table == null ? null : task.weights().weight(table);
            if (weight != null && weight.shape().equals(List.of(out, in))) {
                Linear tied = book.weight(() -> Matrices.transposed(weight.values(), out, in));
                String advice =
                        "give the output its own matrix: is \"tie_word_embeddings\" set, or does its name fall to "
                                + table + "?";
                variants.add(new Variant(
                        "tied output", "the embedding " + table + " for the output", name, advice, tied.field()));
                variants.add(new Variant(
                        "tied output",
                        "the embedding " + table + ", divided by sqrt(" + in + "), for the output",
                        name,
                        advice,
                        tied.scaled(1 / Math.sqrt(in)).field()));
            }
        }
    }

    @Override
    public List<Variant> farFetched() {
        List<Variant> variants = new ArrayList<>();
        task.others(WEIGHT).forEach(other -> other("names swapped", other, variants));
        return variants;
    }

    /** What goes in head by head. */
    private void heads(List<Variant> variants) {
        int heads = task.inputHeads();
        int in = book.inputs();
        int out = book.outputs();
        if (heads < 2 || in % heads != 0) {
            return;
        }
        int size = in / heads;
        String order = "reshape to [heads, size], not to [size, heads], before " + name;
        variants.add(new Variant(
                "heads split or ordered otherwise",
                "the rows of " + name + " as [size, heads]",
                "them as [heads, size]",
                order,
                book.weight(() -> Matrices.rows(weight(), out, i -> Matrices.interleaved(i, heads, in)))
                        .field()));
        variants.add(new Variant(
                "heads split or ordered otherwise",
                "the rows of " + name + " as [size, heads]",
                "them as [heads, size]",
                order,
                book.weight(() -> Matrices.rows(weight(), out, i -> Matrices.gathered(i, heads, in)))
                        .field()));
        variants.add(headsFrom("last to first", i -> heads - 1 - i, size));
        for (int turn = 1; turn < heads; turn++) {
            int by = turn;
            variants.add(headsFrom("turned by " + turn, i -> (i + by) % heads, size));
        }
        for (int a = 0; a < heads; a++) {
            for (int b = a + 1; b < heads; b++) {
                int first = a;
                int second = b;
                variants.add(headsFrom(
                        a + " and " + b + " exchanged", i -> i == first ? second : i == second ? first : i, size));
            }
        }
        for (int head = 0; head < heads; head++) {
            int from = head * size * out;
            variants.add(new Variant(
                    "a head missing",
                    "an extra head",
                    "nothing of head " + head,
                    "all heads",
                    "look at rows " + head * size + " to " + ((head + 1) * size - 1) + " of " + name
                            + " and what meets them",
                    book.weight(() -> without(from, from + size * out)).field()));
        }
    }

    private float[] without(int from, int to) {
        float[] w = weight().clone();
        Arrays.fill(w, from, to, 0);
        return w;
    }

    private Variant headsFrom(String text, IntUnaryOperator from, int size) {
        return new Variant(
                "heads split or ordered otherwise",
                "the heads of " + name + " " + text,
                "them in order",
                "look at how the heads of " + name + " were split or joined",
                book.weight(() -> Matrices.rows(
                                weight(), book.outputs(), i -> from.applyAsInt(i / size) * size + i % size))
                        .field());
    }

    /** The activations that might have been used instead. */
    static void activations(String usual, List<Variant> variants, Function<String, Field> with) {
        for (String other : Functions.ACTIVATIONS.keySet().stream().sorted().toList()) {
            if (!other.equals(usual)) {
                boolean gelu = Functions.GELUS.contains(other) && Functions.GELUS.contains(usual);
                variants.add(new Variant(
                        gelu ? "other GELU" : "other activation",
                        other,
                        usual,
                        "use " + usual + " as the model was trained with"
                                + (gelu
                                        ? ": in PyTorch gelu_new or approximate=\"tanh\" is gelu_tanh, gelu is gelu_erf"
                                        : ""),
                        with.apply(other)));
            }
        }
    }

    private void scales(List<Variant> variants) {
        int size = task.heads() > 0 ? book.outputs() / task.heads() : 0;
        for (Factor factor : Factor.of(size, book.inputs(), book.outputs())) {
            // Without activation and bias a factor is found from the outputs alone.
            if (book.bias() != null || !task.activation().equals("none")) {
                variants.add(factor.variant(
                        "the product with " + name, book.scaled(factor.value()).field()));
            }
        }
        if (book.bias() != null) {
            float[] negative = book.bias().clone();
            IntStream.range(0, negative.length).forEach(i -> negative[i] = -negative[i]);
            variants.add(new Variant(
                    "sign",
                    "the bias subtracted",
                    "it added",
                    "add the bias",
                    book.biased(negative).field()));
        }
    }

    private void rounded(List<Variant> variants) {
        for (Precision precision : Precision.values()) {
            if (!precision.holds(weight())) {
                variants.add(Rounded.variant(
                        precision,
                        name,
                        book.weight(() -> precision.round(weight())).field()));
            }
        }
        variants.add(new Variant(
                Rounded.CAUSE,
                name + " in eight bits with one scale",
                "it in float32",
                Rounded.ADVICE,
                book.weight(() -> Rounded.eightBits(weight())).field()));
    }

    private static String last(String output) {
        return output.substring(output.lastIndexOf('.') + 1);
    }
}
