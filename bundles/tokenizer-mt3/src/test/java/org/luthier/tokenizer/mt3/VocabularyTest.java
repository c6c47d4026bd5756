package org.luthier.tokenizer.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.luthier.api.LuthierException;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/** The ids of both vocabularies, as the reference counts them. */
class VocabularyTest {
    private final Tokenizer mt3 = new Mt3Tokenizer();
    private final Tokenizer piano = new Mt3PianoTokenizer();

    @Test
    void manyInstruments() {
        assertEquals(
                new Vocabulary(
                        "mt3",
                        1391,
                        0,
                        1,
                        List.of(
                                new Range("special", 0, 3, 0),
                                new Range("shift", 3, 1001, 0),
                                new Range("pitch", 1004, 128, 0),
                                new Range("velocity", 1132, 2, 0),
                                new Range("tie", 1134, 1, 0),
                                new Range("program", 1135, 128, 0),
                                new Range("drum", 1263, 128, 0))),
                mt3.vocabulary());
        assertEquals("mt3", mt3.id());
        assertEquals(2.048, mt3.segmentSeconds());
        assertEquals(100, mt3.stepsPerSecond());
        assertEquals(2.04, mt3.segmentStart(2.048));
        assertEquals(30.71, mt3.segmentStart(30.72), "one step early, as the reference has it");
    }

    @Test
    void onePiano() {
        assertEquals(
                new Vocabulary(
                        "mt3-piano",
                        1517,
                        0,
                        1,
                        List.of(
                                new Range("special", 0, 3, 0),
                                new Range("shift", 3, 1001, 0),
                                new Range("pitch", 1004, 128, 0),
                                new Range("velocity", 1132, 128, 0),
                                new Range("reserved", 1260, 1, 0),
                                new Range("program", 1261, 128, 0),
                                new Range("drum", 1389, 128, 0))),
                piano.vocabulary());
        assertEquals("mt3-piano", piano.id());
        assertEquals(4.096, piano.segmentSeconds());
    }

    /** The token that ports are said to repeat for ever is "note on". */
    @Test
    void namesWhatIdsMean() {
        assertEquals(
                List.of(
                        new Event("special", 0),
                        new Event("special", 2),
                        new Event("shift", 0),
                        new Event("shift", 1000),
                        new Event("pitch", 0),
                        new Event("pitch", 127),
                        new Event("velocity", 0),
                        new Event("velocity", 1),
                        new Event("tie", 0),
                        new Event("program", 0),
                        new Event("program", 127),
                        new Event("drum", 0),
                        new Event("drum", 127)),
                mt3.events(IntLists.immutable.of(
                        0, 2, 3, 1003, 1004, 1131, 1132, 1133, 1134, 1135, 1262, 1263, 1390, 1, 1133)));
    }

    @Test
    void everyIdThatMeansSomethingComesBack() {
        for (Tokenizer tokenizer : List.of(mt3, piano)) {
            for (int id = 0; id < tokenizer.vocabulary().size(); id++) {
                if (id != 1 && !(tokenizer == piano && id == 1260)) {
                    List<Event> events = tokenizer.events(IntLists.immutable.of(id));
                    assertEquals(IntLists.immutable.of(id), tokenizer.ids(events));
                }
            }
        }
        assertEquals(IntLists.immutable.of(1), mt3.ids(List.of(new Event("special", 1))));
    }

    @Test
    void idsWithoutMeaningAreInvalidAndKeepTheirPlace() {
        assertEquals(
                List.of(
                        new Event("pitch", 56),
                        new Event("invalid", 1391),
                        new Event("invalid", 1535),
                        new Event("invalid", -1),
                        new Event("invalid", Integer.MAX_VALUE),
                        new Event("invalid", Integer.MIN_VALUE)),
                mt3.events(IntLists.immutable.of(1060, 1391, 1535, -1, Integer.MAX_VALUE, Integer.MIN_VALUE)));
        assertEquals(
                List.of(new Event("invalid", 1260), new Event("velocity", 127), new Event("invalid", 1517)),
                piano.events(IntLists.immutable.of(1260, 1259, 1517)));
    }

    @Test
    void eventsEndAtTheFirstEndToken() {
        assertEquals(List.of(), mt3.events(IntLists.immutable.of(1)));
        assertEquals(List.of(), mt3.events(IntLists.immutable.empty()));
        assertEquals(List.of(new Event("tie", 0)), mt3.events(IntLists.immutable.of(1134, 1, 1060, 1)));
    }

    @Test
    void refusesEventsThatHaveNoId() {
        for (Event event : List.of(
                new Event("velocity", 2),
                new Event("shift", 1001),
                new Event("pitch", -1),
                new Event("invalid", 1391),
                new Event("breath", 0))) {
            String message = assertThrows(LuthierException.class, () -> mt3.ids(List.of(event)))
                    .getMessage();
            assertTrue(message.contains(event.type() + " " + event.value()), message);
            assertTrue(message.contains("velocity 0..1"), message);
        }
        assertThrows(LuthierException.class, () -> piano.ids(List.of(new Event("tie", 0))));
        assertThrows(LuthierException.class, () -> piano.ids(List.of(new Event("reserved", 0))));
    }
}
