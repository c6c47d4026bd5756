package org.luthier.debug.doctor;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.workbench.TokenHealth;

/** Looks at what a token model says: tokens, grammar and notes. */
final class SpeechStage {
    private static final int FARTHEST = 128;

    /** Ids that break the grammar more often than this are not of it; shifted into place they break it a quarter as often. */
    private static final double BROKEN = 0.2;

    private static final double HEALED = 0.25;
    private static final int SHOWN = 12;

    private final Tokenizer tokenizer;
    private final String next;
    private final Notebook notes;

    SpeechStage(Tokenizer tokenizer, String next, Notebook notes) {
        this.tokenizer = tokenizer;
        this.next = next;
        this.notes = notes;
    }

    void examine(List<SegmentTokens> segments, TokenNoteAssembler assembler, AudioFacts facts, double seconds) {
        TokenNoteAssembler.Assembly assembly = assembler.begin(tokenizer, Settings.defaults(assembler));
        for (SegmentTokens segment : segments) {
            List<List<Event>> events =
                    segment.channels().stream().map(tokenizer::events).toList();
            assembly.accept(new SegmentEvents(segment.start(), events));
        }
        Assembled assembled = assembly.finish();
        for (Stage stage : List.of(Stage.TOKENS, Stage.GRAMMAR, Stage.NOTES)) {
            notes.examine(stage);
        }
        String shifted = shifted(segments);
        if (shifted != null) {
            notes.find(
                    Stage.GRAMMAR,
                    "the tokens make sense as other ids",
                    "rows of the output matrix are shifted, or the tokenizer counts its ids from elsewhere",
                    shifted,
                    next);
        }
        for (TokenHealth.Sign sign : TokenHealth.signs(tokenizer, segments, assembled, facts)) {
            if (sign.causes() == null) {
                notes.remark(sign.seen());
            } else {
                notes.find(stage(sign), sign.seen(), sign.causes(), first(segments), next);
            }
        }
        NotesStage.tooMany(assembled.notes().size(), seconds, next, notes);
    }

    private static Stage stage(TokenHealth.Sign sign) {
        return switch (sign.subject()) {
            case TOKENS -> Stage.TOKENS;
            case GRAMMAR -> Stage.GRAMMAR;
            case NOTES -> Stage.NOTES;
        };
    }

    private static String first(List<SegmentTokens> segments) {
        return "the first segment begins "
                + IntStream.of(segments.get(0).channels().get(0).toArray())
                        .limit(SHOWN)
                        .mapToObj(String::valueOf)
                        .collect(Collectors.joining(" "));
    }

    /** Where all ids moved by one number keep to the grammar and unmoved do not: what that tells; else null. */
    private String shifted(List<SegmentTokens> segments) {
        List<IntList> rows = new ArrayList<>();
        segments.forEach(segment -> rows.addAll(segment.channels()));
        double unmoved = broken(rows, 0);
        int best = 0;
        double least = unmoved;
        for (int shift = -FARTHEST; shift <= FARTHEST; shift++) {
            double share = broken(rows, shift);
            if (share < least) {
                best = shift;
                least = share;
            }
        }
        return unmoved > BROKEN && least < HEALED * unmoved
                ? Notebook.format(
                        "%.0f %% of the ids break the grammar; of the ids %+d, %.0f %%",
                        100 * unmoved, best, 100 * least)
                : null;
    }

    private double broken(List<IntList> rows, int shift) {
        long all = 0;
        long broken = 0;
        for (IntList row : rows) {
            Grammar grammar = tokenizer.grammar();
            for (int i = 0; i < row.size(); i++) {
                int id = row.get(i) + shift;
                BitSet allowed = grammar.allowed();
                all++;
                broken += id >= 0 && allowed.get(id) ? 0 : 1;
                if (id == tokenizer.vocabulary().end()) {
                    break;
                }
                grammar.advance(id);
            }
        }
        return all == 0 ? 0 : (double) broken / all;
    }
}
