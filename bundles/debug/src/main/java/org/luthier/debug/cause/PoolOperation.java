package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Averages of neighbouring frequencies of an activated sum: [time, frequency, channels] to [channels, time, frequency]. */
final class PoolOperation implements Operation {
    private final Task task;
    private final Field first;
    private final Field second;
    private final int count;
    private final DoubleUnaryOperator activation;
    /** What comes out. */
    private final int[] shape;

    PoolOperation(Task task) {
        this.task = task;
        first = ConvolutionOperation.image(task.inputs().get(0), task.is("channelsFirst"));
        second = task.inputs().get(1);
        count = task.count("count");
        activation = Functions.activation(task.activation());
        shape = new int[] {second.width(), second.shape()[0], second.shape()[1] / count};
    }

    /** What goes into a sum. */
    private interface Sum {
        double of(double a, double b);
    }

    private double value(int channel, int time, int frequency, Sum sum) {
        double[] a = first.at(time, frequency);
        double[] b = second.at(time, frequency);
        return a == null || b == null ? Double.NaN : sum.of(a[channel], b[channel]);
    }

    private interface Pool {
        double of(int channel, int time, int frequency);
    }

    private Field pooled(Pool pool) {
        return Field.of(shape, index -> {
            double[] y = new double[shape[2]];
            for (int f = 0; f < y.length; f++) {
                y[f] = pool.of(index[0], index[1], f);
            }
            return y;
        });
    }

    private Field averaged(Sum sum, DoubleUnaryOperator after) {
        return pooled((c, t, f) -> {
            double y = 0;
            for (int i = 0; i < count; i++) {
                y += value(c, t, f * count + i, sum);
            }
            return after.applyAsDouble(y / count);
        });
    }

    private Field averaged(Sum sum) {
        return averaged(sum, y -> y);
    }

    private double usual(double a, double b) {
        return activation.applyAsDouble(a + b);
    }

    /** Averages of neighbouring times, [channels, time / count, frequency] in order as the other shape. */
    private Field overTime() {
        int frequencies = second.shape()[1];
        return pooled((c, t, f) -> {
            int flat = t * shape[2] + f;
            double y = 0;
            for (int i = 0; i < count; i++) {
                y += value(c, flat / frequencies * count + i, flat % frequencies, this::usual);
            }
            return y / count;
        });
    }

    @Override
    public Field plain() {
        return averaged(this::usual);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        List<String> names = task.computation().inputs();
        String residual = "what came in is added to what the convolutions made, then activated, then averaged";
        variants.add(new Variant(
                "maximum for average",
                "average for maximum",
                "the largest of neighbours",
                "their average",
                "average: AvgPool, not MaxPool",
                pooled((c, t, f) -> {
                    double y = Double.NEGATIVE_INFINITY;
                    for (int i = 0; i < count; i++) {
                        y = Math.max(y, value(c, t, f * count + i, this::usual));
                    }
                    return y;
                })));
        variants.add(new Variant(
                "average over the wrong axis",
                "neighbouring times averaged",
                "neighbouring frequencies",
                "the last axis of [channels, time, frequency] is frequency: pool (1, " + count + ")",
                overTime()));
        variants.add(new Variant(
                "average over the wrong axis",
                "frequencies half of the range apart averaged",
                "neighbouring frequencies",
                "average those that stand side by side",
                pooled((c, t, f) -> {
                    double y = 0;
                    for (int i = 0; i < count; i++) {
                        y += value(c, t, i * shape[2] + f, this::usual);
                    }
                    return y / count;
                })));
        variants.add(new Variant(
                "not averaged",
                "every other frequency",
                "averages",
                "average neighbours",
                pooled((c, t, f) -> value(c, t, f * count, this::usual))));
        variants.add(new Variant(
                "missing or doubled scale",
                "sums of neighbours",
                "averages",
                "divide by " + count,
                averaged(this::usual, y -> y * count)));
        addend(variants, names.get(0), averaged((a, b) -> activation.applyAsDouble(b)));
        addend(variants, names.get(1), averaged((a, b) -> activation.applyAsDouble(a)));
        variants.add(new Variant(
                "sign",
                names.get(0) + " subtracted",
                "it added",
                residual,
                averaged((a, b) -> activation.applyAsDouble(b - a))));
        variants.add(new Variant(
                "activation before the sum",
                "the convolutions' part activated, then " + names.get(0) + " added",
                "the sum activated",
                residual,
                averaged((a, b) -> a + activation.applyAsDouble(b))));
        variants.add(new Variant(
                "activation after the average",
                "the average activated",
                "the sum activated",
                residual,
                averaged(Double::sum, activation)));
        ProjectionOperation.activations(task.activation(), variants, other -> {
            DoubleUnaryOperator function = Functions.activation(other);
            return averaged((a, b) -> function.applyAsDouble(a + b));
        });
        return variants;
    }

    private static void addend(List<Variant> variants, String name, Field without) {
        variants.add(new Variant(
                "addend missing",
                "addend too many",
                "no " + name + " in the sum",
                "it",
                "what came in is added to what the convolutions made",
                without));
    }
}
