package org.luthier.assembler.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import javax.sound.midi.MidiSystem;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import org.junit.jupiter.api.Test;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;

/** The file's bytes, channels and programs. */
class YourMt3MidiWriterTest {
    private static Note note(double start, double end, int pitch, int program) {
        return Note.of(start, end, pitch, 80, program, false);
    }

    private static String hex(List<Note> notes) {
        return HexFormat.of().formatHex(Streams.midi(notes));
    }

    private static final String HEADER = "4d546864" + "00000006" + "0001";
    private static final String EMPTY = "4d54726b" + "00000004" + "00ff2f00";

    @Test
    void withoutNotesThereIsOneEmptyTrack() {
        assertEquals(HEADER + "0001" + "01e0" + EMPTY, hex(List.of()));
    }

    /** 960 ticks a second; a status like the one before is not repeated; a drum ends after 10 ms, whatever its end. */
    @Test
    void bytes() {
        assertEquals(
                HEADER + "0003" + "01e0" + EMPTY
                        + "4d54726b" + "0000001e" + "00ff0304" + "42617373" + "00c021"
                        + "60902864" + "003464" + "60802800" + "86603400" + "00ff2f00"
                        + "4d54726b" + "00000018" + "00ff0305" + "4472756d73" + "00c900"
                        + "60992464" + "0a892400" + "00ff2f00",
                hex(List.of(note(0.1, 1.1, 52, 38), note(0.1, 0.2, 40, 33), Note.of(0.1, 5, 36, 1, 0, true))));
    }

    @Test
    void programsOfAClassBecomeOne() {
        assertArrayEquals(
                Streams.midi(List.of(note(0, 1, 60, 48), note(1, 2, 60, 48), note(2, 3, 60, 64))),
                Streams.midi(List.of(note(0, 1, 60, 40), note(1, 2, 60, 55), note(2, 3, 60, 71))));
    }

    @Test
    void sixteenChannelsOfWhichDrumsHaveTheTenth() throws Exception {
        List<Note> notes = new ArrayList<>();
        // In no class: each has a track of its own.
        IntStream.range(102, 120).forEach(program -> notes.add(note(0, 1, 60, program)));
        notes.add(Note.of(0, 1, 36, 80, 0, true));
        Sequence sequence = MidiSystem.getSequence(new ByteArrayInputStream(Streams.midi(notes)));
        List<Integer> channels = new ArrayList<>();
        List<Integer> programs = new ArrayList<>();
        for (int i = 1; i < sequence.getTracks().length; i++) {
            ShortMessage program = (ShortMessage) sequence.getTracks()[i].get(1).getMessage();
            channels.add(program.getChannel());
            programs.add(program.getData1());
        }
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 15, 15, 15, 9), channels);
        assertEquals(IntStream.range(102, 120).boxed().toList(), programs.subList(0, 18));
        assertEquals(0, programs.get(18));
    }

    @Test
    void singingHasSoundsOfGeneralMidi() {
        assertEquals(new OutputProgram(100, "Singing Voice"), OutputProgram.of(100));
        assertEquals(65, OutputProgram.of(100).sound());
        assertEquals(53, OutputProgram.of(101).sound());
        assertEquals(new OutputProgram(97, "Prg. 97"), OutputProgram.of(97));
        assertEquals(30, OutputProgram.of(29).sound());
    }

    @Test
    void aTimeThatNoFileHoldsIsRefused() {
        for (double start : new double[] {-1, 300_000, Double.NaN}) {
            String message = assertThrows(
                            LuthierException.class, () -> Streams.midi(List.of(note(start, start + 1, 60, 0))))
                    .getMessage();
            assertTrue(message.startsWith("cannot write a note at "), message);
        }
    }
}
