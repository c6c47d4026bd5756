package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.luthier.api.model.Computation;

/** (activation(x gate) * (x up)) down of experts: of those that a vector chose, weighted, or of one of them by itself. */
final class ExpertsOperation implements Operation {
    private static final String PERMUTED = "experts permuted";

    private final Task task;
    private final Field x;
    private final Field choice;
    /** Null of one expert. */
    private final Field shares;

    private final List<Expert> experts;
    /** Number of the one expert, or -1. */
    private final int only;

    /**
     * What may be changed of an expert.
     *
     * @param gate [width, hidden]
     * @param up [width, hidden]
     * @param down [hidden, width]
     */
    private record Expert(float[] gate, float[] up, float[] down, String activation) {
        double[] of(double[] x) {
            int hidden = gate.length / x.length;
            double[] a = Matrices.product(x, gate, hidden);
            double[] b = Matrices.product(x, up, hidden);
            for (int i = 0; i < hidden; i++) {
                a[i] = Functions.activation(activation).applyAsDouble(a[i]) * b[i];
            }
            return Matrices.product(a, down, x.length);
        }

        Expert exchanged() {
            return new Expert(up, gate, down, activation);
        }

        Expert activated(String other) {
            return new Expert(gate, up, down, other);
        }

        /** As if [outputs, inputs] were read in order as [inputs, outputs]. */
        Expert reshaped(int width) {
            int hidden = gate.length / width;
            return new Expert(
                    Matrices.transposed(gate, hidden, width),
                    Matrices.transposed(up, hidden, width),
                    Matrices.transposed(down, width, hidden),
                    activation);
        }

        Expert unscrambled(int width) {
            int hidden = gate.length / width;
            return new Expert(
                    Matrices.transposed(gate, width, hidden),
                    Matrices.transposed(up, width, hidden),
                    Matrices.transposed(down, hidden, width),
                    activation);
        }
    }

    private ExpertsOperation(Task task, List<Expert> experts, int only) {
        this.task = task;
        this.x = task.input();
        this.choice = task.inputs().get(1);
        this.shares = only < 0 ? task.inputs().get(2) : null;
        this.experts = experts;
        this.only = only;
    }

    /** Null if a weight is not known. */
    static Operation of(Task task) {
        if (task.computation().operation().equals(Computation.EXPERT)) {
            Expert expert = expert(task, task.computation(), "");
            return expert == null ? null : new ExpertsOperation(task, List.of(expert), task.count("expert"));
        }
        List<Expert> experts = new ArrayList<>();
        for (int i = 0; i < task.count("experts"); i++) {
            Expert expert = expert(task, task.computation(), Integer.toString(i));
            if (expert == null) {
                return null;
            }
            experts.add(expert);
        }
        return new ExpertsOperation(task, experts, -1);
    }

    private static Expert expert(Task task, Computation computation, String number) {
        float[] gate = values(task, computation, "gate" + number);
        float[] up = values(task, computation, "up" + number);
        float[] down = values(task, computation, "down" + number);
        return gate == null || up == null || down == null ? null : new Expert(gate, up, down, task.activation());
    }

    private static float[] values(Task task, Computation computation, String role) {
        String name = computation.weights().get(role);
        WeightSource.Weight weight = name == null ? null : task.weights().weight(name);
        return weight == null ? null : weight.values();
    }

    private Field sum(List<Expert> workers, IntUnaryOperator expert, UnaryOperator<double[]> counting) {
        return Field.of(x.shape(), index -> {
            double[] in = x.whole(index);
            double[] chosen = choice.whole(index);
            double[] weights = shares == null ? null : shares.whole(index);
            if (in == null || chosen == null || shares != null && weights == null) {
                return null;
            }
            if (only >= 0) {
                boolean works = IntStream.range(0, chosen.length).anyMatch(k -> Math.round(chosen[k]) == only);
                return works ? workers.get(0).of(in) : new double[in.length];
            }
            double[] factors = counting.apply(weights);
            double[] y = new double[in.length];
            for (int k = 0; k < chosen.length; k++) {
                int number = expert.applyAsInt((int) Math.round(chosen[k]));
                if (number >= 0 && number < workers.size() && factors[k] != 0) {
                    double[] made = workers.get(number).of(in);
                    for (int i = 0; i < y.length; i++) {
                        y[i] += factors[k] * made[i];
                    }
                }
            }
            return y;
        });
    }

    private Field sum(List<Expert> workers) {
        return sum(workers, expert -> expert, weights -> weights);
    }

    private Field all(UnaryOperator<Expert> change) {
        return sum(experts.stream().map(change).toList());
    }

