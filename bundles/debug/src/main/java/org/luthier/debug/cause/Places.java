package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Indices of all axes but the last, at which a tensor is looked at. */
final class Places {
    /** Places at which a tensor is computed again: half of them where it departs most, half spread evenly. */
    static final int MOST = 48;

    private Places() {}

    /** All places, or so many of them spread evenly. */
    static List<int[]> all(Field field, int most) {
        int count = 1;
        for (int axis = 0; axis < field.shape().length - 1; axis++) {
            count *= field.shape()[axis];
        }
        int taken = Math.min(most, count);
        List<int[]> places = new ArrayList<>();
        for (int i = 0; i < taken; i++) {
            places.add(place(field, (int) ((long) i * count / taken)));
        }
        return places;
    }

    private static int[] place(Field field, int flat) {
        int[] shape = field.shape();
        int[] index = new int[shape.length - 1];
        int rest = flat;
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        return index;
    }

    /** Where to look at a departure: worst and evenly spread places in turns. Where both are all 0 there is nothing to see. */
    static List<int[]> of(Field run, Field reference) {
        List<int[]> known = new ArrayList<>();
        List<Double> differences = new ArrayList<>();
        for (int[] place : all(reference, Integer.MAX_VALUE)) {
            double difference = difference(run.at(place), reference.at(place));
            if (!Double.isNaN(difference)) {
                known.add(place);
                differences.add(difference);
            }
        }
        int each = Math.min(MOST / 2, known.size());
        int[] worst = IntStream.range(0, known.size())
                .boxed()
                .sorted(Comparator.comparing(i -> -differences.get(i)))
                .limit(each)
                .mapToInt(Integer::intValue)
                .toArray();
        Set<Integer> chosen = new LinkedHashSet<>();
        for (int i = 0; i < each; i++) {
            chosen.add(worst[i]);
            chosen.add((int) ((long) i * known.size() / each));
        }
        return chosen.stream().map(known::get).toList();
    }

    /** Sum of the squared differences; NaN where there is nothing to compare. */
    private static double difference(double[] a, double[] b) {
        if (a == null || b == null) {
            return Double.NaN;
        }
        double sum = Double.NaN;
        boolean empty = true;
        for (int i = 0; i < Math.min(a.length, b.length); i++) {
            boolean compared = a[i] > Fit.MASKED && b[i] > Fit.MASKED;
            if (compared) {
                sum = (Double.isNaN(sum) ? 0 : sum) + (a[i] - b[i]) * (a[i] - b[i]);
                empty &= a[i] == 0 && b[i] == 0;
            }
        }
        return empty ? Double.NaN : sum;
    }
}
