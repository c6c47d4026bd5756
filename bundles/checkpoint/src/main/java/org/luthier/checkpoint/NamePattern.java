package org.luthier.checkpoint;

import java.util.Iterator;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A pattern of tensor names: {@code *} stands for any text without {@code .} and {@code /}, {@code **} for any text, both also for
 * none; what they stood for is <code>{1}</code>, <code>{2}</code>, ... in the new name.
 */
final class NamePattern {
    /** Longer names match nothing: wildcards on a hostile name could take for ever. */
    static final int LONGEST = 1024;

    private static final Pattern WILDCARD = Pattern.compile("\\*\\*?");
    private static final Pattern REFERENCE = Pattern.compile("\\{(\\d)}");

    private final String text;
    private final Pattern regex;
    private final int wildcards;

    NamePattern(String text) {
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
    List<String> captures(String name) {
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

    /** A new name. */
    static String fill(String template, List<String> captures) {
        return REFERENCE
                .matcher(template)
                .replaceAll(
                        reference -> Matcher.quoteReplacement(captures.get(Integer.parseInt(reference.group(1)) - 1)));
    }

    int wildcards() {
        return wildcards;
    }

    /** What stands before the first wildcard. */
    String prefix() {
        int wildcard = text.indexOf('*');
        return wildcard < 0 ? text : text.substring(0, wildcard);
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
    boolean fits(String template) {
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
