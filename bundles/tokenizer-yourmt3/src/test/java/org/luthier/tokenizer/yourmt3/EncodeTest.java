package org.luthier.tokenizer.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.SegmentTokens;

/** What the encoder writes for notes, token for token. That it can be read back is tested where the assembler is. */
class EncodeTest {
    private final NoteTokenizer single = new Tasks.Mt3FullPlus();
    private final NoteTokenizer many = new Tasks.Mc13FullPlus256();

    /** A row as words. */
    private static String says(NoteTokenizer tokenizer, IntList ids) {
        return tokenizer.events(ids).stream()
                .map(event -> switch (event.type()) {
                    case "tie" -> "tie";
                    case "special" -> event.value() == 1 ? "end" : "special " + event.value();
                    default -> event.type() + " " + event.value();
                })
                .collect(Collectors.joining(", "));
    }

    private List<String> says(List<Note> notes, double seconds) {
        return single.encode(notes, seconds).stream()
                .map(segment -> says(single, segment.channels().get(0)))
                .toList();
    }

    private static Note note(double start, double end, int pitch, int program) {
        return Note.of(start, end, pitch, 80, program, false);
    }

    private static Note hit(double start, int pitch) {
        return Note.of(start, start + 0.2, pitch, 80, 0, true);
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "32766, 1", "32767, 1", "32768, 2", "65534, 2", "65535, 3", "3276700, 100", "3276701, 101"})
    void asManySegmentsAsTheRecordingFills(int samples, int segments) {
        List<SegmentTokens> silence = single.encode(List.of(), samples / 16000.0);
        assertEquals(segments, silence.size());
        for (int i = 0; i < segments; i++) {
            assertEquals("tie, end", says(single, silence.get(i).channels().get(0)));
            assertEquals(i * 32767 / 16000.0, silence.get(i).start());
        }
    }

    @Test
    void withinAStepDrumsComeLastAndEndsBeforeStartsOfAProgram() {
        assertEquals(
                List.of("tie, shift 50, program 48, velocity 1, pitch 64, shift 60, program 0, pitch 70, program 48,"
                        + " velocity 0, pitch 64, velocity 1, pitch 60, pitch 62, drum 36, drum 42, shift 70,"
                        + " program 0, velocity 0, pitch 70, program 48, pitch 60, pitch 62, end"),
                says(
                        List.of(
                                hit(0.6, 42),
                                note(0.6, 0.7, 62, 48),
                                hit(0.6, 36),
                                note(0.6, 0.7, 70, 0),
                                note(0.6, 0.7, 60, 48),
                                note(0.5, 0.6, 64, 48)),
                        1));
    }

    @Test
    void aDrumWantsVelocityOneAndNoProgram() {
        assertEquals(
                List.of("tie, velocity 1, drum 36, shift 10, program 2, pitch 60, shift 20, velocity 0, pitch 60,"
                        + " shift 30, velocity 1, drum 38, end"),
                says(List.of(hit(0, 36), note(0.1, 0.2, 60, 5), hit(0.3, 38)), 1));
    }

    @Test
    void theProgramOfTheTiesNeedNotBeSaidAgain() {
        assertEquals(
                List.of(
                        "tie, shift 150, program 24, velocity 1, pitch 55, pitch 60, end",
                        // From 2.0479375 s, rounded to step 205.
                        "program 24, pitch 55, pitch 60, tie, velocity 0, pitch 60, shift 15, pitch 55, end"),
                says(List.of(note(1.5, 2.2, 55, 25), note(1.5, 2.05, 60, 24)), 3));
    }

    @Test
    void programsAndDrumsBecomeThoseOfTheirClasses() {
        assertEquals(
                List.of("tie, shift 10, program 0, velocity 1, pitch 60, program 73, pitch 61, program 97, pitch 62,"
                        + " drum 36, drum 42, shift 20, program 0, velocity 0, pitch 60, program 73, pitch 61,"
                        + " program 97, pitch 62, end"),
                says(
                        List.of(
                                note(0.1, 0.2, 60, 7),
                                note(0.1, 0.2, 61, 79),
                                note(0.1, 0.2, 62, 97),
                                hit(0.1, 22),
                                hit(0.1, 35)),
                        1));
    }

    @Test
    void channelsHaveTheirOwnStateAndNotesWithoutAChannelAreLeftOut() {
        List<IntList> rows = many.encode(
                        List.of(
                                note(0.1, 0.2, 60, 0),
                                note(0.1, 0.2, 61, 40),
                                note(0.1, 0.2, 62, 101),
                                note(0.1, 0.2, 63, 97),
                                hit(0.1, 36)),
                        1)
                .get(0)
                .channels();
        List<String> expected = new ArrayList<>();
        for (int channel = 0; channel < 13; channel++) {
            expected.add(
                    switch (channel) {
                        case 0 -> "tie, shift 10, program 0, velocity 1, pitch 60, shift 20, velocity 0, pitch 60, end";
                        case 5 ->
                            "tie, shift 10, program 40, velocity 1, pitch 61, shift 20, velocity 0, pitch 61, end";
                        case 11 ->
                            "tie, shift 10, program 101, velocity 1, pitch 62, shift 20, velocity 0, pitch 62, end";
                        case 12 -> "tie, shift 10, velocity 1, drum 36, end";
                        default -> "tie, end";
                    });
        }
        assertEquals(expected, rows.stream().map(row -> says(many, row)).toList());
    }

    @Test
    void notesBehindTheEndOfTheRecordingGetSegmentsToo() {
        assertEquals(3, single.encode(List.of(note(0.5, 4.5, 60, 0)), 1).size());
    }

    static List<List<Note>> unsayable() {
        return List.of(
                List.of(note(0, 1, 60, 0), note(0.99, 2, 60, 0)),
                List.of(note(1, 1, 60, 0)),
                List.of(note(-0.1, 1, 60, 0)),
                List.of(note(Double.NaN, 1, 60, 0)),
                List.of(note(0, Double.POSITIVE_INFINITY, 60, 0)),
                List.of(note(0, 1, 128, 0)),
                List.of(note(0, 1, 60, 128)),
                List.of(Note.of(0, 1, 60, 0, 0, false)));
    }

    @ParameterizedTest
    @MethodSource("unsayable")
    void refusesWhatCannotBeSaid(List<Note> notes) {
        String message = assertThrows(LuthierException.class, () -> single.encode(notes, 3))
                .getMessage();
        assertTrue(message.startsWith("cannot write the note of pitch "), message);
    }
}
