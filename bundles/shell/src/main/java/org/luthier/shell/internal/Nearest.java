package org.luthier.shell.internal;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

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
        int fewest = known.stream().mapToInt(each -> changes(each, word)).min().orElse(0);
        return known.stream()
                .filter(each -> fewest <= MOST_CHANGES && changes(each, word) == fewest
                        || each.endsWith(":" + word)
                        || each.startsWith(word + ":"))
                .sorted(Comparator.comparingInt((String each) -> changes(each, word))
                        .thenComparing(each -> each))
                .toList();
    }

    /** How many letters must be put in, taken out or changed to make one word of another (Levenshtein's distance). */
    private static int changes(String a, String b) {
        int[] row = new int[b.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
