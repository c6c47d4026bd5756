package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Axes in another order, joined or split.
 *
 * @param from axes before, each of the parts that it is joined from, the outer first
 * @param to axes after
 */
record Arrangement(List<List<String>> from, List<List<String>> to) {
    /** Reads a pattern such as {@code "(b t) k d -> (b k) t d"}. */
    static Arrangement of(String pattern) {
        String[] sides = pattern.split("->");
        return new Arrangement(side(sides[0]), side(sides[1]));
    }

    private static List<List<String>> side(String text) {
        List<List<String>> axes = new ArrayList<>();
        for (String word : text.strip().split(" (?![^(]*\\))")) {
            axes.add(List.of(word.replaceAll("[()]", "").split(" ")));
        }
        return List.copyOf(axes);
    }

    /** Whether rows stay as they are. */
    boolean isOfRows() {
        return from.get(0).size() == 1 && from.get(0).equals(to.get(0));
    }

    /** The same of what is in a row. */
    Arrangement withoutRows() {
        return new Arrangement(from.subList(1, from.size()), to.subList(1, to.size()));
    }

    /** The parts of one of the axes in the other order; there are as many changes as axes of several parts. */
    List<Arrangement> joinedOtherwise() {
        List<Arrangement> others = new ArrayList<>();
        for (int i = 0; i < from.size(); i++) {
            if (from.get(i).size() > 1) {
                others.add(new Arrangement(reversed(from, i), to));
            }
        }
        for (int i = 0; i < to.size(); i++) {
            if (to.get(i).size() > 1) {
                others.add(new Arrangement(from, reversed(to, i)));
            }
        }
        return others;
    }

    private static List<List<String>> reversed(List<List<String>> axes, int axis) {
        List<List<String>> other = new ArrayList<>(axes);
        List<String> parts = new ArrayList<>(other.get(axis));
        Collections.reverse(parts);
        other.set(axis, parts);
        return other;
    }

    /** Two axes of the result exchanged. */
    List<Arrangement> exchanged() {
        List<Arrangement> others = new ArrayList<>();
        for (int a = 0; a < to.size(); a++) {
            for (int b = a + 1; b < to.size(); b++) {
                List<List<String>> axes = new ArrayList<>(to);
                Collections.swap(axes, a, b);
                others.add(new Arrangement(from, axes));
            }
        }
        return others;
    }

    /** What is known of the sizes of parts: 0 for the last axis after of which nothing is. Null if they do not fit. */
    private Map<String, Integer> sizes(int[] in, int[] out) {
        Map<String, Integer> sizes = new HashMap<>();
        for (int round = 0; round < 2; round++) {
            if (!read(from, in, sizes) || !read(to, out, sizes)) {
                return null;
            }
        }
        return sizes;
    }

    /** Of an axis of several parts one may be told by the others. */
    private static boolean read(List<List<String>> axes, int[] shape, Map<String, Integer> sizes) {
        if (axes.size() != shape.length) {
            return false;
        }
        for (int i = 0; i < shape.length; i++) {
            int left = shape[i];
            String unknown = null;
            int count = 0;
            for (String part : axes.get(i)) {
                if (sizes.containsKey(part)) {
                    left /= Math.max(1, sizes.get(part));
                } else {
                    unknown = part;
                    count++;
                }
            }
            if (shape[i] > 0 && count == 1) {
                sizes.put(unknown, left);
            }
        }
        return true;
    }

    /** The size of every part; null if they are not known or do not fit. */
    private Map<String, Integer> allSizes(int[] in, int[] out) {
        Map<String, Integer> sizes = sizes(in, out);
        boolean known = sizes != null
                && from.stream().flatMap(List::stream).allMatch(sizes::containsKey)
                && to.stream().flatMap(List::stream).allMatch(sizes::containsKey);
        if (!known || !Arrays.equals(shape(from, sizes), in)) {
            return null;
        }
        int[] shape = shape(to, sizes);
        for (int i = 0; i < out.length; i++) {
            if (out[i] != 0 && out[i] != shape[i]) {
                return null;
            }
        }
        return sizes;
    }

    private int[] shape(List<List<String>> axes, Map<String, Integer> sizes) {
        return axes.stream()
                .mapToInt(parts -> parts.stream().mapToInt(sizes::get).reduce(1, Math::multiplyExact))
                .toArray();
    }

