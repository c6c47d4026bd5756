package org.luthier.debug;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A choice of canonical names: {@code *} stands for any characters (dots too), {@code ?} for one, and a comma separates alternatives, as
 * in {@code "frontend.*,contour?"}.
 */
public final class NameGlob {
    /** Every name. */
    public static final NameGlob ALL = of("*");

    private final String text;
    private final Pattern pattern;

    private NameGlob(String text, Pattern pattern) {
        this.text = text;
        this.pattern = pattern;
    }

    /** Reads a choice as a user writes it. */
    public static NameGlob of(String text) {
        String expression = Stream.of(text.split(","))
                .map(String::strip)
                .map(NameGlob::expression)
                .collect(Collectors.joining("|"));
        return new NameGlob(text, Pattern.compile(expression));
    }

    /** A single pattern, in which commas and blanks stand for themselves: names of files from elsewhere may have them. */
    public static NameGlob one(String text) {
        return new NameGlob(text, Pattern.compile(expression(text)));
    }

    private static String expression(String glob) {
        return glob.codePoints()
                .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
                .collect(Collectors.joining());
    }

    /** Whether a name is chosen. */
    public boolean matches(String name) {
        return pattern.matcher(name).matches();
    }

    /** Whether any of the names is chosen. */
    public boolean matchesAny(List<String> names) {
        return names.stream().anyMatch(this::matches);
    }

    @Override
    public String toString() {
        return text;
    }
}
