package org.luthier.debug.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The results of the suite, as a part of the page that shows them. */
record ScoreTable(List<Outcome> outcomes) {
    private static final Path PAGE = Subjects.ROOT.resolve("docs/fault-suite.md");

    long located() {
        return outcomes.stream().filter(Outcome::isLocated).count();
    }

    /** Faults that have a cause that is known. */
    List<Outcome> listed() {
        return outcomes.stream()
                .filter(outcome -> outcome.fault().cause() != null)
                .toList();
    }

    long named() {
        return listed().stream().filter(outcome -> outcome.rank() == 1).count();
    }

    /** Faults of no list, for which no cause was named. */
    private long honest() {
        return outcomes.stream()
                .filter(outcome -> outcome.fault().cause() == null)
                .filter(outcome -> outcome.causes().isEmpty())
                .count();
    }

    @Override
    public String toString() {
        int unlisted = outcomes.size() - listed().size();
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%d faults: %d located (%.1f %%). %d have a cause that is known: %d named first (%.1f %%). Of the other %d, %d"
                        + " get no cause.%n%n",
                outcomes.size(),
                located(),
                100.0 * located() / outcomes.size(),
                listed().size(),
                named(),
                100.0 * named() / listed().size(),
                unlisted,
                honest()));
        text.append("| fault | what is wrong | model | located | named cause | rank |\n");
        text.append("|---|---|---|---|---|---|\n");
        for (Outcome outcome : outcomes) {
            Fault fault = outcome.fault();
            text.append("| ")
                    .append(String.join(
                            " | ",
                            fault.id(),
                            fault.what(),
                            outcome.subject().name(),
                            (outcome.isLocated() ? "" : "wrong: ") + outcome.located(),
                            outcome.named(),
                            fault.cause() == null ? "not listed" : outcome.rank() == 0 ? "none" : "" + outcome.rank()))
                    .append(" |\n");
        }
        return text.toString();
    }

    /** What the page says between the marks of a part. */
    static String onPage(String part) {
        String page = page();
        return page.substring(begin(page, part), page.indexOf(end(part)));
    }

    /** Puts this between the marks of a part. */
    void write(String part) {
        String page = page();
        try {
            Files.writeString(
                    PAGE, page.substring(0, begin(page, part)) + this + page.substring(page.indexOf(end(part))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int begin(String page, String part) {
        String mark = "<!-- begin " + part + " -->\n";
        int at = page.indexOf(mark);
        if (at < 0 || page.indexOf(end(part)) < 0) {
            throw new IllegalStateException(PAGE + " has no part '" + part + "'");
        }
        return at + mark.length();
    }

    private static String end(String part) {
        return "<!-- end " + part + " -->";
    }

    private static String page() {
        try {
            return Files.readString(PAGE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
