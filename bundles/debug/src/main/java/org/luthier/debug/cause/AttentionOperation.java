package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntBinaryOperator;
import org.luthier.api.model.Computation;

/** The parts of attention: scores, their softmax, and the mixture of values. */
final class AttentionOperation {
    static final String NEWEST = "cache holding only the newest key";
    static final String CACHE = "append keys and values to the cache at every step; attend to all so far";
    private static final String HEADS = "heads split or ordered otherwise";

    /** Sizes that heads have, for their roots. */
    private static final int[] SIZES = {8, 16, 32, 64, 128};

    private AttentionOperation() {}

    /** Which keys a query sees. */
    private interface Mask {
        boolean sees(int query, int key);
    }

    /** q k^T of each head. */
    static Operation scores(Task task) {
        Field q = task.inputs().get(0);
        Field k = task.inputs().get(1);
        int heads = task.count("heads");
        double factor = task.number("factor");
        Mask mask = Boolean.TRUE.equals(task.computation().settings().get("causal"))
                ? (query, key) -> key <= query
                : (query, key) -> true;
        return new Operation() {
            private Field product(Field a, Field b, IntBinaryOperator place) {
                int width = a.width();
                int size = width / heads;
                int[] shape = {heads, a.shape()[0], b.shape()[0]};
                return Field.of(shape, index -> {
                    double[] query = a.at(index[1]);
                    if (query == null) {
                        return null;
                    }
                    double[] scores = new double[shape[2]];
                    for (int key = 0; key < scores.length; key++) {
                        double[] other = b.at(key);
                        double sum = other == null ? Double.NaN : 0;
                        for (int i = 0; other != null && i < size; i++) {
                            int at = place.applyAsInt(index[0], i);
                            sum += query[at] * other[at];
                        }
                        scores[key] = mask.sees(index[1], key) ? factor * sum : Double.NEGATIVE_INFINITY;
                    }
                    return scores;
                });
            }

            @Override
            public Field plain() {
                int size = q.width() / heads;
                return product(q, k, (head, i) -> head * size + i);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                variants.add(new Variant(
                        HEADS,
                        "heads split as [size, heads]",
                        "[heads, size]",
                        "reshape to [heads, size], not to [size, heads]",
                        product(q, k, (head, i) -> i * heads + head)));
                if (q.shape()[0] == k.shape()[0]) {
                    int size = q.width() / heads;
                    variants.add(new Variant(
                            "q and k swapped",
                            "keys asking queries",
                            "queries asking keys",
                            "exchange q and k",
                            product(k, q, (head, i) -> head * size + i)));
                }
                return variants;
            }
        };
    }

    /** Softmax over the last axis. */
    static Operation softmax(Task task) {
        Field x = task.input();
        return new Operation() {
            private Field softmax(double factor, Mask mask) {
                return Field.of(x.shape(), index -> {
                    double[] scores = x.at(index);
                    return scores == null ? null : softmaxOf(scores, factor, index[index.length - 1], mask);
                });
            }

            @Override
            public Field plain() {
                return softmax(1, (query, key) -> true);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                masks(variants);
                for (Factor factor : Factor.of(SIZES)) {
                    variants.add(factor.variant("the scores", softmax(factor.value(), (query, key) -> true)));
                }
                if (x.shape().length == 3) {
                    variants.add(new Variant(
                            "softmax over the wrong axis",
                            "softmax over queries",
                            "over keys",
                            "take the softmax over keys",
                            across(1)));
                    variants.add(new Variant(
                            "softmax over the wrong axis",
                            "softmax over heads",
                            "over keys",
                            "take the softmax over keys",
                            across(0)));
                }
                variants.add(
                        new Variant("no softmax", "the scores themselves", "their softmax", "apply the softmax", x));
                variants.add(new Variant(
                        "other activation",
                        "a sigmoid of each score",
                        "their softmax",
                        "apply the softmax",
                        x.map(scores -> java.util.Arrays.stream(scores)
                                .map(Functions::sigmoid)
                                .toArray())));
                return variants;
            }

            private void masks(List<Variant> variants) {
                if (x.shape().length != 3) {
                    return;
                }
                String advice =
                        "a query sees itself and the keys before it: mask the keys above the diagonal, before the softmax";
                variants.add(new Variant(
                        "mask",
                        "keys behind the query masked",
                        "no mask",
                        advice,
                        softmax(1, (query, key) -> key <= query)));
                variants.add(new Variant(
                        NEWEST,
                        "the newest key only",
                        "all keys so far",
                        CACHE,
                        softmax(1, (query, key) -> key == query)));
                variants.add(new Variant(
                        "mask",
                        "the query's own key masked too (off by one)",
                        "its own key seen",
                        advice,
                        softmax(1, (query, key) -> key < query)));
                variants.add(new Variant(
                        "mask",
                        "one key behind the query seen (off by one)",
                        "the mask of the scores",
                        advice,
                        softmax(1, (query, key) -> key <= query + 1)));
                variants.add(new Variant(
                        "mask",
                        "keys before the query masked",
                        "no such mask",
                        advice,
                        softmax(1, (query, key) -> key >= query)));
            }

            private Field across(int axis) {
                return Field.of(x.shape(), index -> {
                    double[] sums = new double[x.width()];
                    int[] other = index.clone();
                    for (int i = 0; i < x.shape()[axis]; i++) {
                        other[axis] = i;
                        double[] scores = x.at(other);
                        if (scores == null) {
                            return null;
                        }
                        for (int key = 0; key < sums.length; key++) {
                            sums[key] += Math.exp(scores[key]);
                        }
                    }
                    double[] y = x.at(index).clone();
                    for (int key = 0; key < y.length; key++) {
                        y[key] = Math.exp(y[key]) / sums[key];
                    }
                    return y;
                });
            }
        };
    }

