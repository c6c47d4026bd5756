package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.luthier.api.model.Computation;

/** activation(x gate) * (x up); of a gated linear unit the two are halves of one matrix, and time comes last. */
final class GatedOperation implements Operation {
    private static final String SWAPPED = "gate and up swapped";

    private final Task task;
    private final Field x;
    /** [inputs, outputs] each. */
    private final float[] gate;

    private final float[] up;
    private final boolean unit;

    private GatedOperation(Task task, float[] gate, float[] up, boolean unit) {
        this.task = task;
        this.x = task.input();
        this.gate = gate;
        this.up = up;
        this.unit = unit;
    }

    /** Null if a weight is not known or does not fit. */
    static Operation of(Task task) {
        int inputs = task.input().width();
        if (task.computation().operation().equals(Computation.GATED_LINEAR_UNIT)) {
            WeightSource.Weight both = task.weight("weight");
            if (both == null || both.shape().size() != 3 || both.shape().get(1) != inputs) {
                return null;
            }
            int outputs = both.shape().get(0) / 2;
            float[] w = Matrices.transposed(both.values(), 2 * outputs, inputs);
            return new GatedOperation(
                    task, columns(w, 2 * outputs, outputs, outputs), columns(w, 2 * outputs, 0, outputs), true);
        }
        WeightSource.Weight gate = task.weight("gate");
        WeightSource.Weight up = task.weight("up");
        return gate == null
                        || up == null
                        || gate.shape().get(0) != inputs
                        || !gate.shape().equals(up.shape())
                ? null
                : new GatedOperation(task, gate.values(), up.values(), false);
    }

    private static float[] columns(float[] w, int width, int from, int count) {
        float[] part = new float[w.length / width * count];
        for (int row = 0; row < w.length / width; row++) {
            System.arraycopy(w, row * width + from, part, row * count, count);
        }
        return part;
    }

    private interface Join {
        double of(double gate, double up);
    }

    private Field joined(float[] ofGate, float[] ofUp, Join join) {
        int outputs = ofGate.length / x.width();
        int[] shape = x.shape().clone();
        shape[shape.length - 1] = outputs;
        Field field = Field.of(shape, index -> {
            double[] in = x.whole(index);
            if (in == null) {
                return null;
            }
            double[] a = Matrices.product(in, ofGate, outputs);
            double[] b = Matrices.product(in, ofUp, outputs);
            for (int i = 0; i < outputs; i++) {
                a[i] = join.of(a[i], b[i]);
            }
            return a;
        });
        return unit ? field.turned() : field;
    }

    private static Join activated(DoubleUnaryOperator function) {
        return (a, b) -> function.applyAsDouble(a) * b;
    }

    private DoubleUnaryOperator activation() {
        return unit ? Functions::sigmoid : Functions.activation(task.activation());
    }

    @Override
    public Field plain() {
        return joined(gate, up, activated(activation()));
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        DoubleUnaryOperator function = activation();
        variants.add(new Variant(
                unit ? "halves swapped" : SWAPPED,
                unit ? "the second half times the sigmoid of the first" : "up activated, gate as it is",
                unit ? "the first half times the sigmoid of the second" : "gate activated, up as it is",
                unit ? "activate the second half of the product" : "exchange the two matrices, or their names",
                joined(up, gate, activated(function))));
        int inputs = x.width();
        int outputs = gate.length / inputs;
        variants.add(new Variant(
                "reshaped instead of transposed",
                "both matrices with their numbers in the other order",
                "them as they are",
                "transpose [outputs, inputs] to [inputs, outputs]; reading the numbers in order scrambles them",
                joined(
                        Matrices.transposed(gate, outputs, inputs),
                        Matrices.transposed(up, outputs, inputs),
                        activated(function))));
        ProjectionOperation.activations(
                unit ? "sigmoid" : task.activation(),
                variants,
                other -> joined(gate, up, activated(Functions.activation(other))));
        variants.add(new Variant(
                "factor missing",
                "factor too many",
                "the gate alone",
                "the product",
                "multiply the two",
                joined(gate, up, (a, b) -> function.applyAsDouble(a))));
        variants.add(new Variant(
                "factor missing",
                "factor too many",
                "no gate",
                "the product",
                "multiply the two",
                joined(gate, up, (a, b) -> b)));
        variants.add(new Variant(
                "other activation",
                "both activated",
                "the gate only",
                "activate the gate only",
                joined(gate, up, (a, b) -> function.applyAsDouble(a) * function.applyAsDouble(b))));
        return variants;
    }
}