    /**
     * The numbers in their new places.
     *
     * @param in before
     * @param out shape after, 0 where it is not known
     * @return null if the sizes do not fit
     */
    Field apply(Field in, int[] out) {
        Map<String, Integer> sizes = allSizes(in.shape(), out);
        if (sizes == null) {
            return null;
        }
        int[] shape = shape(to, sizes);
        return Field.of(shape, index -> {
            double[] y = new double[shape[shape.length - 1]];
            Map<String, Integer> at = new HashMap<>();
            for (int i = 0; i < index.length; i++) {
                split(to.get(i), index[i], sizes, at);
            }
            for (int i = 0; i < y.length; i++) {
                split(to.get(index.length), i, sizes, at);
                y[i] = value(in, sizes, at);
            }
            return y;
        });
    }

    /**
     * The shape after.
     *
     * @param in before
     * @param out shape after, 0 where it is not known
     * @return null if the sizes do not fit
     */
    int[] shape(int[] in, int[] out) {
        Map<String, Integer> sizes = allSizes(in, out);
        return sizes == null ? null : shape(to, sizes);
    }

    /** Where before each number after stood, both in order, of sizes that fit. */
    int[] places(int[] in, int[] out) {
        Map<String, Integer> sizes = allSizes(in, out);
        Map<String, Integer> strides = new HashMap<>();
        int count = 1;
        for (int i = from.size() - 1; i >= 0; i--) {
            for (int j = from.get(i).size() - 1; j >= 0; j--) {
                strides.put(from.get(i).get(j), count);
                count *= sizes.get(from.get(i).get(j));
            }
        }
        List<String> parts = to.stream().flatMap(List::stream).toList();
        int[] size = parts.stream().mapToInt(sizes::get).toArray();
        int[] stride = parts.stream().mapToInt(strides::get).toArray();
        int[] at = new int[size.length];
        int[] places = new int[count];
        int place = 0;
        for (int i = 0; i < count; i++) {
            places[i] = place;
            for (int part = size.length - 1; part >= 0; part--) {
                place += stride[part];
                if (++at[part] < size[part]) {
                    break;
                }
                place -= at[part] * stride[part];
                at[part] = 0;
            }
        }
        return places;
    }

    private static void split(List<String> parts, int index, Map<String, Integer> sizes, Map<String, Integer> at) {
        int rest = index;
        for (int i = parts.size() - 1; i >= 0; i--) {
            at.put(parts.get(i), rest % sizes.get(parts.get(i)));
            rest /= sizes.get(parts.get(i));
        }
    }

    private double value(Field in, Map<String, Integer> sizes, Map<String, Integer> at) {
        int[] index = new int[from.size()];
        for (int i = 0; i < index.length; i++) {
            for (String part : from.get(i)) {
                index[i] = index[i] * sizes.get(part) + at.get(part);
            }
        }
        double[] line = in.at(Arrays.copyOf(index, index.length - 1));
        return line == null ? Double.NaN : line[index[index.length - 1]];
    }

    /** The numbers of a field in order, in another shape; null if it has more or fewer. */
    static Field reshaped(Field in, int[] shape) {
        int width = shape[shape.length - 1];
        long count = Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b);
        long had = Arrays.stream(in.shape()).asLongStream().reduce(1, (a, b) -> a * b);
        if (count != had) {
            return null;
        }
        return Field.of(shape, index -> {
            long first = 0;
            for (int i = 0; i < index.length; i++) {
                first = first * shape[i] + index[i];
            }
            double[] y = new double[width];
            for (int i = 0; i < width; i++) {
                y[i] = value(in, first * width + i);
            }
            return y;
        });
    }

    private static double value(Field in, long flat) {
        int[] shape = in.shape();
        int[] index = new int[shape.length - 1];
        long rest = flat / in.width();
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = (int) (rest % shape[axis]);
            rest /= shape[axis];
        }
        double[] line = in.at(index);
        return line == null ? Double.NaN : line[(int) (flat % in.width())];
    }

    private static String text(List<List<String>> axes) {
        List<String> words = new ArrayList<>();
        axes.forEach(parts -> words.add(parts.size() == 1 ? parts.get(0) : "(" + String.join(" ", parts) + ")"));
        return String.join(" ", words);
    }

    @Override
    public String toString() {
        return text(from) + " -> " + text(to);
    }
}
