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

    /** What is added to the scores before the factor. */
    interface Added {
        double at(int head, int query, int key);
    }

    /** (q k^T + what is added) times a factor, for each head. */
    private static Field product(
            Field a, Field b, int heads, IntBinaryOperator place, double factor, Mask mask, Added added) {
        int size = a.width() / heads;
        int[] shape = {heads, a.shape()[0], b.shape()[0]};
        return Field.of(shape, index -> {
            double[] query = a.at(index[1]);
            if (query == null) {
                return null;
            }
            double[] scores = new double[shape[2]];
            for (int key = 0; key < scores.length; key++) {
                double[] other = b.at(key);
                double sum = other == null ? Double.NaN : added.at(index[0], index[1], key);
                for (int i = 0; other != null && i < size; i++) {
                    int at = place.applyAsInt(index[0], i);
                    sum += query[at] * other[at];
                }
                scores[key] = mask.sees(index[1], key) ? factor * sum : Double.NEGATIVE_INFINITY;
            }
            return scores;
        });
    }

    /** q k^T of each head, with a bias by itself or by distance. Null if slopes are not known. */
    static Operation scores(Task task) {
        Field q = task.inputs().get(0);
        Field k = task.inputs().get(1);
        int heads = task.count("heads");
        int size = q.width() / heads;
        double factor = task.number("factor");
        boolean causal = Boolean.TRUE.equals(task.computation().settings().get("causal"));
        Mask mask = causal ? (query, key) -> key <= query : (query, key) -> true;
        boolean far = task.computation().operation().equals(Computation.SCORES_BY_DISTANCE);
        Slopes slopes = far ? Slopes.of(task, q.shape()[0], k.shape()[0]) : null;
        if (far && slopes == null) {
            return null;
        }
        Field bias = task.inputs().size() > 2 ? task.inputs().get(2) : null;
        return new Operation() {
            private final IntBinaryOperator split = (head, i) -> head * size + i;

            private Added usual() {
                return slopes == null ? (head, query, key) -> 0 : slopes::at;
            }

            private Field product(Field a, Field b, IntBinaryOperator place) {
                return biased(AttentionOperation.product(a, b, heads, place, factor, mask, usual()), 1);
            }

            private Field added(Added added) {
                return AttentionOperation.product(q, k, heads, split, factor, mask, added);
            }

            private Field biased(Field scores, double times) {
                return bias == null
                        ? scores
                        : Field.of(scores.shape(), index -> {
                            double[] x = scores.at(index);
                            double[] b = bias.at(index);
                            if (x == null || b == null) {
                                return null;
                            }
                            double[] y = new double[x.length];
                            for (int key = 0; key < y.length; key++) {
                                // What is masked is, however often.
                                y[key] = x[key] + (b[key] <= Fit.MASKED ? b[key] : times * b[key]);
                            }
                            return y;
                        });
            }

            @Override
            public Field plain() {
                return product(q, k, split);
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
                    variants.add(new Variant(
                            "q and k swapped",
                            "keys asking queries",
                            "queries asking keys",
                            "exchange q and k",
                            product(k, q, split)));
                }
                for (Factor by : Factor.of(size)) {
                    variants.add(by.variant("the scores", plain().map(x -> times(x, by))));
                }
                if (bias != null) {
                    biases(variants);
                }
                if (slopes != null) {
                    slopes.variants(
                            factor,
                            (fault, odd, advice, added) -> variants.add(new Variant(
                                    fault,
                                    odd,
                                    "a slope times the distance subtracted, the factor of both",
                                    advice,
                                    added(added))));
                }
                rotations(variants);
                return variants;
            }

            private void biases(List<Variant> variants) {
                String name = task.computation().inputs().get(2);
                Field scores = AttentionOperation.product(q, k, heads, split, factor, mask, usual());
                String advice = "add the bias of positions once, after the products, and to self-attention only";
                variants.add(new Variant(
                        "addend missing", "addend too many", "no " + name + " in the scores", "it", advice, scores));
                variants.add(new Variant(
                        "addend doubled", "addend halved", name + " twice", "it once", advice, biased(scores, 2)));
                variants.add(new Variant("sign", name + " subtracted", "it added", advice, biased(scores, -1)));
                for (Factor by : Factor.of(size)) {
                    variants.add(by.variant("the products without " + name, biased(scores.map(x -> times(x, by)), 1)));
                    variants.add(by.variant(name, biased(scores, by.value())));
                }
            }

            private double[] times(double[] x, Factor by) {
                return java.util.Arrays.stream(x)
                        .map(value -> value * by.value())
                        .toArray();
            }

            /** Queries or keys that are rotated on one side only. */
            private void rotations(List<Variant> variants) {
                Rotation ofQueries = task.rotationOf(0);
                Rotation ofKeys = task.rotationOf(1);
                String advice = "rotate what the model's settings say: queries only, or keys too";
                if (ofQueries != null && ofKeys == null) {
                    for (boolean pixel : new boolean[] {ofQueries.pixel(), !ofQueries.pixel()}) {
                        variants.add(new Variant(
                                "keys rotated",
                                "keys rotated too",
                                "queries only",
                                advice,
                                product(q, ofQueries.places(pixel).apply(k), split)));
                    }
                    variants.add(new Variant(
                            "keys rotated instead of queries",
                            "keys rotated, queries as they are",
                            "queries only",
                            advice,
                            product(ofQueries.back().apply(q), ofQueries.apply(k), split)));
                }
                if (ofQueries != null) {
                    variants.add(new Variant(
                            "not rotated",
                            "queries as they are",
                            "them rotated",
                            advice,
                            product(ofQueries.back().apply(q), k, split)));
                }
                if (ofKeys != null) {
                    variants.add(new Variant(
                            "keys not rotated",
                            "keys as they are",
                            "them rotated",
                            advice,
                            product(q, ofKeys.back().apply(k), split)));
                }
            }
        };
    }

    /** Softmax over the last axis. */
    static Operation softmax(Task task) {
        Field x = task.input();
        return new Operation() {
            private Field softmax(double factor, Mask mask) {
                return AttentionOperation.softmax(x, factor, mask);
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

    private static Field softmax(Field x, double factor, Mask mask) {
        return Field.of(x.shape(), index -> {
            double[] scores = x.at(index);
            return scores == null ? null : softmaxOf(scores, factor, index[index.length - 1], mask);
        });
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
                return AttentionOperation.mixed(p, v, heads, from, to);
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

    private static Field mixed(Field p, Field v, int heads, IntBinaryOperator from, IntBinaryOperator to) {
        int width = v.width();
        return Field.of(new int[] {p.shape()[1], width}, index -> {
            double[] y = new double[width];
            for (int head = 0; head < heads; head++) {
                double[] shares = p.at(head, index[0]);
                for (int i = 0; i < width / heads; i++) {
                    y[to.applyAsInt(head, i)] =
                            shares == null ? Double.NaN : mix(v, shares, from.applyAsInt(head, i), index[0]);
                }
            }
            return y;
        });
    }

    private static double mix(Field v, double[] shares, int column, int query) {
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

    /** Scores, softmax and mixture in one; with distances or without. Null if a weight is not known. */
    static Operation whole(Task task) {
        Field q = task.inputs().get(0);
        Field k = task.inputs().get(1);
        Field v = task.inputs().get(2);
        int heads = task.count("heads");
        int size = q.width() / heads;
        double factor = task.number("factor");
        boolean far = task.computation().operation().equals(Computation.ATTENTION_BY_DISTANCE);
        Distances distances = far ? Distances.of(task) : null;
        if (far && distances == null) {
            return null;
        }
        return new Operation() {
            private final IntBinaryOperator byHeads = (head, i) -> head * size + i;
            private final IntBinaryOperator byEntries = (head, i) -> i * heads + head;

            private Field attended(
                    Field queries,
                    Field keys,
                    double times,
                    Mask mask,
                    IntBinaryOperator split,
                    IntBinaryOperator joined,
                    Distances added) {
                Field content = added == null ? queries : added.content(queries);
                Added distance = added == null ? (head, query, key) -> 0 : added.of(queries)::at;
                Field scores = product(content, keys, heads, split, times, mask, distance);
                return mixed(softmax(scores, 1, (query, key) -> true), v, heads, split, joined);
            }

            private Field attended(double times, Mask mask) {
                return attended(q, k, times, mask, byHeads, byHeads, distances);
            }

            private Field attended(Distances other) {
                return attended(q, k, factor, (query, key) -> true, byHeads, byHeads, other);
            }

            @Override
            public Field plain() {
                return attended(distances);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                Mask all = (query, key) -> true;
                List<Factor> factors = new ArrayList<>(List.of(new Factor(1 / factor, "1/" + factor)));
                factors.addAll(Factor.of(size, q.width(), heads));
                for (Factor by : factors) {
                    variants.add(by.variant("the scores", attended(factor * by.value(), all)));
                }
                String advice = "all vectors see each other";
                variants.add(new Variant(
                        "mask",
                        "keys behind the query masked",
                        "no mask",
                        advice,
                        attended(factor, (query, key) -> key <= query)));
                variants.add(new Variant(
                        "mask",
                        "keys before the query masked",
                        "no mask",
                        advice,
                        attended(factor, (query, key) -> key >= query)));
                String reshape = "reshape to [heads, size], not to [size, heads]";
                variants.add(new Variant(
                        HEADS,
                        "heads split and joined as [size, heads]",
                        "[heads, size]",
                        reshape,
                        attended(q, k, factor, all, byEntries, byEntries, distances)));
                variants.add(new Variant(
                        HEADS,
                        "heads joined as [size, heads]",
                        "[heads, size]",
                        reshape,
                        attended(q, k, factor, all, byHeads, byEntries, distances)));
                variants.add(new Variant(
                        "q and k swapped",
                        "keys asking queries",
                        "queries asking keys",
                        "exchange q and k",
                        attended(k, q, factor, all, byHeads, byHeads, distances)));
                if (distances != null) {
                    distances.variants((fault, odd, usual, text, other) ->
                            variants.add(new Variant(fault, odd, usual, text, attended(other))));
                }
                return variants;
            }
        };
    }

    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.SCORES, Computation.SCORES_BY_DISTANCE -> scores(task);
            case Computation.ATTENTION, Computation.ATTENTION_BY_DISTANCE -> whole(task);
            case Computation.SOFTMAX -> softmax(task);
            default -> mixture(task);
        };
    }
}
