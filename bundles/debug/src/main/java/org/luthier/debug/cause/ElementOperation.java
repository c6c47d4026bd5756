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

        private static String number(double value) {
            return String.format(Locale.ROOT, "%.0e", value);
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
