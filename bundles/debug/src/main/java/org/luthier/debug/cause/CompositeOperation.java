package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.luthier.api.model.Computation;

/** A projection with what is done before or after it: an activation and an exchange of axes, or a stream that it is added to. */
final class CompositeOperation {
    private CompositeOperation() {}

    /** x W + b + stream. Null if a weight is not known. */
    static Operation sum(Task task) {
        Operation projection =
                ProjectionOperation.of(task.as(Computation.PROJECTION).of(task.input()));
        Field stream = task.inputs().get(1);
        if (projection == null) {
            return null;
        }
        return new Operation() {
            private Field plus(Field field, double factor) {
                return Field.of(field.shape(), index -> {
                    double[] a = field.at(index);
                    double[] b = stream.at(index);
                    if (a == null || b == null || a.length != b.length) {
                        return null;
                    }
                    double[] y = a.clone();
                    for (int i = 0; i < y.length; i++) {
                        y[i] += factor * b[i];
                    }
                    return y;
                });
            }

            @Override
            public Field plain() {
                return plus(projection.plain(), 1);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                String name = task.computation().inputs().get(1);
                String advice = "a residual stream is added once to what the layer made of it";
                Field plain = projection.plain();
                variants.add(new Variant(
                        "addend missing", "addend too many", "no " + name + " in the sum", "it", advice, plain));
                variants.add(new Variant(
                        "addend doubled",
                        "addend halved",
                        name + " twice in the sum",
                        "it once",
                        advice,
                        plus(plain, 2)));
                variants.add(new Variant("sign", name + " subtracted", "it added", "add it", plus(plain, -1)));
                for (Factor factor : Factor.of(plain.width())) {
                    variants.add(factor.variant(
                            "what is added to " + name, plus(plain.map(y -> times(y, factor.value())), 1)));
                }
                projection.variants().forEach(variant -> variants.add(variant.with(field -> plus(field, 1))));
                return variants;
            }

            @Override
            public List<Variant> farFetched() {
                return projection.farFetched().stream()
                        .map(variant -> variant.with(field -> plus(field, 1)))
                        .toList();
            }
        };
    }

    private static double[] times(double[] x, double factor) {
        double[] y = x.clone();
        for (int i = 0; i < y.length; i++) {
            y[i] *= factor;
        }
        return y;
    }

    /** activation(x)^T W^T, x [inputs, length], W [outputs, inputs, 1]. Null if the weight is not known or does not fit. */
    static Operation activated(Task task) {
        WeightSource.Weight weight = task.weight("weight");
        Field turned = task.input().turned();
        if (weight == null || weight.shape().size() != 3 || weight.shape().get(1) != turned.width()) {
            return null;
        }
        int outputs = weight.shape().get(0);
        int inputs = weight.shape().get(1);
        float[] w = Matrices.transposed(weight.values(), outputs, inputs);
        return new Operation() {
            private Field product(String activation, float[] matrix) {
                DoubleUnaryOperator function = Functions.activation(activation);
                return Field.of(new int[] {turned.shape()[0], outputs}, index -> {
                    double[] x = turned.whole(index);
                    if (x == null) {
                        return null;
                    }
                    double[] y = x.clone();
                    for (int i = 0; i < y.length; i++) {
                        y[i] = function.applyAsDouble(y[i]);
                    }
                    return Matrices.product(y, matrix, outputs);
                });
            }

            @Override
            public Field plain() {
                return product(task.activation(), w);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                String name = task.computation().weights().get("weight");
                ProjectionOperation.activations(task.activation(), variants, other -> product(other, w));
                variants.add(new Variant(
                        inputs == outputs ? "transposed" : "reshaped instead of transposed",
                        name + " as [inputs, outputs]",
                        "it as [outputs, inputs]",
                        "transpose " + name + ": a convolution of one place is stored as [outputs, inputs, 1]",
                        product(task.activation(), weight.values())));
                return variants;
            }
        };
    }
}
