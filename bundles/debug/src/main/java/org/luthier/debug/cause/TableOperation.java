package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.luthier.api.model.Computation;

/** Positions that stand in a table: rows that are added, what is added to scores by distance, and what a row begins with. */
final class TableOperation {
    private static final String POSITIONS = "positions";

    private TableOperation() {}

    static Operation of(Task task) {
        return switch (task.computation().operation()) {
            case Computation.STORED_POSITIONS -> stored(task);
            case Computation.RELATIVE_POSITIONS -> relative(task);
            default -> latents(task);
        };
    }

    /** Null if the table is not known or does not fit. */
    private static Operation stored(Task task) {
        Field x = task.input();
        WeightSource.Weight weight = task.weight("table");
        if (weight == null || weight.shape().size() != 2 || weight.shape().get(1) != x.width()) {
            return null;
        }
        int width = x.width();
        float[] table = weight.values();
        String name = task.computation().weights().get("table");
        return new Operation() {
            private Field placed(double ofInput, double ofTable, IntUnaryOperator place, IntUnaryOperator column) {
                return Field.of(x.shape(), index -> {
                    double[] in = x.at(index);
                    int p = place.applyAsInt(index[0]);
                    if (in == null || p < 0 || (p + 1) * width > table.length) {
                        return null;
                    }
                    double[] y = new double[width];
                    for (int i = 0; i < width; i++) {
                        y[i] = ofInput * in[i] + ofTable * table[p * width + column.applyAsInt(i)];
                    }
                    return y;
                });
            }

            private Field placed(double ofTable, IntUnaryOperator place) {
                return placed(1, ofTable, place, i -> i);
            }

            @Override
            public Field plain() {
                return placed(1, p -> p);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                int half = width / 2;
                add(variants, POSITIONS + " missing", POSITIONS + " added", "no positions", placed(0, p -> p));
                add(variants, POSITIONS + " doubled", POSITIONS + " halved", "positions twice", placed(2, p -> p));
                add(variants, "sign", "sign", "positions subtracted", placed(-1, p -> p));
                for (int shift : new int[] {1, -1, 2, -2}) {
                    String how = "row p" + (shift > 0 ? " + " : " - ") + Math.abs(shift) + " for p";
                    add(variants, POSITIONS + " shifted", POSITIONS + " shifted", how, placed(1, p -> p + shift));
                }
                add(
                        variants,
                        "position does not advance",
                        "position does not advance",
                        "every step as the first, position 0",
                        placed(1, p -> 0));
                add(
                        variants,
                        "sin/cos interleaved",
                        "sin/cos interleaved",
                        "the columns of both halves in turns",
                        placed(1, 1, p -> p, i -> i % 2 == 0 ? i / 2 : half + i / 2));
                add(
                        variants,
                        "sin/cos interleaved",
                        "sin/cos interleaved",
                        "columns in turns taken apart into halves",
                        placed(1, 1, p -> p, i -> i < half ? 2 * i : 2 * (i - half) + 1));
                add(
                        variants,
                        "sin/cos swapped",
                        "sin/cos swapped",
                        "the second half of the columns first",
                        placed(1, 1, p -> p, i -> (i + half) % width));
                int last = x.shape()[0] - 1;
                add(
                        variants,
                        POSITIONS + " reversed",
                        POSITIONS + " reversed",
                        "positions from last to first",
                        placed(1, p -> last - p));
                for (Factor factor : Factor.of(width)) {
                    variants.add(
                            factor.variant("what positions are added to", placed(factor.value(), 1, p -> p, i -> i)));
                }
                return variants;
            }

            private void add(List<Variant> variants, String fault, String reverse, String odd, Field field) {
                variants.add(new Variant(
                        fault,
                        reverse,
                        odd,
                        "row p of " + name,
                        "add the rows of " + name + " once, from the first on",
                        field));
            }
        };
    }

    private interface Bucket {
        int of(int query, int key);
    }

