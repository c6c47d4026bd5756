package org.luthier.tokenizer.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary.Range;

/** What may come next, rule by rule. */
class SegmentGrammarTest {
    private final Tokenizer mt3 = new Mt3Tokenizer();
    private final Tokenizer piano = new Mt3PianoTokenizer();

    private static Grammar after(Tokenizer tokenizer, String says) {
        Grammar grammar = tokenizer.grammar();
        for (String word : says.split(", ")) {
            if (!word.isEmpty()) {
                String[] parts = word.split(" ");
                int value = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
                grammar.advance(
                        parts[0].equals("end")
                                ? 1
                                : tokenizer
                                        .ids(List.of(new Event(parts[0], value)))
                                        .get(0));
            }
        }
        return grammar;
    }

    /** What is allowed: for every kind its values, as ranges. */
    private static String allowed(Tokenizer tokenizer, Grammar grammar) {
        TreeSet<String> kinds = new TreeSet<>();
        BitSet allowed = grammar.allowed();
        for (Range range : tokenizer.vocabulary().ranges()) {
            StringBuilder values = new StringBuilder();
            int end = range.firstId() + range.count();
            int id = allowed.nextSetBit(range.firstId());
            while (id >= 0 && id < end) {
                int stop = Math.min(end, allowed.nextClearBit(id));
                int first = id - range.firstId();
                int last = stop - 1 - range.firstId();
                values.append(' ').append(first == last ? "" + first : first + "-" + last);
                id = allowed.nextSetBit(stop);
            }
            if (!values.isEmpty()) {
                kinds.add(
                        range.type().equals("special")
                                ? "end"
                                : range.type().equals("tie") ? "tie" : range.type() + values);
            }
        }
        assertFalse(allowed.get(0), "padding");
        return String.join(", ", kinds);
    }

    private String mt3(String says) {
        return allowed(mt3, after(mt3, says));
    }

    private String piano(String says) {
        return allowed(piano, after(piano, says));
    }

    @Test
    void tiesGoUp() {
        assertEquals("program 0-127, tie", mt3(""));
        assertEquals("pitch 0-127", mt3("program 5"));
        assertEquals("pitch 61-127, program 6-127, tie", mt3("program 5, pitch 60"));
        assertEquals("tie", mt3("program 127, pitch 127"));
    }

    @Test
    void theFirstEventSaysItsProgramAndVelocity() {
        assertEquals("end, program 0-127, shift 1-204, velocity 1", mt3("tie"));
        assertEquals("velocity 1", mt3("tie, program 5"));
        assertEquals("pitch 0-127", mt3("tie, program 5, velocity 1"));
        assertEquals("drum 0-127", mt3("tie, velocity 1"));
    }

    @Test
    void shiftsGoUpAndAreFollowedByAnEvent() {
        assertEquals("program 0-127, velocity 1", mt3("tie, shift 7"));
        assertEquals("drum 0-127, end, program 0-127, shift 8-204", mt3("tie, shift 7, velocity 1, drum 36"));
        assertEquals("drum 0-127, end, program 0-127", mt3("tie, shift 204, velocity 1, drum 36"));
    }

    @Test
    void whatEndsMustSound() {
        String one = "tie, program 5, velocity 1, pitch 60";
        assertEquals(
                "drum 0-127, end, pitch 0-59 61-127, program 0-4 6-127, shift 1-204, velocity 0",
                mt3(one),
                "not again in this step; its end may come");
        assertEquals("pitch 60", mt3(one + ", velocity 0"));
        assertEquals(
                "end, program 0-4 6-127, shift 1-204, velocity 1", mt3(one + ", velocity 0, pitch 60"), "all is quiet");
        assertEquals("pitch 0-127", mt3(one + ", velocity 0, pitch 60, program 9, velocity 1"));
        assertEquals("pitch 0-59 61-127, velocity 0", mt3(one + ", program 9, pitch 50, program 5"));
        assertEquals("drum 0-127, pitch 0-127, program 0-4 6-127, velocity 0", mt3(one + ", shift 3"));
    }

