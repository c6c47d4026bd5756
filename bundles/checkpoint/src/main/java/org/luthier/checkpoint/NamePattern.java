package org.luthier.checkpoint;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    /** Whether it is one name, without wildcards. */
    boolean isExact() {
        return wildcards == 0;
    }

    boolean matches(String name) {
        return name.length() <= LONGEST && regex.matcher(name).matches();
    }

    /** The new name of a matching name. */
    String rename(String name, String template) {
        Matcher found = regex.matcher(name);
        if (!found.matches()) {
            throw new IllegalStateException("'" + name + "' does not match '" + text + "'");
        }
        return REFERENCE
                .matcher(template)
                .replaceAll(reference -> Matcher.quoteReplacement(found.group(Integer.parseInt(reference.group(1)))));
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
