package org.luthier.checkpoint;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/** Two tensors that differ in nothing but one axis: where the slices of the second along it are in the first. */
final class Slices {
    private static final int NOWHERE = -1;

    /** Axes of more are values, not rows. */
    private static final int MOST = 1 << 17;

    private final Elements a;
    private final Elements b;
    private final int axis;
    private final String name;
    private final int first;

    /** For each slice of the second its place in the first. */
    private final int[] found;

    /** How many slices of the second are elsewhere in the first, or nowhere. */
    private final int changed;

    private Slices(Elements a, Elements b, int axis, int[] found) {
        int rank = a.shape().size();
        this.a = a;
        this.b = b;
        this.axis = axis;
        this.name =
                rank == 1 ? "elements" : axis == 0 ? "rows" : axis == rank - 1 ? "columns" : "axis-" + axis + " slices";
        this.first = a.shape().get(axis).intValue();
        this.found = found;
        int count = 0;
        for (int i = 0; i < found.length; i++) {
            count += found[i] == i ? 0 : 1;
        }
        this.changed = count;
    }

    /**
     * Finds the slices of b in a.
     *
     * @return null if there is nothing to find: other axes differ too, or there are not at least two slices in each
     */
    static Slices find(Elements a, Elements b, int axis) {
        int rank = a.shape().size();
        if (rank != b.shape().size()) {
            return null;
        }
        for (int i = 0; i < rank; i++) {
            if (i != axis && !a.shape().get(i).equals(b.shape().get(i))) {
                return null;
            }
        }
        int first = a.shape().get(axis).intValue();
        int second = b.shape().get(axis).intValue();
        if (Math.min(first, second) < 2 || Math.max(first, second) > MOST || a.size() == 0 || b.size() == 0) {
            return null;
        }
        long[] contents = contents(a, axis);
        long[] wanted = contents(b, axis);
        int[] found = new int[second];
        Map<Long, Set<Integer>> others = new HashMap<>();
        for (int i = 0; i < first; i++) {
            if (i >= second || contents[i] != wanted[i]) {
                others.computeIfAbsent(contents[i], key -> new LinkedHashSet<>())
                        .add(i);
            }
        }
        for (int i = 0; i < second; i++) {
            if (i < first && contents[i] == wanted[i]) {
                found[i] = i;
                continue;
            }
            Set<Integer> places = others.getOrDefault(wanted[i], new LinkedHashSet<>());
            // Of several equal ones the one that goes on from the slice before.
            int next = i == 0 ? NOWHERE : found[i - 1] + 1;
            found[i] = places.isEmpty()
                    ? NOWHERE
                    : places.contains(next) ? next : places.iterator().next();
            places.remove(found[i]);
        }
        return new Slices(a, b, axis, found);
    }

    /** A number for what each slice holds; of 64 bits, so that equal numbers mean equal slices. */
    private static long[] contents(Elements elements, int axis) {
        int count = elements.shape().get(axis).intValue();
        int stride = (int) Shapes.strides(elements.shape())[axis];
        long[] contents = new long[count];
        int slice = 0;
        for (int at = 0; at < elements.size(); slice = slice + 1 == count ? 0 : slice + 1) {
            long content = contents[slice];
            for (int end = at + stride; at < end; at++) {
                // The finalizer of splitmix64: each bit of what goes in changes half of what comes out.
                long mixed = (content ^ elements.bits(at)) + 0x9e3779b97f4a7c15L;
                mixed = (mixed ^ mixed >>> 30) * 0xbf58476d1ce4e5b9L;
                mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
                content = mixed ^ mixed >>> 31;
            }
            contents[slice] = content;
        }
        return contents;
    }

    /** What was done to the slices, or null. */
    Finding finding() {
        Finding padded = padded();
        if (padded != null) {
            return padded;
        }
        boolean all = first == found.length;
        for (int place : found) {
            all &= place != NOWHERE;
        }
        return all ? permuted() : shifted(0.5);
    }

