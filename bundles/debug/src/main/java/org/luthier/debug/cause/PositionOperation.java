package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import org.luthier.api.model.Computation;

/** Rows of a table, the sinusoids of positions, or the sum of the two. */
final class PositionOperation implements Operation {
    private static final String TABLE = "table";
    private static final String FREQUENCIES = "position frequencies";
    private static final String POSITIONS = "positions";
    /** How far ids are looked for from where they should be. */
    private static final int MOST_SHIFTED = 128;

    private static final List<Double> PERIODS = List.of(100.0, 1000.0, 5000.0, 10000.0, 100000.0, 500000.0);

    private final Task task;
    /** The table, or null where something else than ids comes in. */
    private final float[] table;

    private final int width;
    /** What the sinusoids are like, or null if there are none. */
    private final Sinusoid book;

    private PositionOperation(Task task, float[] table, int width, Sinusoid book) {
        this.task = task;
        this.table = table;
        this.width = width;
        this.book = book;
    }

    /** Null if the table is needed and not known. */
    static Operation of(Task task) {
        String operation = task.computation().operation();
        Sinusoid book = operation.equals(Computation.LOOKUP) ? null : Sinusoid.of(task.number("period"));
        if (operation.equals(Computation.POSITIONS)) {
            return new PositionOperation(task, null, task.input().width(), book);
        }
        WeightSource.Weight table = task.weight(TABLE);
        return table == null || table.shape().size() != 2
                ? null
                : new PositionOperation(task, table.values(), table.shape().get(1), book);
    }

    /**
     * Sinusoids of positions.
     *
     * @param less what is taken from half of the width to divide the exponents by
     * @param turns whether sines and cosines take turns
     * @param cosinesFirst whether the cosines come first
     * @param factor of the whole
     */
    private record Sinusoid(double period, int less, boolean turns, boolean cosinesFirst, double factor) {
        static Sinusoid of(double period) {
            return new Sinusoid(period, 1, false, false, 1);
        }

        double at(int position, int place, int width) {
            int half = width / 2;
            int i = turns ? place / 2 : place % half;
            boolean sine = (turns ? place % 2 == 0 : place < half) != cosinesFirst;
            double angle = position * Math.pow(period, -(double) i / (half - less));
            return factor * (sine ? Math.sin(angle) : Math.cos(angle));
        }
    }

    private Field rows(float[] from, IntUnaryOperator id) {
        int lines = from.length / width;
        int positions = task.input().width();
        return Field.of(new int[] {positions, width}, index -> {
            double[] ids = task.input().at();
            int line = ids == null || Double.isNaN(ids[index[0]]) ? -1 : id.applyAsInt((int) ids[index[0]]);
            if (line < 0 || line >= lines) {
                return null;
            }
            double[] y = new double[width];
            for (int j = 0; j < width; j++) {
                y[j] = from[line * width + j];
            }
            return y;
        });
    }

    private Field content() {
        return table == null ? task.input() : rows(table, id -> id);
    }

    private Field sum(Field content, double factor, Sinusoid sinusoid, IntUnaryOperator position) {
        return Field.of(content.shape(), index -> {
            double[] x = content.at(index);
            if (x == null) {
                return null;
            }
            double[] y = new double[x.length];
            for (int j = 0; j < y.length; j++) {
                y[j] = factor * x[j] + (sinusoid == null ? 0 : sinusoid.at(position.applyAsInt(index[0]), j, width));
            }
            return y;
        });
    }

    private Field content(Field other) {
        return sum(other, 1, book, position -> position);
    }

    private Field content(double factor) {
        return sum(content(), factor, book, position -> position);
    }

    private Field positions(Sinusoid other) {
        return sum(content(), 1, other, position -> position);
    }

    private Field places(IntUnaryOperator position) {
        return sum(content(), 1, book, position);
    }

    @Override
    public Field plain() {
        return positions(book);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        if (book != null) {
            sinusoids().stream().map(Variant::ofCode).forEach(variants::add);
        }
        if (table != null) {
            ids(variants);
        }
        if (book != null) {
            for (Factor factor : Factor.of(width)) {
                variants.add(factor.variant(table == null ? "the input" : "the embedding", content(factor.value())));
            }
        }
        return variants;
    }