    @Test
    void tiedNotesSound() {
        assertEquals("pitch 60 62", mt3("program 5, pitch 60, pitch 62, tie, velocity 0"));
        assertEquals("end, program 0-4 6-127, shift 1-204, velocity 0-1", mt3("program 5, pitch 60, tie"));
    }

    @Test
    void thePianoEndsWhatItMayHaveStartedBefore() {
        assertEquals("end, program 0-127, shift 1-409, velocity 0-127", piano(""));
        assertEquals("pitch 0-127", piano("shift 5, velocity 0"));
        assertEquals(
                "end, pitch 0-59 61-127, program 0-127, shift 6-409, velocity 1-127",
                piano("shift 5, velocity 0, pitch 60"),
                "once");
        assertEquals("pitch 0-127", piano("program 0, velocity 64"));
        assertEquals("drum 0-127, pitch 0-127", piano("velocity 64"));
    }

    @Test
    void afterTheEndThereIsOnlyTheEnd() {
        assertEquals("end", mt3("tie, end"));
        assertEquals("end", mt3("tie, end, program 5"));
    }

    @Test
    void aCopyGoesItsOwnWay() {
        Grammar one = after(mt3, "tie, program 5, velocity 1, pitch 60");
        Grammar other = one.copy();
        String before = allowed(mt3, one);
        other.advance(mt3.ids(List.of(new Event("velocity", 0))).get(0));
        assertEquals(before, allowed(mt3, one));
        assertEquals("pitch 60", allowed(mt3, other));
        one.advance(mt3.ids(List.of(new Event("shift", 9))).get(0));
        assertEquals("pitch 60", allowed(mt3, other));
    }

    /** Decoders need not keep to it: after whatever ids, with or without meaning, something is allowed, and never an id without meaning. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void somethingIsAlwaysAllowed(int seed) {
        for (Tokenizer tokenizer : List.of(mt3, piano)) {
            int size = tokenizer.vocabulary().size();
            int reserved = tokenizer == piano ? 1260 : 0;
            Random random = new Random(seed);
            Grammar grammar = tokenizer.grammar();
            for (int i = 0; i < 20_000; i++) {
                BitSet allowed = grammar.allowed();
                assertFalse(allowed.isEmpty());
                assertFalse(allowed.get(0) || allowed.get(2) || allowed.get(reserved) || allowed.length() > size);
                int id = random.nextInt(3) > 0
                        ? allowed.nextSetBit(random.nextInt(allowed.length()))
                        : random.nextInt(1700) - 3;
                if (id != 1) {
                    grammar.advance(id);
                }
            }
        }
    }

    /** All 128 pitches struck at once: another may start in the next step only, or end. */
    @Test
    void allPitchesAtOnce() {
        Grammar grammar = after(mt3, "tie, program 5, velocity 1");
        IntStream.range(0, 128).forEach(pitch -> grammar.advance(1004 + pitch));
        assertEquals("drum 0-127, end, program 0-4 6-127, shift 1-204, velocity 0", allowed(mt3, grammar));
        grammar.advance(1135 + 6);
        assertEquals("pitch 0-127", allowed(mt3, grammar));
        grammar.advance(1004);
        grammar.advance(1135 + 5);
        assertEquals("velocity 0", allowed(mt3, grammar));
    }

    @Test
    void idsWithoutMeaningChangeNothing() {
        for (int id :
                IntLists.immutable.of(0, 2, 1391, 1535, -5, Integer.MAX_VALUE).toArray()) {
            Grammar grammar = after(mt3, "tie, shift 4, program 5");
            String before = allowed(mt3, grammar);
            grammar.advance(id);
            assertEquals(before, allowed(mt3, grammar), "after " + id);
        }
    }
}