    /** The bucket of a key that stands so many positions behind the query, or before it where that is negative. */
    private static int bucket(int distance, boolean causal, int all, int farthest) {
        int buckets = causal ? all : all / 2;
        int n = causal ? Math.max(-distance, 0) : Math.abs(distance);
        int first = !causal && distance > 0 ? buckets : 0;
        int exact = buckets / 2;
        if (n < exact) {
            return first + n;
        }
        // In single precision, as where it comes from: at borders rounding tells the bucket.
        float share = (float) Math.log((float) n / exact) / (float) Math.log((double) farthest / exact);
        return first + Math.min(buckets - 1, exact + (int) (share * (buckets - exact)));
    }

    /** Null if the table or the shape is not known. */
    private static Operation relative(Task task) {
        WeightSource.Weight weight = task.weight("table");
        int[] shape = task.rows().shape() == null ? null : task.rows().shapeOfRow();
        if (weight == null || weight.shape().size() != 2 || shape == null || shape.length != 3) {
            return null;
        }
        int buckets = weight.shape().get(0);
        int heads = weight.shape().get(1);
        float[] table = weight.values();
        boolean causal = task.is("causal");
        int farthest = task.count("farthest");
        return new Operation() {
            private Field with(Bucket bucket, boolean masked, double times, IntUnaryOperator place) {
                return Field.of(shape, index -> {
                    double[] y = new double[shape[2]];
                    for (int key = 0; key < y.length; key++) {
                        int at = bucket.of(index[1], key);
                        int head = place.applyAsInt(index[0]);
                        y[key] = masked && key > index[1]
                                ? Double.NEGATIVE_INFINITY
                                : at < 0 || at >= buckets ? Double.NaN : times * table[at * heads + head];
                    }
                    return y;
                });
            }

            private Field with(Bucket bucket) {
                return with(bucket, causal, 1, head -> head);
            }

            private Bucket of(int sense, int shift, boolean other, int most) {
                return (query, key) -> bucket(sense * (key - query) + shift, other, buckets, most);
            }

            private Bucket usual() {
                return of(1, 0, causal, farthest);
            }

            @Override
            public Field plain() {
                return with(usual());
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                add(variants, "distance the other way round", "query minus key", with(of(-1, 0, causal, farthest)));
                add(
                        variants,
                        "buckets of distances",
                        causal ? "buckets for both sides" : "buckets for keys before the query only",
                        with(of(1, 0, !causal, farthest)));
                for (int by : new int[] {1, -1}) {
                    add(variants, POSITIONS + " shifted", "distances off by one", with(of(1, by, causal, farthest)));
                }
                for (int most : new int[] {32, 64, 127, 256, 512, 1024}) {
                    add(
                            variants,
                            "buckets of distances",
                            "the last bucket from " + most + " on",
                            with(of(1, 0, causal, most)));
                }
                add(variants, "sign", "the table with the other sign", with(usual(), causal, -1, head -> head));
                add(variants, "missing or doubled scale", "the table twice", with(usual(), causal, 2, head -> head));
                add(
                        variants,
                        "heads split or ordered otherwise",
                        "heads from last to first",
                        with(usual(), causal, 1, head -> heads - 1 - head));
                add(
                        variants,
                        "mask",
                        causal ? "no mask" : "keys behind the query masked",
                        with(usual(), !causal, 1, head -> head));
                task.others("table")
                        .forEach(other -> task.alike(other, "table").ifPresent(its -> {
                            float[] values = its.values();
                            add(
                                    variants,
                                    "names swapped",
                                    "the table " + other.weights().get("table"),
                                    Field.of(shape, index -> {
                                        double[] y = new double[shape[2]];
                                        for (int key = 0; key < y.length; key++) {
                                            y[key] = causal && key > index[1]
                                                    ? Double.NEGATIVE_INFINITY
                                                    : values[usual().of(index[1], key) * heads + index[0]];
                                        }
                                        return y;
                                    }));
                        }));
                return variants;
            }

            private void add(List<Variant> variants, String fault, String odd, Field field) {
                variants.add(new Variant(
                        fault,
                        odd,
                        "buckets of key minus query" + (causal ? ", keys before the query" : ", both sides"),
                        "T5: buckets of key minus query, both sides in an encoder, in a decoder those before the query",
                        field));
            }
        };
    }

