package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What an examination has found so far. */
final class Notebook {
    /** Names told of one finding; the commands show the others. */
    private static final int NAMED = 4;

    private static final Pattern PLAIN = Pattern.compile("[\\w./:=@%+,-]+");

    private final Set<Stage> examined = EnumSet.noneOf(Stage.class);
    private final List<Finding> findings = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    /** Begins with a stage. */
    void examine(Stage stage) {
        examined.add(stage);
    }

    void find(Stage stage, String what, String cause, String evidence, String next) {
        examine(stage);
        findings.add(new Finding(stage, what, cause, evidence, next));
    }

    void remark(String line) {
        remarks.add(line);
    }

    /** Whether something is wrong at a stage. */
    boolean has(Stage stage) {
        return findings.stream().anyMatch(finding -> finding.stage() == stage);
    }

    boolean isEmpty() {
        return findings.isEmpty();
    }

    Diagnosis diagnosis(String subject) {
        return new Diagnosis(
                subject,
                List.copyOf(examined),
                findings.stream().sorted(Comparator.comparing(Finding::stage)).toList(),
                List.copyOf(remarks));
    }

    /** A command as it is typed into a shell. */
    static String command(Object... words) {
        return Stream.concat(Stream.of("luthier"), Stream.of(words).map(Notebook::quoted))
                .collect(Collectors.joining(" "));
    }

    private static String quoted(Object word) {
        String text = word.toString();
        return PLAIN.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    /** Shows the values of some tensors of a file. */
    static String inspect(Path checkpoint, String names) {
        return command("checkpoint:inspect", checkpoint, "--names", names, "--statistics");
    }

    /** The first of some names. */
    static String some(List<String> names) {
        return names.stream().limit(NAMED).collect(Collectors.joining(", "))
                + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "");
    }

    /** {@code 1 weight}, {@code 2 weights}. */
    static String count(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
