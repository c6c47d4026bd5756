package org.luthier.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import org.luthier.files.text.Distance;

/** Names of tensors: the nearest one for an error, and which are text at all. */
final class Names {
    /** A hostile file has any number of names of any length. */
    private static final int LONGEST_COMPARED = 256;

    private static final int MOST_COMPARED = 10_000;
    private static final int LONGEST_SHOWN = 100;

    private Names() {}

    /** {@code "; the nearest name is 'x'"}, or nothing if there is none. */
    static String nearest(String name, Collection<String> names) {
        String best = null;
        int bestDistance = Integer.MAX_VALUE;
        for (String candidate : (Iterable<String>) names.stream().limit(MOST_COMPARED)::iterator) {
            int distance = distance(name, candidate);
            if (distance < bestDistance) {
                best = candidate;
                bestDistance = distance;
            }
        }
        return best == null ? "" : "; the nearest name is '" + best + "'";
    }

    /** Whether a name can be written as UTF-8: it has no half of a surrogate pair. */
    static boolean isText(String name) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(name);
    }

    /** Whether a name is good for a tensor and for a terminal: not empty, not longer than patterns match, no control characters. */
    static boolean isUsable(String name) {
        return !name.isEmpty()
                && name.length() <= NamePattern.LONGEST
                && name.chars().noneMatch(Character::isISOControl);
    }

    /** A value of a file as an error may show it: not long, and on one line. */
    static String brief(Object value) {
        return brief(value, LONGEST_SHOWN);
    }

    /** The same, with so many characters of it. */
    static String brief(Object value, int longest) {
        String text = String.valueOf(value);
        String shown = text.length() <= longest ? text : text.substring(0, longest) + "...";
        return shown.replaceAll("\\p{Cc}", "?");
    }

    private static int distance(String a, String b) {
        return a.length() > LONGEST_COMPARED || b.length() > LONGEST_COMPARED ? Integer.MAX_VALUE : Distance.of(a, b);
    }
}