    /** Keys that were not there yet are not known: they count as masked where they stand behind the query. */
    private static double[] softmaxOf(double[] scores, double factor, int query, Mask mask) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int key = 0; key < scores.length; key++) {
            if (Double.isNaN(scores[key]) && key <= query) {
                return null;
            }
            if (!Double.isNaN(scores[key]) && mask.sees(query, key)) {
                largest = Math.max(largest, factor * scores[key]);
            }
        }
        double[] y = new double[scores.length];
        double sum = 0;
        for (int key = 0; key < y.length; key++) {
            boolean seen = !Double.isNaN(scores[key]) && mask.sees(query, key);
            y[key] = seen ? Math.exp(factor * scores[key] - largest) : 0;
            sum += y[key];
        }
        for (int key = 0; key < y.length; key++) {
            y[key] = Double.isNaN(scores[key]) ? Double.NaN : y[key] / sum;
        }
        return y;
    }

    /** Values in the proportions of the probabilities. */
    static Operation mixture(Task task) {
        Field p = task.inputs().get(0);
        Field v = task.inputs().get(1);
        int heads = task.count("heads");
        int width = v.width();
        int size = width / heads;
        return new Operation() {
            private Field mixed(IntBinaryOperator from, IntBinaryOperator to) {
                return Field.of(new int[] {p.shape()[1], width}, index -> {
                    double[] y = new double[width];
                    for (int head = 0; head < heads; head++) {
                        double[] shares = p.at(head, index[0]);
                        for (int i = 0; i < size; i++) {
                            y[to.applyAsInt(head, i)] =
                                    shares == null ? Double.NaN : mix(shares, from.applyAsInt(head, i), index[0]);
                        }
                    }
                    return y;
                });
            }

            private double mix(double[] shares, int column, int query) {
                double sum = 0;
                for (int key = 0; key < shares.length; key++) {
                    boolean absent = Double.isNaN(shares[key]) && key > query;
                    if (!absent && shares[key] != 0) {
                        double[] value = v.at(key);
                        sum += value == null ? Double.NaN : shares[key] * value[column];
                    }
                }
                return sum;
            }

            @Override
            public Field plain() {
                IntBinaryOperator place = (head, i) -> head * size + i;
                return mixed(place, place);
            }

            @Override
            public List<Variant> variants() {
                IntBinaryOperator byHeads = (head, i) -> head * size + i;
                IntBinaryOperator byEntries = (head, i) -> i * heads + head;
                String reshape = "reshape to [heads, size], not to [size, heads]";
                List<Variant> variants = new ArrayList<>();
                variants.add(new Variant(
                        HEADS, "values split as [size, heads]", "[heads, size]", reshape, mixed(byEntries, byHeads)));
                variants.add(new Variant(
                        HEADS,
                        "heads joined as [size, heads]",
                        "[heads, size]",
                        "swap heads and positions back before the heads are joined",
                        mixed(byHeads, byEntries)));
                variants.add(new Variant(
                        HEADS,
                        "values split, and heads joined, as [size, heads]",
                        "[heads, size]",
                        reshape,
                        mixed(byEntries, byEntries)));
                if (v.shape()[0] == p.shape()[1]) {
                    variants.add(new Variant(NEWEST, "the newest value only", "all values so far", CACHE, v));
                }
                return variants;
            }
        };
    }

    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.SCORES -> scores(task);
            case Computation.SOFTMAX -> softmax(task);
            default -> mixture(task);
        };
    }
}
