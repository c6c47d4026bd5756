package org.luthier.checkpoint;

import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A pattern of tensor names: {@code *} stands for any text without {@code .} and {@code /}, {@code **} for any text, both also for
 * none; what they stood for is <code>{1}</code>, <code>{2}</code>, ... in the new name.
 */
public final class NamePattern {
    /** Longer names match nothing: wildcards on a hostile name could take for ever. */
    static final int LONGEST = 1024;

    private static final Pattern WILDCARD = Pattern.compile("\\*\\*?");
    private static final Pattern REFERENCE = Pattern.compile("\\{(\\d)}");

    private final String text;
    private final Pattern regex;
    private final int wildcards;

    /** @param text as name rules write it */
    public NamePattern(String text) {
        this.text = text;
        StringBuilder source = new StringBuilder();
        Matcher matcher = WILDCARD.matcher(text);
        int end = 0;
        int count = 0;
        while (matcher.find()) {
            source.append(Pattern.quote(text.substring(end, matcher.start())));
            source.append(matcher.group().length() == 2 ? "(.*)" : "([^./]*)");
            end = matcher.end();
            count++;
        }
        regex = Pattern.compile(
                source.append(Pattern.quote(text.substring(end))).toString(), Pattern.DOTALL);
        wildcards = count;
    }

    boolean matches(String name) {
        return name.length() <= LONGEST && regex.matcher(name).matches();
    }

    /** What the wildcards stand for in a name, or null if it does not match. */
    public List<String> captures(String name) {
        Matcher found = name.length() <= LONGEST ? regex.matcher(name) : null;
        if (found == null || !found.matches()) {
            return null;
        }
        return IntStream.rangeClosed(1, wildcards).mapToObj(found::group).toList();
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
