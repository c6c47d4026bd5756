package org.luthier.tokenizer.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.eclipse.collections.impl.list.primitive.IntInterval;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/** Ids and events. */
class VocabularyTest {
    private final Tokenizer single = new Tasks.Mt3FullPlus();
    private final Tokenizer inParts = new Tasks.SingingDrumV1();

    static Stream<NoteTokenizer> tokenizers() {
        return Tasks.all().stream();
    }

    @Test
    void withoutTaskIds() {
        assertEquals(
                new Vocabulary(
                        "mt3_full_plus",
                        596,
                        0,
                        1,
                        List.of(
                                new Range("special", 0, 3, 0),
                                new Range("shift", 3, 206, 0),
                                new Range("pitch", 209, 128, 0),
                                new Range("velocity", 337, 2, 0),
                                new Range("tie", 339, 1, 0),
                                new Range("program", 340, 128, 0),
                                new Range("drum", 468, 128, 0))),
                single.vocabulary());
        assertEquals("mt3_full_plus", single.id());
        assertEquals(2.0479375, single.segmentSeconds());
        assertEquals(100, single.stepsPerSecond());
        assertEquals(2.0479375, single.segmentStart(2.0479375), "to the sample");
    }

    @Test
    void taskIdsComeBeforeTheShifts() {
        Vocabulary vocabulary = inParts.vocabulary();
        assertEquals(600, vocabulary.size());
        assertEquals(new Range("task", 3, 4, 0), vocabulary.ranges().get(1));
        assertEquals(new Range("shift", 7, 206, 0), vocabulary.ranges().get(2));
        assertEquals(new Range("drum", 472, 128, 0), vocabulary.ranges().get(7));
    }

    @ParameterizedTest
    @MethodSource("tokenizers")
    void everyIdIsAnEventAndBack(NoteTokenizer tokenizer) {
        IntList all = IntInterval.zeroTo(tokenizer.vocabulary().size() - 1);
        List<Event> events = tokenizer.events(all);
        assertEquals(all, tokenizer.ids(events));
        assertEquals(all.size(), events.stream().distinct().count());
        assertTrue(events.stream().noneMatch(event -> event.type().equals("invalid")));
    }

    /** The scan for ties does not stop at an end token, so what stands behind it must be seen. */
    @Test
    void theEndTokenIsAnEventAndNotTheLast() {
        assertEquals(
                List.of(new Event("special", 1), new Event("special", 0), new Event("tie", 0), new Event("drum", 36)),
                single.events(IntLists.immutable.of(1, 0, 339, 504)));
    }

    @Test
    void anIdOutOfRangeMeansNothing() {
        for (int id : new int[] {-1, 596, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            assertEquals(List.of(new Event("invalid", id)), single.events(IntLists.immutable.of(id)));
        }
    }

    @Test
    void anEventWithoutAnIdIsRefused() {
        for (Event event : List.of(
                new Event("shift", 206),
                new Event("shift", -1),
                new Event("velocity", 2),
                new Event("task", 0),
                new Event("invalid", 596))) {
            String message = assertThrows(LuthierException.class, () -> single.ids(List.of(event)))
                    .getMessage();
            assertEquals(
                    "tokenizer mt3_full_plus has no id for the event " + event.type() + " " + event.value()
                            + "; it has special 0..2, shift 0..205, pitch 0..127, velocity 0..1, tie 0..0,"
                            + " program 0..127, drum 0..127",
                    message);
        }
    }
}
