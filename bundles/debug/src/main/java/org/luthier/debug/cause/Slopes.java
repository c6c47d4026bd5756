package org.luthier.debug.cause;

import java.util.stream.IntStream;

/**
 * What is subtracted from scores by the distance of query and key.
 *
 * @param slopes of the heads
 * @param raw what slopes were trained to, before the sigmoid; null of slopes that are not trained
 * @param behind how far the last query is before the last key
 */
record Slopes(double[] slopes, double[] raw, int behind) {
    /** Null if trained ones are not known. */
    static Slopes of(Task task, int queries, int keys) {
        int heads = task.count("heads");
        if (!task.hasWeight("slopes")) {
            return new Slopes(usual(heads), null, keys - queries);
        }
        float[] raw = task.vector("slopes", heads);
        if (raw == null) {
            return null;
        }
        double[] slopes = new double[heads];
        slopes[0] = Functions.sigmoid(raw[0]);
        return new Slopes(
                slopes, IntStream.range(0, heads).mapToDouble(i -> raw[i]).toArray(), keys - queries);
    }

    private static double[] usual(int heads) {
        int lower = Integer.highestOneBit(heads);
        return IntStream.range(0, heads)
                .mapToDouble(h -> h < lower
                        ? Math.pow(2, -8.0 * (h + 1) / lower)
                        : Math.pow(2, -4.0 * (2 * (h - lower) + 1) / lower))
                .toArray();
    }

    double at(int head, int query, int key) {
        return -slopes[head] * Math.abs(key - query - behind);
    }

    interface Variants {
        void add(String fault, String odd, String advice, AttentionOperation.Added added);
    }

    private AttentionOperation.Added with(double[] others, int other) {
        return new Slopes(others, raw, other)::at;
    }

    private AttentionOperation.Added with(double[] others) {
        return with(others, behind);
    }

    private double[] each(Change change) {
        return IntStream.range(0, slopes.length).mapToDouble(change::of).toArray();
    }

    private interface Change {
        double of(int head);
    }

    /** Distances that count otherwise. */
    void variants(double factor, Variants variants) {
        int heads = slopes.length;
        variants.add("distances missing", "no distances", "subtract them", (head, query, key) -> 0);
        variants.add("sign", "distances added", "subtract them", with(each(h -> -slopes[h])));
        variants.add("distances doubled", "distances twice", "subtract them once", with(each(h -> 2 * slopes[h])));
        if (raw == null) {
            variants.add(
                    "slopes of heads",
                    "slopes 2^(-8 (h + 1) / " + heads + ")",
                    "where heads are no power of two, take the slopes of the next lower power, then every other of the next"
                            + " higher",
                    with(each(h -> Math.pow(2, -8.0 * (h + 1) / heads))));
            variants.add(
                    "slopes of heads",
                    "slopes 2^(-8 h / heads), the first 1",
                    "the first slope is 2^(-8 / heads)",
                    with(each(h -> h == 0 ? 1 : slopes[h - 1])));
            variants.add(
                    "slopes of heads",
                    "slopes in order of their size",
                    "after the slopes of the lower power of two come those of the higher",
                    with(each(h -> IntStream.range(0, heads)
                            .mapToDouble(i -> -slopes[i])
                            .sorted()
                            .map(slope -> -slope)
                            .toArray()[h])));
            variants.add(
                    "distances for one head only",
                    "a slope of the first head only",
                    "each head has its slope",
                    with(each(h -> h == 0 ? slopes[0] : 0)));
        } else {
            variants.add(
                    "distances for all heads",
                    "slopes of all heads",
                    "the model was trained with that of the first head only",
                    with(each(h -> Functions.sigmoid(raw[h]))));
            variants.add(
                    "slopes of heads",
                    "the slope without a sigmoid",
                    "take the sigmoid of the slope",
                    with(each(h -> h == 0 ? raw[0] : 0)));
            variants.add(
                    "slopes of heads",
                    "the slopes of all heads without a sigmoid",
                    "take the sigmoid of the first",
                    with(raw));
            variants.add("slopes of heads", "the usual slopes", "take the trained one", with(usual(heads)));
        }
        variants.add(
                "slopes of heads",
                "slopes from last to first",
                "look at the order of the heads",
                with(each(h -> slopes[heads - 1 - h])));
        variants.add(
                "distances not scaled",
                "distances subtracted after the factor",
                "add before the factor is applied",
                with(each(h -> slopes[h] / factor)));
        if (behind != 0) {
            variants.add(
                    "positions shifted",
                    "the first query beside the first key",
                    "the last query stands beside the last key",
                    with(slopes, 0));
        }
        for (int by : new int[] {1, -1}) {
            variants.add(
                    "positions shifted",
                    "distances off by one",
                    "the last query stands beside the last key",
                    with(slopes, behind + by));
        }
    }
}
