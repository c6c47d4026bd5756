package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.luthier.api.model.Computation;

/** What is done to each element by itself: sums, products, activations, affine maps and logarithms. */
final class ElementOperation {
    private static final double[] EPSILONS = {1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3};

    private ElementOperation() {}

    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.SUM -> new Combined(task, "sum", Double::sum);
            case Computation.PRODUCT -> new Combined(task, "product", (a, b) -> a * b);
            case Computation.ACTIVATION -> new Activated(task);
            case Computation.LOGARITHM -> new Logarithm(task);
            case Computation.LOGARITHM_OF_SUM -> new LogarithmOfSum(task);
            case Computation.WEIGHTED_SUM -> new WeightedSum(task);
            case Computation.SCALING -> new Scaling(task);
            default -> affine(task);
        };
    }

    private static Field each(Field x, DoubleUnaryOperator function) {
        return x.map(vector -> Arrays.stream(vector).map(function).toArray());
    }

    /** Sum or product of several. */
    private record Combined(Task task, String word, DoubleBinaryOperator operator) implements Operation {
        private Field combined(List<Field> fields) {
            Field first = fields.get(0);
            return Field.of(first.shape(), index -> {
                double[] y = first.at(index);
                y = y == null ? null : y.clone();
                for (Field other : fields.subList(1, fields.size())) {
                    double[] x = other.at(index);
                    if (x == null || y == null || x.length != y.length) {
                        return null;
                    }
                    for (int i = 0; i < y.length; i++) {
                        y[i] = operator.applyAsDouble(y[i], x[i]);
                    }
                }
                return y;
            });
        }

        @Override
        public Field plain() {
            return combined(task.inputs());
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>();
            List<String> names = task.computation().inputs();
            boolean sum = word.equals("sum");
            String advice = sum
                    ? "a residual stream is added once to what the layer made of it"
                    : "multiply the activated gate with the other product";
            for (int i = 0; i < names.size() && names.size() > 1; i++) {
                String name = names.get(i);
                List<Field> without = new ArrayList<>(task.inputs());
                without.remove(i);
                String part = sum ? "addend" : "factor";
                variants.add(new Variant(
                        part + " missing",
                        part + " too many",
                        "no " + name + " in the " + word,
                        "it",
                        advice,
                        combined(without)));
                List<Field> twice = new ArrayList<>(task.inputs());
                twice.add(twice.get(i));
                variants.add(new Variant(
                        part + " doubled",
                        part + " halved",
                        name + " twice in the " + word,
                        "it once",
                        advice,
                        combined(twice)));
                if (sum) {
                    List<Field> negative = new ArrayList<>(task.inputs());
                    negative.set(i, each(negative.get(i), x -> -x));
                    variants.add(new Variant("sign", name + " subtracted", "it added", "add it", combined(negative)));
                }
            }
            if (!sum && names.size() == 2) {
                activatedOther(variants);
            }
            return variants;
        }

        /** The gate's activation on the other factor cannot be undone, one on both can be told. */
        private void activatedOther(List<Variant> variants) {
            for (String word : Functions.GELUS) {
                for (int i = 0; i < 2; i++) {
                    List<Field> fields = new ArrayList<>(task.inputs());
                    fields.set(i, each(fields.get(i), Functions.activation(word)));
                    variants.add(new Variant(
                            "other activation",
                            word + " of " + task.computation().inputs().get(i) + " too",
                            "it as it is",
                            "activate the gate only",
                            combined(fields)));
                }
            }
        }
    }

    private record Activated(Task task) implements Operation {
        @Override
        public Field plain() {
            return with(task.activation());
        }

        private Field with(String activation) {
            return each(task.input(), Functions.activation(activation));
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>();
            ProjectionOperation.activations(task.activation(), variants, this::with);
            return variants;
        }
    }

    /** log(x) where x is above 0, else log(floor). */
    private record Logarithm(Task task) implements Operation {
        @Override
        public Field plain() {
            double silence = Math.log(task.number("floor"));
            return each(task.input(), x -> x > 0 ? Math.log(x) : silence);
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>();
            double floor = task.number("floor");
            String usual = "log(x), log(" + number(floor) + ") where x is 0";
            add(variants, "missing log", "x itself", usual, x -> x);
            add(variants, "other logarithm", "log10(x)", usual, x -> Math.log10(x > 0 ? x : floor));
            add(variants, "other logarithm", "log2(x)", usual, x -> Math.log(x > 0 ? x : floor) / Math.log(2));
            add(variants, "other logarithm", "log(1 + x)", usual, Math::log1p);
            add(variants, "other logarithm", "20 log10(x)", usual, x -> 20 * Math.log10(x > 0 ? x : floor));
            add(variants, "other logarithm", "10 log10(x)", usual, x -> 10 * Math.log10(x > 0 ? x : floor));
            add(variants, "power for magnitude", "log(x^2)", usual, x -> 2 * Math.log(x > 0 ? x : floor));
            for (double epsilon : EPSILONS) {
                add(variants, "other logarithm", "log(x + " + number(epsilon) + ")", usual, x -> Math.log(x + epsilon));
                add(
                        variants,
                        "other logarithm",
                        "log(max(x, " + number(epsilon) + "))",
                        usual,
                        x -> Math.log(Math.max(x, epsilon)));
                if (epsilon != floor) {
                    add(
                            variants,
                            "other logarithm",
                            "log(" + number(epsilon) + ") where x is 0",
                            usual,
                            x -> Math.log(x > 0 ? x : epsilon));
                }
            }
            return variants;
        }

        private void add(List<Variant> variants, String fault, String odd, String usual, DoubleUnaryOperator function) {
            variants.add(new Variant(fault, odd, usual, "take " + usual, each(task.input(), function)));
        }
    }

    /** log(x + added), from an entry on. */
    private record LogarithmOfSum(Task task) implements Operation {
        private Field of(int first, DoubleUnaryOperator function) {
            int width = task.input().width() - task.count("first");
            int[] shape = task.input().shape().clone();
            shape[shape.length - 1] = width;
            return Field.of(shape, index -> {
                double[] x = task.input().at(index);
                return x == null
                        ? null
                        : Arrays.stream(x, first, first + width).map(function).toArray();
            });
        }

        @Override
        public Field plain() {
            double added = task.number("added");
            return of(task.count("first"), x -> Math.log(x + added));
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>();
            int first = task.count("first");
            double added = task.number("added");
            String usual = "log(x + " + number(added) + ")";
            for (int from = 0; from < first; from++) {
                variants.add(new Variant(
                        "rows shifted",
                        "the entries from " + from + " on, the last left out (the bin at 0 Hz not dropped)",
                        "those from " + first + " on",
                        "leave the first bin out, that at 0 Hz, and keep the last",
                        of(from, x -> Math.log(x + added))));
            }
            add(
                    variants,
                    "power for magnitude",
                    "log(x^2 + " + number(added) + ")",
                    usual,
                    x -> Math.log(x * x + added));
            add(
                    variants,
                    "magnitude for power",
                    "log(sqrt(x) + " + number(added) + ")",
                    usual,
                    x -> Math.log(Math.sqrt(x) + added));
            add(variants, "missing log", "x itself", usual, x -> x);
            add(variants, "other logarithm", "log10", usual, x -> Math.log10(x + added));
            add(variants, "other logarithm", "log2", usual, x -> Math.log(x + added) / Math.log(2));
            add(variants, "other logarithm", "20 log10", usual, x -> 20 * Math.log10(x + added));
            add(variants, "other logarithm", "10 log10", usual, x -> 10 * Math.log10(x + added));
            add(variants, "other logarithm", "log(1 + x)", usual, Math::log1p);
            for (double epsilon : EPSILONS) {
                if (epsilon != added) {
                    add(
                            variants,
                            "other logarithm",
                            "log(x + " + number(epsilon) + ")",
                            usual,
                            x -> Math.log(x + epsilon));
                }
                add(
                        variants,
                        "other logarithm",
                        "log(max(x, " + number(epsilon) + "))",
                        usual,
                        x -> Math.log(Math.max(x, epsilon)));
            }
            return variants;
        }

        private void add(List<Variant> variants, String fault, String odd, String usual, DoubleUnaryOperator function) {
            variants.add(new Variant(fault, odd, usual, "take " + usual, of(task.count("first"), function)));
        }
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.0e", value);
    }

    /** x * factor. */
    private record Scaling(Task task) implements Operation {
        private Field by(double factor) {
            return each(task.input(), x -> x * factor);
        }

        @Override
        public Field plain() {
            return by(task.number("factor"));
        }

        @Override
        public List<Variant> variants() {
            double factor = task.number("factor");
            String usual = String.format(Locale.ROOT, "times %.4g", factor);
            String advice = "multiply once, " + usual;
            return List.of(
                    new Variant("missing scale", "extra scale", "no factor", usual, advice, by(1)),
                    new Variant("doubled scale", "halved scale", usual + " twice", "once", advice, by(factor * factor)),
                    new Variant("missing or doubled scale", "divided by it", "multiplied", advice, by(1 / factor)),
                    new Variant("sign", "times -1 too", usual, advice, by(-factor)));
        }
    }

    /** The first input plus the second times a factor. */
    private record WeightedSum(Task task) implements Operation {
        private Field sum(double ofFirst, double ofSecond) {
            Field a = task.inputs().get(0);
            Field b = task.inputs().get(1);
            return Field.of(a.shape(), index -> {
                double[] x = a.at(index);
                double[] y = b.at(index);
                if (x == null || y == null || x.length != y.length) {
                    return null;
                }
                double[] sum = new double[x.length];
                for (int i = 0; i < sum.length; i++) {
                    sum[i] = ofFirst * x[i] + ofSecond * y[i];
                }
                return sum;
            });
        }

        @Override
        public Field plain() {
            return sum(1, task.number("factor"));
        }

        @Override
        public List<Variant> variants() {
            List<Variant> variants = new ArrayList<>();
            double factor = task.number("factor");
            String stream = task.computation().inputs().get(0);
            String part = task.computation().inputs().get(1);
            String usual = String.format(Locale.ROOT, "%s plus %.4g times %s", stream, factor, part);
            add(variants, "missing scale", "extra scale", "all of " + part + " added", usual, sum(1, 1));
            add(variants, "doubled scale", "halved scale", "the factor twice", usual, sum(1, factor * factor));
            add(
                    variants,
                    "scale of the sum",
                    "scale of the sum",
                    "the sum of both times the factor",
                    usual,
                    sum(factor, factor));
            add(
                    variants,
                    "scale of the other addend",
                    "scale of the other addend",
                    stream + " times the factor",
                    usual,
                    sum(factor, 1));
            add(variants, "addend missing", "addend too many", "no " + stream + " in the sum", usual, sum(0, factor));
            add(variants, "addend missing", "addend too many", "no " + part + " in the sum", usual, sum(1, 0));
            add(variants, "sign", "sign", part + " subtracted", usual, sum(1, -factor));
            add(variants, "addend doubled", "addend halved", stream + " twice", usual, sum(2, factor));
            return variants;
        }

        private static void add(
                List<Variant> variants, String fault, String reverse, String odd, String usual, Field field) {
            variants.add(new Variant(
                    fault,
                    reverse,
                    odd,
                    usual,
                    "a part of the layer counts half (or as the factor says), the stream all",
                    field));
        }
    }

    /** x * scale + offset, one number each. Null if they are not known. */
    private static Operation affine(Task task) {
        WeightSource.Weight scale = task.weight("scale");
        WeightSource.Weight offset = task.weight("offset");
        if (scale == null || offset == null || scale.values().length != 1 || offset.values().length != 1) {
            return null;
        }
        double a = scale.values()[0];
        double b = offset.values()[0];
        return new Operation() {
            @Override
            public Field plain() {
                return each(task.input(), x -> x * a + b);
            }

            @Override
            public List<Variant> variants() {
                String advice =
                        "apply scale and offset of the normalisation, its running mean, variance and epsilon folded in";
                return List.of(
                        new Variant(
                                "batch norm not applied",
                                "batch norm applied",
                                "no batch norm",
                                "it",
                                advice,
                                task.input()),
                        new Variant(
                                "missing bias",
                                "extra bias",
                                "no offset",
                                "it",
                                advice,
                                each(task.input(), x -> x * a)),
                        new Variant(
                                "weight not applied",
                                "weight applied",
                                "no scale",
                                "it",
                                advice,
                                each(task.input(), x -> x + b)),
                        new Variant(
                                "sign",
                                "the offset subtracted",
                                "it added",
                                advice,
                                each(task.input(), x -> x * a - b)),
                        new Variant(
                                "batch norm applied twice",
                                "the batch norm twice",
                                "it once",
                                advice,
                                each(task.input(), x -> (x * a + b) * a + b)),
                        new Variant(
                                "order of scale and offset",
                                "the offset before the scale",
                                "after it",
                                advice,
                                each(task.input(), x -> (x + b) * a)));
            }
        };
    }
}
