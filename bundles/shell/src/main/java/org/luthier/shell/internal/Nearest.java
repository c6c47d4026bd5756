package org.luthier.shell.internal;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.luthier.files.text.Distance;

/** Finds what a mistyped word may have meant. */
final class Nearest {
    private static final int MOST_CHANGES = 3;

    private Nearest() {}

    /** {@code "; did you mean X or Y?"}, or nothing where no word is near. */
    static String hint(String word, Collection<String> known) {
        List<String> near = of(word, known);
        return near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
    }

    /** Words with the fewest changes first, and such that have the word before or after a colon. */
    private static List<String> of(String word, Collection<String> known) {
        int fewest =
                known.stream().mapToInt(each -> Distance.of(each, word)).min().orElse(0);
        return known.stream()
                .filter(each -> fewest <= MOST_CHANGES && Distance.of(each, word) == fewest
                        || each.endsWith(":" + word)
                        || each.startsWith(word + ":"))
                .sorted(Comparator.comparingInt((String each) -> Distance.of(each, word))
                        .thenComparing(each -> each))
                .toList();
    }
}