    private List<Variant> sinusoids() {
        List<Variant> variants = new ArrayList<>();
        int half = width / 2;
        double period = book.period();
        String usual = formula(period, half - 1);
        variants.add(new Variant(
                FREQUENCIES + " i/" + half + " for i/" + (half - 1),
                FREQUENCIES + " i/" + (half - 1) + " for i/" + half,
                formula(period, half),
                usual,
                "divide i by half of the width less 1, " + (half - 1) + ": the last frequency is 1/" + whole(period)
                        + " exactly",
                positions(new Sinusoid(period, 0, false, false, 1))));
        for (int less : new int[] {1, 0}) {
            variants.add(new Variant(
                    "sin/cos interleaved",
                    "sines and cosines in turns" + (less == 0 ? ", " + formula(period, half) : ""),
                    "sines first, then cosines",
                    "put the sines in the first half of the width, the cosines in the second",
                    positions(new Sinusoid(period, less, true, false, 1))));
            variants.add(new Variant(
                    "sin/cos swapped",
                    "cosines first" + (less == 0 ? ", " + formula(period, half) : ""),
                    "sines first",
                    "put the sines in the first half of the width",
                    positions(new Sinusoid(period, less, false, true, 1))));
        }
        variants.add(new Variant(
                POSITIONS + " missing",
                POSITIONS + " added",
                "no positions",
                "positions",
                "add the sinusoids once",
                positions(null)));
        variants.add(new Variant(
                POSITIONS + " doubled",
                POSITIONS + " halved",
                "positions twice",
                "them once",
                "add the sinusoids once",
                positions(new Sinusoid(period, 1, false, false, 2))));
        variants.add(new Variant(
                "sign",
                "positions subtracted",
                "them added",
                "add the sinusoids",
                positions(new Sinusoid(period, 1, false, false, -1))));
        variants.add(new Variant(
                "position does not advance",
                "every step as the first, position 0",
                "positions that count",
                "give the decoder the number of the step: is the cache, or its length, lost from step to step?",
                places(position -> 0)));
        for (int shift : new int[] {1, -1, 2, -2}) {
            variants.add(new Variant(
                    POSITIONS + " shifted",
                    "position p for p" + (shift > 0 ? " - " : " + ") + Math.abs(shift),
                    "position p for p",
                    "count positions from 0",
                    places(position -> position + shift)));
        }
        int last = content().shape()[0] - 1;
        variants.add(new Variant(
                POSITIONS + " reversed",
                "positions from last to first",
                "first to last",
                "count positions from the first",
                places(position -> last - position)));
        for (double other : PERIODS) {
            if (other != period) {
                variants.add(new Variant(
                        FREQUENCIES,
                        "a period of " + whole(other),
                        whole(period),
                        "use a period of " + whole(period),
                        positions(new Sinusoid(other, 1, false, false, 1))));
            }
        }
        return variants;
    }

    private void ids(List<Variant> variants) {
        String name = task.computation().weights().get(TABLE);
        String shifted = "look for special ids (padding, end, unknown) that one side counts and the other does not";
        for (int distance = 1; distance <= MOST_SHIFTED; distance++) {
            for (int sign : new int[] {1, -1}) {
                int by = sign * distance;
                variants.add(new Variant(
                        "rows shifted",
                        "row id" + (by > 0 ? " + " : " - ") + distance + " of " + name,
                        "row id",
                        shifted,
                        content(rows(table, id -> id + by))));
            }
        }
        int lines = table.length / width;
        variants.add(new Variant(
                "rows reversed",
                name + " from its last row to its first",
                "first to last",
                "look at how the table was made",
                content(rows(table, id -> lines - 1 - id))));
        Field plain = rows(table, id -> id);
        for (int by : new int[] {1, -1}) {
            variants.add(new Variant(
                    "ids shifted by one position",
                    "at position p the id of p" + (by > 0 ? " + 1" : " - 1"),
                    "that of p",
                    "the decoder is fed the start id, then what came out so far",
                    content(plain.moved(index -> new int[] {index[0] + by}))));
        }
        for (Computation other : task.all()) {
            String matrix = other.weights().get("weight");
            WeightSource.Weight weight = matrix == null ? null : task.weights().weight(matrix);
            if (weight != null && weight.shape().equals(List.of(width, lines))) {
                variants.add(new Variant(
                        "tied output",
                        "the output matrix " + matrix + " for the embedding",
                        name,
                        "give the embedding its own table, " + name,
                        content(rows(Matrices.transposed(weight.values(), width, lines), id -> id))));
            }
        }
        task.others(TABLE)
                .forEach(other -> task.alike(other, TABLE)
                        .ifPresent(weight -> variants.add(new Variant(
                                "names swapped",
                                "the table " + other.weights().get(TABLE),
                                name,
                                "look at the two names in the name rules",
                                content(rows(weight.values(), id -> id))))));
        for (Precision precision : Precision.values()) {
            float[] rounded = precision.round(table);
            if (!Arrays.equals(rounded, table)) {
                variants.add(Rounded.variant(precision, name, content(rows(rounded, id -> id))));
            }
        }
    }

    private static String formula(double period, int divisor) {
        return whole(period) + "^(-i/" + divisor + ")";
    }

    private static String whole(double period) {
        return String.format(Locale.ROOT, "%.0f", period);
    }
}
