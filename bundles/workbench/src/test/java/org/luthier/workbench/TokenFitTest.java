package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.plugin.Part;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/** Layouts that fit, and that do not. */
class TokenFitTest {
    private static final Tokenizer MT3 = new Mt3Tokenizer();
    private static final Tokenizer PIANO = new Mt3PianoTokenizer();
    private static final Vocabulary VOCABULARY = MT3.vocabulary();
    private static final Function<Predicate<Tokenizer>, List<String>> INSTALLED =
            fits -> List.of(MT3, PIANO).stream().filter(fits).map(Part::id).toList();

    private static TokenFit model(Vocabulary vocabulary, int rows, double seconds) {
        return new TokenFit("m", new TokenLayout(vocabulary, rows, 1, 1024, seconds));
    }

    private static String refused(TokenFit model, Tokenizer tokenizer) {
        return assertThrows(LuthierException.class, () -> model.check(tokenizer, INSTALLED))
                .getMessage();
    }

    /** The ids that mean something, T5's hundred extra ones with them, and the rows of the matrix: each is right for its own thing. */
    @ParameterizedTest
    @CsvSource({"1391, ''", "1491, 1391..1490", "1536, 1391..1535"})
    void paddedRowsAreHarmlessAndRemarked(int rows, String padding) {
        TokenFit model = model(VOCABULARY, rows, 2.048);
        model.check(MT3, INSTALLED);
        assertEquals(
                padding.isEmpty()
                        ? List.of()
                        : List.of("the output matrix of model m has " + rows
                                + " rows and tokenizer mt3 1391 ids: the rows " + padding
                                + " are padding, which is harmless, since the ids before them mean the same to both"),
                model.remarks(MT3));
    }

    @Test
    void tooFewRowsAreRefused() {
        String message = refused(model(VOCABULARY, 1388, 2.048), MT3);
        assertTrue(
                message.startsWith(
                        "tokenizer mt3 does not fit model m: rows: expected at least 1391, one for each id of the"
                                + " tokenizer, got 1388. The model has "),
                message);
        assertTrue(
                message.endsWith(". No tokenizer that is installed fits: install a plug-in that has one of task mt3"),
                message);
    }

    @Test
    void bothLayoutsAreShown() {
        assertEquals(
                "tokenizer mt3-piano does not fit model m: task: expected mt3, got mt3-piano; ids from 1134 on: expected velocity"
                        + " 0..1 = 1132..1133, got velocity 0..127 = 1132..1259; length of a segment: expected 2.048 s, got"
                        + " 4.096 s. The model has special 0..2 = 0..2, shift 0..1000 = 3..1003, pitch 0..127 = 1004..1131,"
                        + " velocity 0..1 = 1132..1133, tie 0 = 1134, program 0..127 = 1135..1262, drum 0..127 = 1263..1390,"
                        + " pad 0, end 1, 1536 rows, 2.048 s; the tokenizer has special 0..2 = 0..2, shift 0..1000 ="
                        + " 3..1003, pitch 0..127 = 1004..1131, velocity 0..127 = 1132..1259, reserved 0 = 1260, program"
                        + " 0..127 = 1261..1388, drum 0..127 = 1389..1516, pad 0, end 1, 4.096 s. Use --tokenizer mt3",
                refused(model(VOCABULARY, 1536, 2.048), PIANO));
        String message = refused(model(PIANO.vocabulary(), 1664, 4.096), MT3);
        assertTrue(message.endsWith(". Use --tokenizer mt3-piano"), message);
    }

    /** A checkpoint whose ids begin one later: the sizes agree, every note would be wrong. */
    @Test
    void aShiftedLayoutIsRefused() {
        List<Range> shifted = new ArrayList<>();
        shifted.add(new Range("special", 0, 4, 0));
        VOCABULARY.ranges().stream()
                .skip(1)
                .forEach(range ->
                        shifted.add(new Range(range.type(), range.firstId() + 1, range.count(), range.firstValue())));
        String message = refused(model(new Vocabulary("mt3", 1392, 0, 1, shifted), 1536, 2.048), MT3);
        assertTrue(
                message.startsWith(
                        "tokenizer mt3 does not fit model m: ids from 3 on: expected special 0..3 = 0..3, got special"
                                + " 0..2 = 0..2. The model has "),
                message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            task    | task: expected mt4, got mt3. The
            pad     | pad id: expected 2, got 0. The
            end     | end id: expected 2, got 1. The
            value   | ids from 1004 on: expected pitch 21..148 = 1004..1131, got pitch 0..127 = 1004..1131. The
            type    | ids from 1134 on: expected reserved 0 = 1134, got tie 0 = 1134. The
            fewer   | ids from 1263 on: expected nothing, got drum 0..127 = 1263..1390. The
            more    | ids from 1391 on: expected lyric 0..9 = 1391..1400, got nothing. The
            seconds | length of a segment: expected 4.096 s, got 2.048 s. The
            """)
    void whatDiffersIsRefused(String what, String message) {
        List<Range> ranges = new ArrayList<>(VOCABULARY.ranges());
        switch (what) {
            case "value" -> ranges.set(2, new Range("pitch", 1004, 128, 21));
            case "type" -> ranges.set(4, new Range("reserved", 1134, 1, 0));
            case "fewer" -> ranges.remove(6);
            case "more" -> ranges.add(new Range("lyric", 1391, 10, 0));
            default -> {}
        }
        Vocabulary vocabulary = new Vocabulary(
                what.equals("task") ? "mt4" : "mt3",
                VOCABULARY.size(),
                what.equals("pad") ? 2 : 0,
                what.equals("end") ? 2 : 1,
                ranges);
        String refused = refused(model(vocabulary, 1536, what.equals("seconds") ? 4.096 : 2.048), MT3);
        assertTrue(refused.startsWith("tokenizer mt3 does not fit model m: " + message), refused);
        assertEquals(1, refused.lines().count());
    }

    /** Its segments are a sample longer. */
    @Test
    void theLengthOfASegmentIsThatOfTheSamples() {
        Tokenizer longer = new Tokenizer() {
            @Override
            public String id() {
                return "longer";
            }

            @Override
            public String description() {
                return "MT3 with a sample more";
            }

            @Override
            public Vocabulary vocabulary() {
                return VOCABULARY;
            }

            @Override
            public int stepsPerSecond() {
                return 100;
            }

            @Override
            public double segmentSeconds() {
                return 32769 / 16000.0;
            }

            @Override
            public List<Event> events(IntList ids) {
                throw new UnsupportedOperationException();
            }

            @Override
            public IntList ids(List<Event> events) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Grammar grammar() {
                throw new UnsupportedOperationException();
            }
        };
        assertTrue(refused(model(VOCABULARY, 1536, 2.048), longer).endsWith("Use --tokenizer mt3"));
    }
}