    /** Null if a weight or the shape is not known. */
    private static Operation latents(Task task) {
        int[] shape = task.rows().shape() == null ? null : task.rows().shapeOfRow();
        if (shape == null || shape.length != 3) {
            return null;
        }
        float[] latents = task.vector("latents", shape[1] * shape[2]);
        WeightSource.Weight places = task.weight("places");
        if (latents == null || places == null && task.hasWeight("places")) {
            return null;
        }
        List<String> axes =
                Arrays.asList(((String) task.computation().settings().get("places")).split(" "));
        return new Operation() {
            private double place(List<String> order, int time, int latent, int column) {
                int flat = 0;
                for (int i = 0; i < axes.size(); i++) {
                    int at = switch (order.get(i)) {
                        case "t" -> time;
                        case "k" -> latent;
                        default -> column;
                    };
                    if (at < 0 || i > 0 && at >= places.shape().get(i)) {
                        return Double.NaN;
                    }
                    flat = flat * places.shape().get(i) + at;
                }
                float[] values = places.values();
                return flat < values.length ? values[flat] : Double.NaN;
            }

            private Field with(double times, int shift, IntUnaryOperator latent, IntUnaryOperator placed) {
                return Field.of(shape, index -> {
                    double[] y = new double[shape[2]];
                    for (int i = 0; i < y.length; i++) {
                        y[i] = latents[latent.applyAsInt(index[1]) * shape[2] + i]
                                + (places == null || times == 0
                                        ? 0
                                        : times * place(axes, index[0] + shift, placed.applyAsInt(index[1]), i));
                    }
                    return y;
                });
            }

            @Override
            public Field plain() {
                return with(1, 0, k -> k, k -> k);
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                int last = shape[1] - 1;
                String order = "order of latents";
                add(variants, order, order, "latents from last to first", with(1, 0, k -> last - k, k -> k));
                add(
                        variants,
                        order,
                        order,
                        "latents and places from last to first",
                        with(1, 0, k -> last - k, k -> last - k));
                if (places == null) {
                    return variants;
                }
                add(variants, POSITIONS + " missing", POSITIONS + " added", "no positions", with(0, 0, k -> k, k -> k));
                add(
                        variants,
                        POSITIONS + " doubled",
                        POSITIONS + " halved",
                        "positions twice",
                        with(2, 0, k -> k, k -> k));
                add(variants, "sign", "sign", "positions subtracted", with(-1, 0, k -> k, k -> k));
                if (axes.contains("t")) {
                    for (int shift : new int[] {1, -1}) {
                        String how = "the position of time t" + (shift > 0 ? " + 1" : " - 1") + " for t";
                        add(
                                variants,
                                POSITIONS + " shifted",
                                POSITIONS + " shifted",
                                how,
                                with(1, shift, k -> k, k -> k));
                    }
                    add(
                            variants,
                            "position does not advance",
                            "position does not advance",
                            "position 0 at all times",
                            Field.of(
                                    shape,
                                    index -> with(1, -index[0], k -> k, k -> k).at(index)));
                }
                if (axes.contains("k")) {
                    add(
                            variants,
                            order,
                            order,
                            "places of latents from last to first",
                            with(1, 0, k -> k, k -> last - k));
                }
                return variants;
            }

            private void add(List<Variant> variants, String fault, String reverse, String odd, Field field) {
                variants.add(new Variant(
                        fault,
                        reverse,
                        odd,
                        "latents plus where they stand",
                        "add positions once, their axes being " + String.join(", ", axes),
                        field));
            }
        };
    }
}
