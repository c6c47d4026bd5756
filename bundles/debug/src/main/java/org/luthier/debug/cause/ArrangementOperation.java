package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import org.luthier.api.model.Computation;

/** Numbers in other places, alone, with positions added, or multiplied with a matrix. */
final class ArrangementOperation implements Operation {
    private static final String ORDER = "order of axes";
    private static final String POSITIONS = "positions";

    private final Task task;
    private final Field in;
    /** Shape that comes out, with rows where the arrangement has them; the last is 0 where a matrix follows. */
    private final int[] out;

    private final Arrangement book;
    private final int row;
    /** What follows: the matrix, or positions. */
    private final UnaryOperator<Field> onward;

    private ArrangementOperation(
            Task task, Field in, int[] out, Arrangement book, int row, UnaryOperator<Field> onward) {
        this.task = task;
        this.in = in;
        this.out = out;
        this.book = book;
        this.row = row;
        this.onward = onward;
    }

    /** Null if sizes, other rows or weights are not known. */
    static Operation of(Task task) {
        Arrangement whole =
                Arrangement.of((String) task.computation().settings().get("pattern"));
        boolean ofRows = whole.isOfRows();
        Field in = ofRows
                ? task.input()
                : task.rows().tensors().apply(task.computation().inputs().get(0));
        if (task.rows().shape() == null || in == null) {
            return null;
        }
        int[] out = ofRows ? task.rows().shapeOfRow() : task.rows().shape().clone();
        Arrangement book = ofRows ? whole.withoutRows() : whole;
        int row = ofRows ? -1 : task.rows().row();
        return switch (task.computation().operation()) {
            case Computation.ARRANGED_PROJECTION -> {
                out[out.length - 1] = 0;
                ArrangementOperation plain =
                        new ArrangementOperation(task, in, out, book, row, field -> projected(task, field));
                yield plain.plain() == null ? null : plain;
            }
            case Computation.REARRANGEMENT_AND_POSITIONS -> {
                int width = out[out.length - 1];
                WeightSource.Weight table = task.weight("table");
                yield table == null
                                || table.shape().size() != 2
                                || table.shape().get(1) != width
                        ? null
                        : new ArrangementOperation(
                                task, in, out, book, row, field -> placed(field, table.values(), 1, p -> p));
            }
            default -> new ArrangementOperation(task, in, out, book, row, field -> field);
        };
    }

    private static Task projection(Task task, Field field) {
        return task.as(Computation.PROJECTION).of(field);
    }

    private static Field projected(Task task, Field field) {
        Operation operation = ProjectionOperation.of(projection(task, field));
        return operation == null ? null : operation.plain();
    }

    private static Field placed(Field x, float[] table, double times, IntUnaryOperator place) {
        int width = x.width();
        return Field.of(x.shape(), index -> {
            double[] in = x.at(index);
            int p = place.applyAsInt(index[index.length - 1]);
            if (in == null || p < 0 || (p + 1) * width > table.length) {
                return null;
            }
            double[] y = in.clone();
            for (int i = 0; i < width; i++) {
                y[i] += times * table[p * width + i];
            }
            return y;
        });
    }

    private Field arranged(Arrangement arrangement) {
        return row(arrangement.apply(in, out));
    }

    /** The row that is asked for. */
    private Field row(Field field) {
        return field == null || row < 0
                ? field
                : Field.of(Arrays.copyOfRange(field.shape(), 1, field.shape().length), index -> {
                    int[] whole = new int[index.length + 1];
                    whole[0] = row;
                    System.arraycopy(index, 0, whole, 1, index.length);
                    return field.at(whole);
                });
    }

    @Override
    public Field plain() {
        Field field = arranged(book);
        return field == null ? null : onward.apply(field);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        BiFunction<String, Field, Void> odd = (how, field) -> {
            Field made = field == null ? null : onward.apply(field);
            if (made != null) {
                variants.add(new Variant(
                        ORDER,
                        how,
                        book.toString(),
                        "take the axes in the order " + book + ", the outer part of what is joined first",
                        made));
            }
            return null;
        };
        for (Arrangement other : book.joinedOtherwise()) {
            odd.apply(other.toString(), arranged(other));
        }
        for (Arrangement other : book.exchanged()) {
            odd.apply(other.toString(), arranged(other));
        }
        int[] shape = plain().shape().clone();
        Field arranged = arranged(book);
        if (row < 0) {
            reshaped(variants, Arrangement.reshaped(in, arranged.shape()));
        } else {
            int[] whole = task.rows().shape().clone();
            whole[whole.length - 1] = arranged.width();
            reshaped(variants, row(Arrangement.reshaped(in, whole)));
        }
        if (task.computation().operation().equals(Computation.ARRANGED_PROJECTION)) {
            variants.addAll(ProjectionOperation.of(projection(task, arranged)).variants());
        }
        if (task.computation().operation().equals(Computation.REARRANGEMENT_AND_POSITIONS)) {
            positions(variants, arranged, shape);
        }
        return variants;
    }

    private void reshaped(List<Variant> variants, Field field) {
        Field made = field == null ? null : onward.apply(field);
        if (made != null) {
            variants.add(new Variant(
                    "reshaped instead of transposed",
                    "the numbers in order, in the other shape",
                    book.toString(),
                    "move the axes (permute) before they are joined or split: " + book,
                    made));
        }
    }

    private void positions(List<Variant> variants, Field arranged, int[] shape) {
        float[] table = task.weight("table").values();
        String name = task.computation().weights().get("table");
        String advice = "add the rows of " + name + " once, from the first on";
        variants.add(new Variant(
                POSITIONS + " missing", POSITIONS + " added", "no positions", "positions", advice, arranged));
        variants.add(new Variant(
                POSITIONS + " doubled",
                POSITIONS + " halved",
                "positions twice",
                "them once",
                advice,
                placed(arranged, table, 2, p -> p)));
        for (int shift : new int[] {1, -1}) {
            variants.add(new Variant(
                    POSITIONS + " shifted",
                    "row p" + (shift > 0 ? " + 1" : " - 1") + " of " + name + " for p",
                    "row p",
                    advice,
                    placed(arranged, table, 1, p -> p + shift)));
        }
        int last = shape[shape.length - 2] - 1;
        variants.add(new Variant(
                POSITIONS + " reversed",
                "rows from last to first",
                "first to last",
                advice,
                placed(arranged, table, 1, p -> last - p)));
    }
}
