package org.luthier.assembler.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;
import org.luthier.tokenizer.yourmt3.Tasks;

/** Rule by rule, on streams that a reader can follow. */
class HandMadeStreamsTest {
    private final Tokenizer single = new Tasks.Mt3FullPlus();
    private final Tokenizer many = new Tasks.Mc13FullPlus256();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // One segment: what it says, the notes, faults, what was left out.
                "tie, shift 10, program 5, velocity 1, pitch 60, shift 30, velocity 0, pitch 60, end | 5:60 0.1..0.3 | 0 | 0",
                "program 5, tie, shift 10, velocity 1, pitch 60, shift 30, velocity 0, pitch 60 | 5:60 0.1..0.3 | 0 | 0",
                "tie, shift 10, drum 36, shift 20, drum 36, drum 36 | drum 36 0.1, drum 36 0.2 | 0 | 0",
                "tie, shift 10, program 5, velocity 1, pitch 60 | 5:60 0.1..0.11 | 0 | 0",
                "tie, shift 30, program 5, velocity 1, pitch 60, shift 10, pitch 62, shift 40, velocity 0, pitch 60, pitch 62"
                        + " | 5:62 0.1..0.4, 5:60 0.3..0.4 | 0 | 0",
                "tie, shift 10, program 5, velocity 1, pitch 60, shift 0, shift 30, velocity 0, pitch 60 | 5:60 0.1..0.3 | 1 | 0",
                "tie, tie, shift 10, tie, program 5, velocity 1, pitch 60, shift 30, velocity 0, pitch 60 | 5:60 0.1..0.3 | 2 | 0",
                "tie, pitch 60, program 5, pitch 60, velocity 0, pitch 60 | '' | 3 | 0",
                "pitch 60, tie | '' | 1 | 0",
                "shift 10, tie, program 5, velocity 1, pitch 60 | '' | 0 | 5",
                "program 5, velocity 1, pitch 60 | '' | 0 | 3",
                "end, pad, tie, shift 10, pad, drum 36, end, shift 20, drum 38 | drum 36 0.1 | 0 | 0",
                "'' | '' | 0 | 0"
            })
    void oneSegment(String says, String notes, long invalid, long dropped) {
        Assembled assembled = Streams.say(single, says);

        assertEquals(notes, String.join(", ", Streams.words(assembled.notes())));
        assertEquals(invalid, assembled.invalid());
        assertEquals(dropped, assembled.dropped());
    }

    @Test
    void aTiedNoteGoesOnAndAnotherEndsAtTheBorderToTheSample() {
        Assembled assembled = Streams.say(
                single,
                "tie, shift 150, program 48, velocity 1, pitch 55, pitch 59, end",
                "program 48, pitch 59, tie, shift 20, velocity 0, pitch 59, end");

        // Steps count from 2.0479375 s, rounded: 2.05 s.
        assertEquals(List.of("48:55 1.5..2.0479375", "48:59 1.5..2.25"), Streams.words(assembled.notes()));
    }

    @Test
    void aSegmentWithoutATieEndsEverything() {
        Assembled assembled = Streams.say(
                single,
                "tie, shift 150, program 48, velocity 1, pitch 55, end",
                "program 48, pitch 55, shift 20, velocity 0, pitch 55, end",
                "program 48, pitch 55, tie, shift 20, velocity 0, pitch 55, end");

        assertEquals(List.of("48:55 1.5..2.0479375"), Streams.words(assembled.notes()));
        assertEquals(
                5 + 1,
                assembled.dropped(),
                "the segment but its end token, and an end of what was tied and never started");
    }

    @Test
    void aNoteOfMoreThanTenSecondsIsCutToTheShortest() {
        String on = "program 0, pitch 60, tie, end";
        Assembled assembled = Streams.say(
                single,
                "tie, shift 10, program 0, velocity 1, pitch 60, end",
                on,
                on,
                on,
                on,
                "program 0, pitch 60, tie, velocity 0, pitch 60, end");

        assertEquals(List.of("0:60 0.1..0.11"), Streams.words(assembled.notes()));
    }

    /** As a row that begins with the end token goes on, and as rows are that the reference pads to one length. */
    @Test
    void anEndBeforeTheTieEndsNothingAndPaddingAddsNothing() {
        String said = "end, tie, shift 10, program 0, velocity 1, pitch 60, shift 20, velocity 0, pitch 60, end";
        Assembled assembled = Streams.say(single, said, "end, pad, end");
        Assembled padded = Streams.say(single, said + ", pad, pad", "end, pad, end, pad, pad, pad, pad");

        assertEquals(List.of("0:60 0.1..0.2"), Streams.words(assembled.notes()));
        assertEquals(assembled.notes(), padded.notes());
        assertEquals(assembled.invalid(), padded.invalid());
    }

    @Test
    void channelsAreMixed() {
        IntList[] channels = new IntList[13];
        Arrays.fill(channels, Streams.ids(many, "tie, end"));
        channels[0] = Streams.ids(
                many, "tie, shift 10, program 0, velocity 1, pitch 60, shift 90, velocity 0, pitch 60, end");
        channels[5] = Streams.ids(
                many, "tie, shift 50, program 0, velocity 1, pitch 60, shift 99, velocity 0, pitch 60, end");
        channels[12] = Streams.ids(many, "tie, shift 20, drum 36, end");

        Assembled assembled = Streams.assemble(many, List.of(new SegmentTokens(0, List.of(channels))));

        assertEquals(List.of("0:60 0.1..0.5", "drum 36 0.2", "0:60 0.5..0.99"), Streams.words(assembled.notes()));
    }

    @Test
    void taskIdsArePassedOver() {
        Assembled assembled =
                Streams.say(new Tasks.SingingDrumV1(), "task 3, task 0, tie, shift 10, task 1, drum 36, task 2, end");

        assertEquals(List.of("drum 36 0.1"), Streams.words(assembled.notes()));
        assertEquals(0, assembled.invalid());
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 596, 1535, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void anIdOutOfRangeIsRefused(int id) {
        Assembly assembly = Streams.begin(many);
        List<List<Event>> channels =
                List.of(many.events(IntLists.immutable.of(339, 1)), many.events(IntLists.immutable.of(339, 1, id)));

        String message = assertThrows(
                        LuthierException.class, () -> assembly.accept(new SegmentEvents(2.0479375, channels)))
                .getMessage();

        assertTrue(
                message.startsWith("cannot make notes of the segment at 2.0479375 s, channel 1: id " + id
                        + " is none of tokenizer mc13_full_plus_256"),
                message);
    }

    @Test
    void channelsMayNotChangeNorTimeGoBack() {
        Assembly assembly = Streams.begin(single);
        assembly.accept(new SegmentEvents(2, List.of(List.of())));
        assertThrows(
                LuthierException.class, () -> assembly.accept(new SegmentEvents(4, List.of(List.of(), List.of()))));
        assertThrows(IllegalArgumentException.class, () -> assembly.accept(new SegmentEvents(1, List.of(List.of()))));
    }

    @Test
    void nothingSaidIsNoNotes() {
        assertEquals(new Assembled(List.of(), 0, 0), Streams.begin(single).finish());
    }

    @ParameterizedTest
    @CsvSource({"tie, 128", "reserved, 2"})
    void aTokenizerWithoutTiesOrWithMoreVelocitiesIsRefused(String tie, int velocities) {
        Tokenizer other = new Other(new Vocabulary(
                "other",
                0,
                0,
                1,
                List.of(
                        new Range("shift", 3, 10, 0),
                        new Range("pitch", 13, 128, 0),
                        new Range("velocity", 141, velocities, 0),
                        new Range(tie, 300, 1, 0),
                        new Range("program", 301, 128, 0))));

        String message = assertThrows(
                        LuthierException.class,
                        () -> Streams.ASSEMBLER.begin(other, Settings.defaults(Streams.ASSEMBLER)))
                .getMessage();

        assertTrue(message.contains("tokenizer other has shift 0..9, pitch 0..127, velocity 0.."), message);
    }

    /** A vocabulary and nothing more, which is all that is looked at. */
    private record Other(Vocabulary vocabulary) implements Tokenizer {
        @Override
        public String id() {
            return "other";
        }

        @Override
        public String description() {
            return "For a test.";
        }

        @Override
        public int stepsPerSecond() {
            return 100;
        }

        @Override
        public double segmentSeconds() {
            return 2;
        }

        @Override
        public List<Event> events(IntList ids) {
            throw new AssertionError("not asked");
        }

        @Override
        public IntList ids(List<Event> events) {
            throw new AssertionError("not asked");
        }

        @Override
        public Grammar grammar() {
            throw new AssertionError("not asked");
        }
    }
}