    /** One begins with all slices of the other. */
    private Finding padded() {
        int common = Math.min(first, found.length);
        if (first == found.length) {
            return null;
        }
        for (int i = 0; i < common; i++) {
            if (found[i] != i) {
                return null;
            }
        }
        boolean longerA = first > common;
        return new Finding(
                Finding.Kind.PADDED,
                (longerA ? "A" : "B") + " has the " + common + " " + name + " of " + (longerA ? "B" : "A") + " and "
                        + Math.abs(first - found.length) + " more, "
                        + (zeroFrom(longerA ? a : b, common) ? "all zero" : "not zero"));
    }

    private boolean zeroFrom(Elements longer, int slice) {
        long stride = Shapes.strides(longer.shape())[axis];
        long count = longer.shape().get(axis);
        for (int i = 0; i < longer.size(); i++) {
            if (i / stride % count >= slice && longer.at(i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Every slice is there, in another order. */
    private Finding permuted() {
        if (changed == 2) {
            int one = 0;
            while (found[one] == one) {
                one++;
            }
            return new Finding(Finding.Kind.PERMUTED, name + " " + one + " and " + found[one] + " are exchanged");
        }
        int turn = found[0];
        if (everywhere(i -> (i + turn) % found.length)) {
            int by = turn <= found.length / 2 ? -turn : found.length - turn;
            return new Finding(Finding.Kind.SHIFTED, name + " of B are A's, shifted around by " + by);
        }
        Finding shifted = shifted(0.9);
        if (shifted != null) {
            return shifted;
        }
        int step = found[1];
        if (found[0] == 0 && step > 1 && found.length % step == 0) {
            int groups = found.length / step;
            if (everywhere(i -> i % groups * step + i / groups)) {
                return new Finding(
                        Finding.Kind.PERMUTED,
                        name + " of B are A's interleaved: as [" + step + ", " + groups + "] taken for [" + groups
                                + ", " + step + "]");
            }
        }
        int block = block();
        return new Finding(
                Finding.Kind.PERMUTED,
                name + " of B are A's in another order"
                        + (block > 1 ? ", in " + found.length / block + " blocks of " + block + " such as heads" : ""));
    }

    private boolean everywhere(IntUnaryOperator place) {
        for (int i = 0; i < found.length; i++) {
            if (found[i] != place.applyAsInt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Largest number of slices that stay together everywhere. */
    private int block() {
        for (int blocks = 2; blocks < found.length; blocks++) {
            int size = found.length / blocks;
            if (found.length % blocks == 0
                    && everywhere(i -> found[i - i % size] % size == 0 ? found[i - i % size] + i % size : NOWHERE)) {
                return size;
            }
        }
        return 1;
    }

    /** A good part of what is elsewhere is at one distance. */
    private Finding shifted(double part) {
        Map<Integer, Integer> distances = new HashMap<>();
        for (int i = 0; i < found.length; i++) {
            if (found[i] != NOWHERE && found[i] != i) {
                distances.merge(i - found[i], 1, Integer::sum);
            }
        }
        Map.Entry<Integer, Integer> most =
                distances.entrySet().stream().max(Map.Entry.comparingByValue()).orElse(null);
        if (most == null || most.getValue() < Math.max(2, part * changed)) {
            return null;
        }
        int by = most.getKey();
        int begin = found.length;
        int end = 0;
        for (int i = 0; i < found.length; i++) {
            if (found[i] != NOWHERE && i - found[i] == by) {
                begin = Math.min(begin, i);
                end = i;
            }
        }
        int others = changed - most.getValue();
        return new Finding(
                Finding.Kind.SHIFTED,
                name + " " + begin + " to " + end + " of B are " + (begin - by) + " to " + (end - by)
                        + " of A, shifted by " + by + (others == 0 ? "" : "; " + others + " others differ"));
    }

    /** The axes in the order in which a finding is told: rows, columns, those between. */
    static Iterable<Integer> axes(int rank) {
        LinkedHashSet<Integer> axes = new LinkedHashSet<>();
        if (rank > 0) {
            axes.add(0);
            axes.add(rank - 1);
        }
        for (int i = 1; i < rank - 1; i++) {
            axes.add(i);
        }
        return axes;
    }
}
