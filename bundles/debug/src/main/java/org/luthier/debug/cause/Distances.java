package org.luthier.debug.cause;

import java.util.HashMap;
import java.util.Map;

/**
 * What distances count in scores: ((q + u) k + (q + v) r), r the product of a matrix with the sinusoid of how far the query is behind the
 * key.
 *
 * @param heads of an attention
 * @param u added to queries for keys [heads * size], or null
 * @param v added to queries for distances [heads * size], or null
 * @param matrix [heads * size, heads * size]
 * @param sense 1, or -1 where distances are counted the other way round
 * @param shift added to distances
 * @param turns whether sines and cosines take turns
 * @param times how often the part of distances is added
 */
record Distances(int heads, float[] u, float[] v, float[] matrix, int sense, int shift, boolean turns, double times) {
    private static final double PERIOD = 10000;

    /** Null if a weight is not known. */
    static Distances of(Task task) {
        int width = task.input().width();
        float[] u = task.vector("contentBias", width);
        float[] v = task.vector("distanceBias", width);
        float[] matrix = task.vector("distances", width * width);
        return u == null || v == null || matrix == null
                ? null
                : new Distances(task.count("heads"), u, v, matrix, 1, 0, true, 1);
    }

    private static Field plus(Field x, float[] bias) {
        return bias == null
                ? x
                : x.map(q -> {
                    double[] y = q.clone();
                    for (int i = 0; i < y.length; i++) {
                        y[i] += bias[i];
                    }
                    return y;
                });
    }

    /** Queries for keys. */
    Field content(Field queries) {
        return plus(queries, u);
    }

    private double[] distance(int distance, int width) {
        double[] sinusoid = new double[width];
        for (int column = 0; column < width; column++) {
            int i = turns ? column / 2 : column % (width / 2);
            double angle = distance * Math.pow(PERIOD, -2.0 * i / width);
            boolean sine = turns ? column % 2 == 0 : column < width / 2;
            sinusoid[column] = sine ? Math.sin(angle) : Math.cos(angle);
        }
        return Matrices.product(sinusoid, matrix, width);
    }

    /** (q + v) r. */
    AttentionOperation.Added of(Field queries) {
        Field moved = plus(queries, v);
        int width = queries.width();
        int size = width / heads;
        Map<Integer, double[]> known = new HashMap<>();
        return (head, query, key) -> {
            double[] q = moved.at(query);
            double[] r = known.computeIfAbsent(sense * (query - key) + shift, distance -> distance(distance, width));
            double sum = q == null ? Double.NaN : 0;
            for (int i = head * size; q != null && i < (head + 1) * size; i++) {
                sum += q[i] * r[i];
            }
            return times * sum;
        };
    }

    interface Variants {
        void add(String fault, String odd, String usual, String advice, Distances distances);
    }

    private Distances biases(float[] otherU, float[] otherV) {
        return new Distances(heads, otherU, otherV, matrix, sense, shift, turns, times);
    }

    /** Distances that count otherwise. */
    void variants(Variants variants) {
        String usual = "query minus key";
        for (int by : new int[] {1, -1}) {
            variants.add(
                    "relative shift",
                    "distances off by one (" + (by > 0 ? "+1" : "-1") + ")",
                    usual,
                    "a score of query i and key j takes the distance i - j",
                    new Distances(heads, u, v, matrix, sense, by, turns, times));
        }
        variants.add(
                "relative shift",
                "key minus query",
                usual,
                "a score of query i and key j takes the distance i - j",
                new Distances(heads, u, v, matrix, -1, shift, turns, times));
        variants.add(
                "distances missing",
                "no distances",
                "distances",
                "add what distances count",
                new Distances(heads, u, v, matrix, sense, shift, turns, 0));
        variants.add(
                "names swapped",
                "the biases of content and distance exchanged",
                "each its own",
                "look at the names of the two biases",
                biases(v, u));
        variants.add("missing bias", "no bias of content", "it", "add it to queries for keys", biases(null, v));
        variants.add("missing bias", "no bias of distance", "it", "add it to queries for distances", biases(u, null));
        variants.add("missing bias", "no biases", "both", "add them to queries", biases(null, null));
        variants.add(
                "sin/cos interleaved",
                "sines first, then cosines",
                "sines and cosines in turns",
                "put sines and cosines of distances by turns",
                new Distances(heads, u, v, matrix, sense, shift, false, times));
        int width = heads == 0 ? 0 : u.length;
        variants.add(
                "transposed",
                "the matrix of distances transposed",
                "it as it is",
                "transpose it on loading",
                new Distances(heads, u, v, Matrices.transposed(matrix, width, width), sense, shift, turns, times));
    }
}
