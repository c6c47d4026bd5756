package org.luthier.tokenizer.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Collectors;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.SegmentTokens;

/** What the encoder writes for notes, token for token. That it can be read back is tested where the assembler is. */
class EncodeTest {
    private final NoteTokenizer mt3 = new Mt3Tokenizer();
    private final NoteTokenizer piano = new Mt3PianoTokenizer();

    /** A segment as words, end token included. */
    private static String says(NoteTokenizer tokenizer, SegmentTokens segment) {
        IntList ids = segment.channels().get(0);
        assertEquals(1, ids.getLast(), "an end token");
        return tokenizer.events(ids).stream()
                .map(event -> event.type().equals("tie") ? "tie" : event.type() + " " + event.value())
                .collect(Collectors.joining(", "));
    }

    private static List<String> says(NoteTokenizer tokenizer, List<SegmentTokens> segments) {
        return segments.stream().map(segment -> says(tokenizer, segment)).toList();
    }

    private static Note note(double start, double end, int pitch, int program) {
        return Note.of(start, end, pitch, 80, program, false);
    }

    private static Note hit(double start, int pitch) {
        return Note.of(start, start + 0.2, pitch, 80, 0, true);
    }

    @Test
    void silence() {
        assertEquals(List.of("tie", "tie"), says(mt3, mt3.encode(List.of(), 2.1)));
        assertEquals(List.of(""), says(piano, piano.encode(List.of(), 2.1)));
    }

    @Test
    void shiftsCountFromTheSegmentsStartAndStatesAreSaidWhereTheyChange() {
        assertEquals(
                List.of("tie, program 24, velocity 1, pitch 60, shift 10, velocity 0, pitch 60, velocity 1, pitch 60,"
                        + " program 32, pitch 36, shift 20, program 24, velocity 0, pitch 60, program 32, pitch 36"),
                says(
                        mt3,
                        mt3.encode(List.of(note(0.1, 0.2, 60, 24), note(0.1, 0.2, 36, 32), note(0, 0.1, 60, 24)), 1)));
    }

    @Test
    void atOneTimeEndsComeFirstAndDrumsLast() {
        assertEquals(
                List.of("tie, shift 50, program 5, velocity 1, pitch 64, shift 60, velocity 0, pitch 64, program 0,"
                        + " velocity 1, pitch 70, program 5, pitch 60, pitch 62, drum 36, drum 42, shift 70,"
                        + " program 0, velocity 0, pitch 70, program 5, pitch 60, pitch 62"),
                says(
                        mt3,
                        mt3.encode(
                                List.of(
                                        hit(0.6, 42),
                                        note(0.6, 0.7, 62, 5),
                                        hit(0.6, 36),
                                        note(0.6, 0.7, 70, 0),
                                        note(0.6, 0.7, 60, 5),
                                        note(0.5, 0.6, 64, 5)),
                                1)));
    }

    /** The order is that of the exact times, also of those that fall into one step; half steps go to the even one. */
    @Test
    void timesAreRoundedAfterTheyAreOrdered() {
        assertEquals(
                List.of("tie, shift 50, program 0, velocity 1, pitch 62, velocity 0, pitch 62, velocity 1,"
                        + " pitch 60, shift 62, velocity 0, pitch 60"),
                says(mt3, mt3.encode(List.of(note(0.498, 0.503, 62, 0), note(0.504, 0.625, 60, 0)), 1)));
    }

    @Test
    void soundingNotesAreTiedInOrderOfProgramAndPitch() {
        List<SegmentTokens> segments = mt3.encode(
                List.of(note(1, 4.5, 70, 40), note(2, 2.05, 65, 40), note(1.5, 2.04, 72, 3), note(1.2, 4.1, 50, 3)), 5);

        assertEquals(
                List.of(
                        "tie, shift 100, program 40, velocity 1, pitch 70, shift 120, program 3, pitch 50, shift 150,"
                                + " pitch 72, shift 200, program 40, pitch 65",
                        "program 3, pitch 50, pitch 72, program 40, pitch 65, pitch 70, tie, program 3, velocity 0,"
                                + " pitch 72, shift 1, program 40, pitch 65",
                        "program 3, pitch 50, program 40, pitch 70, tie, shift 1, program 3, velocity 0, pitch 50,"
                                + " shift 41, program 40, pitch 70"),
                says(mt3, segments));
        assertEquals(
                List.of(0.0, 2.04, 4.09),
                segments.stream().map(SegmentTokens::start).toList());
    }

    @Test
    void thePianoSaysVelocitiesAndNoTies() {
        assertEquals(
                List.of(
                        "shift 10, program 0, velocity 1, pitch 60, velocity 127, pitch 64",
                        "program 0, velocity 0, pitch 64, shift 2, pitch 60"),
                says(
                        piano,
                        piano.encode(
                                List.of(Note.of(0.1, 4.11, 60, 1, 0, false), Note.of(0.1, 4.09, 64, 127, 0, false)),
                                4.0)));
    }

    @Test
    void notesBehindTheEndOfTheRecordingGetSegmentsToo() {
        assertEquals(3, mt3.encode(List.of(note(0.5, 4.5, 60, 0)), 1).size());
    }

    /** t = 30.72 is a whole step, and 30.72 % 0.01 in double arithmetic is nearly 0.01. */
    @Test
    void segmentFifteenStartsOneStepEarly() {
        List<SegmentTokens> segments = mt3.encode(List.of(note(30.71, 30.72, 60, 0), note(30.73, 32.75, 62, 0)), 32);

        assertEquals(30.71, segments.get(15).start());
        assertEquals(
                "tie, program 0, velocity 1, pitch 60, shift 1, velocity 0, pitch 60, shift 2, velocity 1, pitch 62,"
                        + " shift 204, velocity 0, pitch 62",
                says(mt3, segments.get(15)));
    }

    static List<List<Note>> unsayable() {
        return List.of(
                List.of(note(0, 1, 60, 0), note(0.99, 2, 60, 0)),
                List.of(note(0, 1, 60, 0), note(0, 1, 60, 0)),
                List.of(note(1, 1, 60, 0)),
                List.of(note(-0.1, 1, 60, 0)),
                List.of(note(Double.NaN, 1, 60, 0)),
                List.of(note(0, Double.POSITIVE_INFINITY, 60, 0)),
                List.of(note(0, 1, 128, 0)),
                List.of(note(0, 1, 60, -1)),
                List.of(Note.of(0, 1, 60, 0, 0, false)));
    }

    @ParameterizedTest
    @MethodSource("unsayable")
    void refusesWhatCannotBeSaid(List<Note> notes) {
        String message =
                assertThrows(LuthierException.class, () -> mt3.encode(notes, 3)).getMessage();
        assertTrue(message.startsWith("cannot write the note of pitch "), message);
    }

    @Test
    void notesOfOneKeyMayTouch() {
        assertEquals(
                List.of("tie, program 0, velocity 1, pitch 60, shift 10, velocity 0, pitch 60, velocity 1, pitch 60,"
                        + " shift 20, velocity 0, pitch 60"),
                says(mt3, mt3.encode(List.of(note(0.1, 0.2, 60, 0), note(0, 0.1, 60, 0)), 1)));
    }
}
