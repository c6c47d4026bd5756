package org.luthier.tokenizer.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary.Range;

/** What may come next, rule by rule. */
class SegmentGrammarTest {
    private final Tokenizer tokenizer = new Tasks.SingingV1();

    private Grammar after(String says) {
        Grammar grammar = tokenizer.grammar();
        for (String word : says.split(", ")) {
            if (!word.isEmpty()) {
                String[] parts = word.split(" ");
                int value = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
                Event event = word.equals("end") ? new Event("special", 1) : new Event(parts[0], value);
                grammar.advance(tokenizer.ids(List.of(event)).get(0));
            }
        }
        return grammar;
    }

    /** Kinds with the first and last value that is allowed. */
    private String allowed(Grammar grammar) {
        BitSet allowed = grammar.allowed();
        return tokenizer.vocabulary().ranges().stream()
                .filter(range -> !values(allowed, range).isEmpty())
                .map(range -> range.type() + " " + values(allowed, range).first() + ".."
                        + values(allowed, range).last() + " ("
                        + values(allowed, range).size() + ")")
                .collect(Collectors.joining(", "));
    }

    private static TreeSet<Integer> values(BitSet allowed, Range range) {
        return allowed.stream()
                .map(id -> id - range.firstId())
                .filter(value -> value >= 0 && value < range.count())
                .boxed()
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | tie 0..0 (1), program 0..127 (128)",
                "task 2, task 0 | tie 0..0 (1), program 0..127 (128)",
                "program 5 | pitch 0..127 (128)",
                "program 5, pitch 60 | pitch 61..127 (67), tie 0..0 (1), program 6..127 (122)",
                "tie | special 1..1 (1), shift 1..205 (205), velocity 1..1 (1), program 0..127 (128)",
                "tie, shift 200 | velocity 1..1 (1), program 0..127 (128)",
                "tie, program 5 | velocity 1..1 (1)",
                "program 5, pitch 60, tie, velocity 0 | pitch 60..60 (1)",
                "tie, velocity 1 | drum 0..127 (128)",
                "tie, program 5, velocity 1 | pitch 0..127 (128)",
                "tie, program 5, velocity 1, pitch 60, program 6 | pitch 0..127 (128)",
                "tie, program 5, velocity 1, pitch 60, velocity 0 | pitch 60..60 (1)",
                "tie, program 5, velocity 1, pitch 60, shift 205"
                        + " | pitch 0..127 (128), velocity 0..0 (1), program 0..127 (127), drum 0..127 (128)",
                "tie, velocity 1, drum 36, shift 205, drum 36"
                        + " | special 1..1 (1), program 0..127 (128), drum 0..127 (128)",
                "tie, end | special 1..1 (1)",
                "tie, end, program 5 | special 1..1 (1)"
            })
    void whatMayComeNext(String says, String next) {
        assertEquals(next, allowed(after(says)));
    }

    @Test
    void aCopyIsIndependent() {
        Grammar grammar = after("program 5, pitch 60, tie");
        String before = allowed(grammar);
        Grammar copy = grammar.copy();
        assertEquals(before, allowed(copy));
        copy.advance(tokenizer.ids(List.of(new Event("special", 1))).get(0));
        assertEquals(before, allowed(grammar));
    }

    /** Whatever it is given, and it may be given anything: a decoder without a grammar chooses freely. */
    @Test
    void somethingIsAlwaysAllowed() {
        Random random = new Random(7);
        for (int walk = 0; walk < 200; walk++) {
            Grammar grammar = tokenizer.grammar();
            for (int i = 0; i < 100; i++) {
                assertFalse(grammar.allowed().isEmpty());
                int id = random.nextInt(-5, tokenizer.vocabulary().size() + 5);
                if (id != tokenizer.vocabulary().end()) {
                    grammar.advance(id);
                }
                assertEquals(
                        -1, grammar.allowed().nextSetBit(tokenizer.vocabulary().size()));
                assertEquals(
                        List.of(),
                        tokenizer
                                .events(IntLists.immutable.of(
                                        grammar.allowed().stream().toArray()))
                                .stream()
                                .filter(event -> event.type().equals("invalid")
                                        || event.type().equals("task"))
                                .toList());
            }
        }
    }
}