    @Override
    public Field plain() {
        return sum(experts);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        String them = only < 0 ? " of all experts" : "";
        String exchange = "exchange the two matrices, or their names: of w1, w2, w3 (or w1, w2, gate) find out which is"
                + " activated";
        variants.add(new Variant(
                "gate and up swapped",
                "up activated, gate as it is" + them,
                "gate activated, up as it is",
                exchange,
                all(Expert::exchanged)));
        variants.add(new Variant(
                "reshaped instead of transposed",
                "the matrices" + them + " with their numbers in the other order",
                "them as they are",
                "transpose [outputs, inputs] to [inputs, outputs]; reading the numbers in order scrambles them",
                all(expert -> expert.reshaped(x.width()))));
        variants.add(new Variant(
                "reshaped instead of transposed",
                "the matrices" + them + " with their numbers in the other order",
                "them as they are",
                "transpose [outputs, inputs] to [inputs, outputs]; reading the numbers in order scrambles them",
                all(expert -> expert.unscrambled(x.width()))));
        ProjectionOperation.activations(task.activation(), variants, other -> all(expert -> expert.activated(other)));
        if (only < 0) {
            counting(variants);
            permuted(variants);
        } else {
            others(variants);
        }
        return variants;
    }

    private void counting(List<Variant> variants) {
        String advice = "sum what the chosen experts make, each times its weight";
        variants.add(new Variant(
                "router weights missing",
                "what the experts make without weights",
                "it weighted",
                advice,
                sum(
                        experts,
                        e -> e,
                        w -> IntStream.range(0, w.length).mapToDouble(k -> 1).toArray())));
        variants.add(new Variant(
                "router weights missing",
                "the mean of what the experts make",
                "it weighted",
                advice,
                sum(
                        experts,
                        e -> e,
                        w -> IntStream.range(0, w.length)
                                .mapToDouble(k -> 1.0 / w.length)
                                .toArray())));
        variants.add(new Variant(
                "order of experts",
                "weights in the other order",
                "each weight with its expert",
                advice,
                sum(
                        experts,
                        e -> e,
                        w -> IntStream.range(0, w.length)
                                .mapToDouble(k -> w[w.length - 1 - k])
                                .toArray())));
        for (boolean whole : new boolean[] {false, true}) {
            variants.add(new Variant(
                    "number of experts",
                    "the first expert only" + (whole ? ", as if it were all" : ""),
                    "all that are chosen",
                    advice,
                    sum(
                            experts,
                            e -> e,
                            w -> IntStream.range(0, w.length)
                                    .mapToDouble(k -> k > 0 ? 0 : whole ? 1 : w[0])
                                    .toArray())));
        }
        for (int i = 0; i < experts.size(); i++) {
            List<Expert> changed = new ArrayList<>(experts);
            changed.set(i, changed.get(i).exchanged());
            variants.add(new Variant(
                    "gate and up swapped",
                    "up activated, gate as it is, of expert " + i,
                    "gate activated, up as it is",
                    "exchange the two matrices of expert " + i + ", or their names",
                    sum(changed)));
        }
    }

    private void permuted(List<Variant> variants) {
        int count = experts.size();
        permuted(variants, "from last to first", expert -> count - 1 - expert);
        for (int turn = 1; turn < count; turn++) {
            int by = turn;
            permuted(variants, "turned by " + turn, expert -> (expert + by) % count);
        }
        for (int a = 0; a < count; a++) {
            for (int b = a + 1; b < count; b++) {
                int first = a;
                int second = b;
                permuted(
                        variants,
                        a + " and " + b + " exchanged",
                        expert -> expert == first ? second : expert == second ? first : expert);
            }
        }
    }

    private void permuted(List<Variant> variants, String how, IntUnaryOperator expert) {
        variants.add(new Variant(
                PERMUTED,
                "experts " + how,
                "each under its number",
                "the router's rows and the experts have one order: look at how their names are sorted (10 after 9, not 1)",
                sum(experts, expert, weights -> weights)));
    }

    /** Another expert of the same layer under this one's number. */
    private void others(List<Variant> variants) {
        task.siblingsOfExpert().forEach(other -> {
            Expert its = expert(task, other, "");
            if (its != null) {
                variants.add(new Variant(
                        PERMUTED,
                        "the weights of expert " + other.settings().get("expert"),
                        "those of expert " + only,
                        "the router's rows and the experts have one order: look at how their names are sorted (10 after 9,"
                                + " not 1)",
                        sum(List.of(its))));
            }
        });
    }
}
