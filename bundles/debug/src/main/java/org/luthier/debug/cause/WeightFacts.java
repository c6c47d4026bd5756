package org.luthier.debug.cause;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.luthier.api.model.Computation;

/** What a weight itself shows where nothing can be undone, as what it should be is lost: looked at where no change explains a departure. */
final class WeightFacts {
    private static final double LARGEST_OF_EIGHT_BITS = 0.1;
    private static final int EIGHT_BITS = 256;
    private static final int LEAST_NUMBERS = 1000;

    private final List<Computation> all;
    private final WeightSource weights;

    WeightFacts(List<Computation> all, WeightSource weights) {
        this.all = all;
        this.weights = weights;
    }

    /**
     * A fault that the weight of a projection shows, or null.
     *
     * @param error of the departing tensor
     */
    Cause cause(Computation computation, double error) {
        String name = computation == null ? null : computation.weights().get("weight");
        WeightSource.Weight weight = name == null ? null : weights.weight(name);
        if (weight == null || weight.shape().size() < 2) {
            return null;
        }
        float[] values = weight.values();
        if (weight.shape().size() == 2) {
            Task task = new Task(computation, List.of(), weights, all);
            int head = missingHead(values, weight.shape().get(0), weight.shape().get(1), task.inputHeads());
            if (head >= 0) {
                return fact(
                        "a head missing: the rows of head " + head + " in " + name + " are all zero",
                        computation,
                        error,
                        "look at the number of heads that whatever made this checkpoint had");
            }
            String table = tied(values, weight.shape());
            if (table != null) {
                return fact(
                        "tied output: " + name + " holds the numbers of " + table,
                        computation,
                        error,
                        "give the output its own matrix: is \"tie_word_embeddings\" set, or does its name fall to "
                                + table + "?");
            }
        }
        return error < LARGEST_OF_EIGHT_BITS && isInEightBits(values)
                ? fact(
                        Rounded.CAUSE + ": " + name + " holds no more than " + EIGHT_BITS + " different numbers",
                        computation,
                        error,
                        Rounded.ADVICE)
                : null;
    }

    private static Cause fact(String cause, Computation computation, double error, String advice) {
        return new Cause(cause, computation.output(), error, error, advice);
    }

    private static int missingHead(float[] w, int rows, int columns, int heads) {
        int size = heads < 2 ? 0 : rows / heads * columns;
        for (int head = 0; head < heads && size > 0; head++) {
            boolean empty = true;
            for (int i = head * size; empty && i < (head + 1) * size; i++) {
                empty = w[i] == 0;
            }
            if (empty) {
                return head;
            }
        }
        return -1;
    }

    /** Name of a table that the matrix is, turned. */
    private String tied(float[] w, List<Integer> shape) {
        for (Computation other : all) {
            String table = other.weights().get("table");
            WeightSource.Weight weight = table == null ? null : weights.weight(table);
            if (weight != null
                    && weight.shape().equals(List.of(shape.get(1), shape.get(0)))
                    && Arrays.equals(Matrices.transposed(w, shape.get(0), shape.get(1)), weight.values())) {
                return table;
            }
        }
        return null;
    }

    private static boolean isInEightBits(float[] values) {
        Set<Float> different = new HashSet<>();
        for (float value : values) {
            different.add(value);
            if (different.size() > EIGHT_BITS) {
                return false;
            }
        }
        return values.length >= LEAST_NUMBERS;
    }
}
