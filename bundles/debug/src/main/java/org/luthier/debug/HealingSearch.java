package org.luthier.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Looks for few tensors whose replacement heals an output, by halving.
 *
 * <p>The candidates stand in a row. As many as possible of the first are left out while the rest still heals; the next one is needed then
 * and is kept, and the search goes on behind it, until what is kept heals by itself. Of m candidates, k are found in at most (k + 1)
 * log2(m + 1) runs, rounded up. More replacements must not heal less; then no member of what is found can be left out.
 */
final class HealingSearch {
    private final List<String> candidates;
    private final Predicate<List<String>> heals;

    /**
     * Prepares a search.
     *
     * @param candidates which heal if all are replaced, and do not if none is; those to be left out rather come first
     * @param heals whether some of them heal; a run of the model
     */
    HealingSearch(List<String> candidates, Predicate<List<String>> heals) {
        this.candidates = candidates;
        this.heals = heals;
    }

    /** The set, in the order of the candidates. */
    List<String> run() {
        List<String> kept = new ArrayList<>();
        int from = 0;
        while (true) {
            int first = lastThatHeals(kept, from);
            if (first == candidates.size()) {
                return kept;
            }
            kept.add(candidates.get(first));
            from = first + 1;
        }
    }

    /** The last place such that what is kept heals together with the candidates from there on. */
    private int lastThatHeals(List<String> kept, int from) {
        int low = from;
        // That nothing at all does not heal is known.
        int high = kept.isEmpty() ? candidates.size() - 1 : candidates.size();
        while (low < high) {
            int middle = (low + high + 1) / 2;
            List<String> some = new ArrayList<>(kept);
            some.addAll(candidates.subList(middle, candidates.size()));
            if (heals.test(some)) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
