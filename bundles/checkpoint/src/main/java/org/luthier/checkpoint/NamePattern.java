package org.luthier.checkpoint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.api.LuthierException;

/**
 * A pattern of tensor names: {@code *} stands for any text without {@code .} and {@code /}, {@code **} for any text, both also for
 * none; what they stood for is <code>{1}</code>, <code>{2}</code>, ... in the new name.
 */
public final class NamePattern {
    /** Longer names match nothing, so that a hostile name takes no time. */
    static final int LONGEST = 1024;

    private static final int MOST_WILDCARDS = 9;

    private static final Pattern WILDCARD = Pattern.compile("\\*\\*?");
    private static final Pattern REFERENCE = Pattern.compile("\\{(\\d)}");

    private final String text;
    private final List<String> literals = new ArrayList<>();
    private final List<Boolean> crossing = new ArrayList<>();
    private final int wildcards;

    /** @param text as name rules write it */
    public NamePattern(String text) {
        this.text = text;
        Matcher matcher = WILDCARD.matcher(text);
        int end = 0;
        while (matcher.find()) {
            literals.add(text.substring(end, matcher.start()));
            crossing.add(matcher.group().length() == 2);
            end = matcher.end();
        }
        literals.add(text.substring(end));
        wildcards = crossing.size();
        if (wildcards > MOST_WILDCARDS) {
            throw new LuthierException("a pattern of names may have " + MOST_WILDCARDS + " wildcards, '"
                    + Names.brief(text) + "' has " + wildcards);
        }
    }

    boolean matches(String name) {
        return ends(name) != null;
    }

    /** What the wildcards stand for in a name, or null if it does not match. */
    public List<String> captures(String name) {
        int[] ends = ends(name);
        if (ends == null) {
            return null;
        }
        List<String> captures = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < wildcards; i++) {
            at += literals.get(i).length();
            captures.add(name.substring(at, ends[i]));
            at = ends[i];
        }
        return List.copyOf(captures);
    }

    /** Where each wildcard ends, the first ones as long as they can be; null if the name does not match. */
    private int[] ends(String name) {
        int[] ends = new int[wildcards];
        boolean matches = name.length() <= LONGEST
                && name.startsWith(literals.get(0))
                && match(name, 0, literals.get(0).length(), ends, new BitSet());
        return matches ? ends : null;
    }

    /** Matches from a wildcard on; remembers where that failed, so that no name takes long. */
    private boolean match(String name, int wildcard, int at, int[] ends, BitSet failed) {
        if (wildcard == wildcards) {
            return at == name.length();
        }
        int place = wildcard * (LONGEST + 1) + at;
        if (failed.get(place)) {
            return false;
        }
        int end = at;
        while (end < name.length() && (crossing.get(wildcard) || name.charAt(end) != '.' && name.charAt(end) != '/')) {
            end++;
        }
        String literal = literals.get(wildcard + 1);
        for (; end >= at; end--) {
            if (name.startsWith(literal, end) && match(name, wildcard + 1, end + literal.length(), ends, failed)) {
                ends[wildcard] = end;
                return true;
            }
        }
        failed.set(place);
        return false;
    }

    /** The name in which the wildcards stand for these. */
    String fill(List<String> captures) {
        Iterator<String> next = captures.iterator();
        return WILDCARD.matcher(text).replaceAll(wildcard -> Matcher.quoteReplacement(next.next()));
    }

    /** A new name, which repeats captures as <code>{1}</code>, <code>{2}</code>, ... */
    public static String fill(String template, List<String> captures) {
        return REFERENCE
                .matcher(template)
                .replaceAll(
                        reference -> Matcher.quoteReplacement(captures.get(Integer.parseInt(reference.group(1)) - 1)));
    }

    /** How many wildcards there are. */
    public int wildcards() {
        return wildcards;
    }

    /** What stands before a wildcard, those before it included. */
    String prefix(int wildcard) {
        return text.substring(0, wildcardAt(wildcard).start());
    }

    /** What the wildcards stand for in names that begin as this pattern does up to its last one; without wildcards that is nothing, once. */
    Set<List<String>> layers(Collection<String> names) {
        if (wildcards == 0) {
            return Set.of(List.of());
        }
        NamePattern layer =
                new NamePattern(text.substring(0, wildcardAt(wildcards - 1).end()) + ".**");
        Set<List<String>> layers = new LinkedHashSet<>();
        for (String name : names) {
            List<String> captures = layer.captures(name);
            if (captures != null) {
                layers.add(captures.subList(0, wildcards));
            }
        }
        return layers;
    }

    private MatchResult wildcardAt(int number) {
        return WILDCARD.matcher(text).results().skip(number).findFirst().orElseThrow();
    }

    /** A pattern and a template that lead back. */
    record Inverse(NamePattern match, String to) {}

    /**
     * What leads from new names to those that this pattern fits.
     *
     * @throws IllegalArgumentException if the new name does not tell every wildcard once
     */
    Inverse inverse(String template) {
        List<String> kinds =
                WILDCARD.matcher(text).results().map(MatchResult::group).toList();
        List<Integer> numbers = REFERENCE
                .matcher(template)
                .results()
                .map(reference -> Integer.parseInt(reference.group(1)))
                .toList();
        if (numbers.size() != wildcards || numbers.stream().distinct().count() != wildcards) {
            throw new IllegalArgumentException(
                    "'" + template + "' does not tell what each wildcard of '" + text + "' stood for, once");
        }
        String match = REFERENCE
                .matcher(template)
                .replaceAll(reference -> kinds.get(Integer.parseInt(reference.group(1)) - 1));
        int[] next = {0};
        String to = WILDCARD.matcher(text).replaceAll(wildcard -> "{" + (numbers.indexOf(++next[0]) + 1) + "}");
        return new Inverse(new NamePattern(match), to);
    }

    /** Whether a template refers to this pattern's wildcards only. */
    public boolean fits(String template) {
        return REFERENCE.matcher(template).results().allMatch(reference -> {
            int number = Integer.parseInt(reference.group(1));
            return number >= 1 && number <= wildcards;
        });
    }

    @Override
    public String toString() {
        return text;
    }
}
