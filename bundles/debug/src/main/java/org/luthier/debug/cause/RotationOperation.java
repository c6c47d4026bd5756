package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Pairs of columns rotated by where they stand. */
final class RotationOperation implements Operation {
    private static final String FREQUENCIES = "rotation frequencies";

    private final Task task;
    private final Field x;
    private final Rotation book;

    private RotationOperation(Task task, Rotation book) {
        this.task = task;
        this.x = task.input();
        this.book = book;
    }

    /** Null if the frequencies are not known. */
    static Operation of(Task task) {
        Rotation rotation = Rotation.of(task);
        return rotation == null ? null : new RotationOperation(task, rotation);
    }

    @Override
    public Field plain() {
        return book.apply(x);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        variants.add(
                new Variant("not rotated", "rotated", "it as it is", "it rotated", "rotate by where vectors stand", x));
        String pairs = "neighbouring columns as pairs";
        String halves = "columns of the two halves as pairs";
        add(
                variants,
                book.halves() ? "rotation of pairs instead of halves" : "rotation of halves instead of pairs",
                book.halves() ? pairs : halves,
                book.halves() ? halves : pairs,
                "what is rotated together is a matter of how the model was trained: "
                        + (book.halves() ? halves : pairs),
                book.pairs(!book.halves()));
        full(variants);
        String kind = book.pixel() ? "places from -1 to 1" : "numbers of positions";
        String other = book.pixel() ? "numbers of positions" : "places from -1 to 1";
        add(variants, "rotation by other places", other, kind, "rotate by " + kind, book.places(!book.pixel()));
        add(variants, "sign", "rotated the other way round", "forwards", "(a cos - b sin, b cos + a sin)", book.back());
        for (int shift : new int[] {1, -1}) {
            add(
                    variants,
                    "positions shifted",
                    "positions counted from " + shift,
                    "from 0",
                    "count positions from 0",
                    book.shifted(shift));
        }
        if (book.heads() > 1) {
            add(
                    variants,
                    "heads split or ordered otherwise",
                    "the first columns of all heads together rotated",
                    "the first of each head",
                    "split the heads before rotating",
                    book.heads(1));
        }
        exchanged(variants);
        return variants;
    }

    /** All of a head's columns where only some are. */
    private void full(List<Variant> variants) {
        int size = x.width() / book.heads();
        if (2 * book.frequencies().length >= size) {
            return;
        }
        for (boolean pixel : new boolean[] {book.pixel(), !book.pixel()}) {
            Rotation rotation = book.frequencies(pixel ? Rotation.ofPixels(size) : Rotation.usual(size))
                    .places(pixel);
            for (boolean halves : new boolean[] {book.halves(), !book.halves()}) {
                add(
                        variants,
                        "full instead of partial rotation",
                        "all " + size + " columns of a head rotated" + (halves ? ", halves as pairs" : "")
                                + (pixel == book.pixel() ? "" : ", by other places"),
                        "the first " + 2 * book.frequencies().length,
                        "rotate as many columns as there are frequencies in the checkpoint, twice",
                        rotation.pairs(halves));
            }
        }
    }

    private void exchanged(List<Variant> variants) {
        int count = book.frequencies().length;
        for (double[] others : List.of(Rotation.usual(2 * count), Rotation.ofPixels(2 * count))) {
            boolean pixel = others[0] != 1;
            if (isRounded(others)) {
                continue;
            }
            for (boolean places : new boolean[] {book.pixel(), pixel}) {
                add(
                        variants,
                        places == book.pixel() ? FREQUENCIES : "rotation by other places",
                        (pixel ? "frequencies from pi to 5 pi" : "frequencies 10000^(-i/" + count + ")")
                                + (places == book.pixel()
                                        ? ""
                                        : places ? ", places from -1 to 1" : ", numbers of positions"),
                        "frequencies " + Arrays.toString(book.frequencies()),
                        "take the frequencies of the checkpoint",
                        book.frequencies(others).places(places));
            }
        }
        if (task.hasWeight("frequencies")) {
            String name = task.computation().weights().get("frequencies");
            task.others("frequencies")
                    .map(other -> other.weights().get("frequencies"))
                    .filter(other -> !other.equals(name))
                    .distinct()
                    .forEach(other -> {
                        WeightSource.Weight weight = task.weights().weight(other);
                        if (weight != null) {
                            float[] values = weight.values();
                            double[] others = new double[values.length];
                            Arrays.setAll(others, i -> values[i]);
                            add(
                                    variants,
                                    "names swapped",
                                    "the frequencies " + other,
                                    name,
                                    "look at the names of the frequencies",
                                    book.frequencies(others));
                        }
                    });
        }
    }

    /** Whether frequencies are these, but for few bits. */
    private boolean isRounded(double[] others) {
        boolean near = true;
        for (int i = 0; i < others.length; i++) {
            near &= Math.abs(others[i] - book.frequencies()[i]) < 5e-3 * others[i];
        }
        return near;
    }

    private void add(List<Variant> variants, String fault, String odd, String usual, String advice, Rotation rotation) {
        variants.add(new Variant(fault, odd, usual, advice, rotation.apply(x)));
    }
}
