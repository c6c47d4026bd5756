package org.luthier.workbench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/**
 * Whether a tokenizer reads the ids of a model as the model was trained on them. Rows of the output matrix beyond the vocabulary are
 * harmless; anything else that differs would make wrong notes, or none, without a word.
 */
final class TokenFit {
    /** Of the length of a segment: far below a sample, far above rounding. */
    private static final double SAME_SECONDS = 1e-9;

    private final String model;
    private final TokenLayout layout;

    /** @param model id of the model */
    TokenFit(String model, TokenLayout layout) {
        this.model = model;
        this.layout = layout;
    }

    /**
     * Refuses a tokenizer that does not fit.
     *
     * @param tokenizers the ids of those tokenizers that there are and pass a test
     * @throws LuthierException with what differs, both layouts, and which tokenizers would fit
     */
    void check(Tokenizer tokenizer, Function<Predicate<Tokenizer>, List<String>> tokenizers) {
        List<String> differences = differences(tokenizer);
        if (differences.isEmpty()) {
            return;
        }
        List<String> fitting = tokenizers.apply(other -> differences(other).isEmpty());
        throw new LuthierException("tokenizer " + tokenizer.id() + " does not fit model " + model + ": "
                + String.join("; ", differences) + ". The model has " + describe(layout.vocabulary()) + ", "
                + layout.outputRows() + " rows, " + seconds(layout.segmentSeconds()) + "; the tokenizer has "
                + describe(tokenizer.vocabulary()) + ", " + seconds(tokenizer.segmentSeconds()) + ". "
                + (fitting.isEmpty()
                        ? "No tokenizer that is installed fits: install a plug-in that has one of task "
                                + layout.vocabulary().task()
                        : "Use --tokenizer " + String.join(" or ", fitting)));
    }

    /** What is worth knowing of a tokenizer that fits. */
    List<String> remarks(Tokenizer tokenizer) {
        int size = tokenizer.vocabulary().size();
        int padded = layout.outputRows() - size;
        if (padded == 0) {
            return List.of();
        }
        return List.of("the output matrix of model " + model + " has " + layout.outputRows() + " rows and tokenizer "
                + tokenizer.id() + " " + size + " ids: the rows " + size + ".." + (layout.outputRows() - 1)
                + " are padding, which is harmless, since the ids before them mean the same to both");
    }

    /** Each a clause with what was expected and what was found. */
    private List<String> differences(Tokenizer tokenizer) {
        Vocabulary expected = layout.vocabulary();
        Vocabulary actual = tokenizer.vocabulary();
        List<String> differences = new ArrayList<>();
        compare(differences, "task", expected.task(), actual.task());
        compare(differences, "pad id", expected.pad(), actual.pad());
        compare(differences, "end id", expected.end(), actual.end());
        for (int i = 0; i < Math.max(expected.ranges().size(), actual.ranges().size()); i++) {
            Range ours = i < expected.ranges().size() ? expected.ranges().get(i) : null;
            Range theirs = i < actual.ranges().size() ? actual.ranges().get(i) : null;
            if (ours == null || !ours.equals(theirs)) {
                // What follows is only shifted by it.
                compare(
                        differences,
                        "ids from " + firstDifferent(ours, theirs) + " on",
                        describe(ours),
                        describe(theirs));
                break;
            }
        }
        if (layout.outputRows() < actual.size()) {
            compare(
                    differences,
                    "rows",
                    "at least " + actual.size() + ", one for each id of the tokenizer",
                    layout.outputRows());
        }
        if (Math.abs(layout.segmentSeconds() - tokenizer.segmentSeconds()) > SAME_SECONDS) {
            compare(
                    differences,
                    "length of a segment",
                    seconds(layout.segmentSeconds()),
                    seconds(tokenizer.segmentSeconds()));
        }
        return differences;
    }

    private static void compare(List<String> differences, String what, Object expected, Object actual) {
        if (!expected.equals(actual)) {
            differences.add(what + ": expected " + expected + ", got " + actual);
        }
    }

    private static int firstDifferent(Range one, Range other) {
        if (one == null || other == null) {
            return one == null ? other.firstId() : one.firstId();
        }
        boolean sameStart = one.type().equals(other.type())
                && one.firstId() == other.firstId()
                && one.firstValue() == other.firstValue();
        return sameStart
                ? one.firstId() + Math.min(one.count(), other.count())
                : Math.min(one.firstId(), other.firstId());
    }

    private static String describe(Vocabulary vocabulary) {
        return vocabulary.ranges().stream().map(TokenFit::describe).collect(Collectors.joining(", ")) + ", pad "
                + vocabulary.pad() + ", end " + vocabulary.end();
    }

    /** {@code velocity 0..1 = 1132..1133}. */
    private static String describe(Range range) {
        return range == null
                ? "nothing"
                : range.type() + " " + span(range.firstValue(), range.count()) + " = "
                        + span(range.firstId(), range.count());
    }

    private static String span(int first, int count) {
        return count == 1 ? Integer.toString(first) : first + ".." + (first + count - 1);
    }

    private static String seconds(double seconds) {
        return seconds + " s";
    }
}
