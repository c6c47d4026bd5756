package org.luthier.shell;

import java.util.Map;
import java.util.regex.Pattern;

/** Colours the verdicts in a table of tensors, and the causes below it. */
final class VerdictColours {
    private static final Pattern VERDICT = Pattern.compile("(?m)(?<=  )(departed|inherited|same)(?= at |$)");
    private static final Pattern CAUSE = Pattern.compile("(?m)^(likely cause:|first departure:)");
    private static final String BOLD = "\u001b[1m";
    private static final String PLAIN = "\u001b[0m";
    private static final Map<String, String> COLOURS = Map.of(
            "departed", "\u001b[31m",
            "inherited", "\u001b[33m",
            "same", "\u001b[32m");

    private VerdictColours() {}

    static String paint(String table) {
        String verdicts =
                VERDICT.matcher(table).replaceAll(verdict -> COLOURS.get(verdict.group(1)) + verdict.group(1) + PLAIN);
        return CAUSE.matcher(verdicts).replaceAll(cause -> BOLD + cause.group(1) + PLAIN);
    }
}
