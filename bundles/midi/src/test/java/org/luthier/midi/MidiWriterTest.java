package org.luthier.midi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.sound.midi.MetaMessage;
import javax.sound.midi.MidiEvent;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import javax.sound.midi.Track;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;

class MidiWriterTest {
    /** Half a tick at 120 quarters a minute. */
    private static final double HALF_TICK = 0.5 / 440 + 1e-9;

    /** What a channel is told. */
    private record Told(long tick, int channel, int command, int first, int second) {
        int wheel() {
            return first + (second << 7) - 8192;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"guitar", "vocadito14"})
    void eventsAreThoseOfTheReferenceButForTheWheelsReset(String recording) throws IOException {
        Path folder =
                Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/basicpitch/" + recording);
        Assumptions.assumeTrue(Files.isDirectory(folder), "no reference data at " + folder);
        ObjectMapper json = new ObjectMapper();
        List<Note> notes = new ArrayList<>();
        for (JsonNode note : json.readTree(folder.resolve("notes.json").toFile())) {
            notes.add(new Note(
                    note.get("start_s").doubleValue(),
                    note.get("end_s").doubleValue(),
                    note.get("pitch").intValue(),
                    note.get("velocity").intValue(),
                    4,
                    false,
                    note.get("amplitude").doubleValue(),
                    IntLists.immutable.of(json.convertValue(note.get("bends"), int[].class))));
        }
        List<Told> expected = new ArrayList<>();
        for (JsonNode event : json.readTree(
                        folder.resolve("reference_midi_events.json").toFile())
                .get("events")) {
            JsonNode message = event.get(2);
            long tick = event.get(1).longValue();
            switch (message.get("type").asText()) {
                case "program_change" ->
                    expected.add(new Told(
                            tick,
                            0,
                            ShortMessage.PROGRAM_CHANGE,
                            message.get("program").intValue(),
                            0));
                case "note_on" ->
                    expected.add(new Told(
                            tick,
                            0,
                            ShortMessage.NOTE_ON,
                            message.get("note").intValue(),
                            message.get("velocity").intValue()));
                case "pitchwheel" -> {
                    int value = message.get("pitch").intValue() + 8192;
                    expected.add(new Told(tick, 0, ShortMessage.PITCH_BEND, value & 0x7F, value >> 7));
                }
                default -> {} // Tempo, time signature and ends of tracks.
            }
        }
        List<Told> told = told(Transcriptions.sequence(notes, Map.of()));
        long wheels = told.stream()
                .filter(event -> event.command() == ShortMessage.PITCH_BEND)
                .count();
        List<Told> resets = new ArrayList<>(told);
        expected.forEach(resets::remove);

        // The reference sorts wheels of one tick by value, which can put a note's first bend before the last of the one
        // before.
        Comparator<Told> order = Comparator.comparingLong(Told::tick).thenComparing(Told::toString);
        List<Told> rest = new ArrayList<>(told);
        resets.forEach(rest::remove);
        assertEquals(
                expected.stream().sorted(order).toList(),
                rest.stream().sorted(order).toList());
        assertTrue(
                resets.stream().allMatch(event -> event.command() == ShortMessage.PITCH_BEND && event.wheel() == 0),
                resets::toString);
        assertEquals(wheels > 0, !resets.isEmpty());
    }

    @Test
    void theHeaderIsThatOfTheReference() {
        byte[] bytes = Transcriptions.write(List.of(Note.of(0, 1, 60, 100, 4, false)), Map.of());
        assertEquals("MThd", new String(bytes, 0, 4, StandardCharsets.US_ASCII));
        assertArrayEquals(
                new byte[] {0, 0, 0, 6, 0, 1, 0, 2, 0, (byte) 220}, java.util.Arrays.copyOfRange(bytes, 4, 14));
    }

    @Test
    void theProvenanceIsTextOfTheFirstTrack() {
        List<String> lines = new ArrayList<>();
        Track track = Transcriptions.sequence(List.of(), Map.of()).getTracks()[0];
        for (int i = 0; i < track.size(); i++) {
            if (track.get(i).getMessage() instanceof MetaMessage meta && meta.getType() == 1) {
                lines.add(new String(meta.getData(), StandardCharsets.UTF_8));
            }
        }
        assertEquals(
                List.of(
                        "luthier=0.1.0",
                        "model=basic-pitch 0.1.0",
                        "checkpoint=abc123",
                        "assembler=basic-pitch-notes 0.1.0",
                        "backend=cpu",
                        "kernels=cpu",
                        "parameter.onset-threshold=0.5",
                        "parameter.min-hz=unset",
                        "audio.file=söng 1.wav",
                        "audio.format=wav/pcm_s16le",
                        "audio.rate=44100",
                        "audio.channels=2",
                        "audio.frames=441000",
                        "audio.peak=0.5",
                        "audio.clipped=0",
                        "audio.replaced=0",
                        "audio.silent=false",
                        "warning=quiet input"),
                lines);
    }

    @Test
    void theSameNotesGiveTheSameBytes() {
        List<Note> notes = random(500, 5);
        assertArrayEquals(Transcriptions.write(notes, Map.of()), Transcriptions.write(notes, Map.of()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "59.94", "120", "133.7", "1000"})
    void anyTempoKeepsTheTimes(String tempo) {
        List<Note> notes = List.of(Note.of(0.25, 1, 60, 100, 0, false), Note.of(3.5, 3600.125, 62, 1, 0, false));
        // Half a tick at this tempo.
        double tolerance = 30 / Double.parseDouble(tempo) / 220 + 1e-6;
        assertSame(notes, Transcriptions.roundTrip(notes, Map.of("tempo", tempo)), tolerance);
    }

    @Test
    void thousandsOfNotesComeBack() {
        List<Note> notes = random(5000, 15);
        assertSame(notes, Transcriptions.roundTrip(notes, Map.of()), HALF_TICK);
    }

    @Test
    void moreThanFifteenProgramsShareChannelsInTime() {
        List<Note> notes = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            notes.add(Note.of(i, i + 10.5, 40 + i, 80, (i * 7) % 128, false));
            notes.add(Note.of(i, i + 0.1, 36, 90, 0, true));
        }
        notes.sort(Comparator.comparingDouble(Note::start).thenComparingInt(Note::pitch));
        assertSame(notes, Transcriptions.roundTrip(notes, Map.of()), HALF_TICK);
        assertEquals(
                42, Transcriptions.sequence(notes, Map.of()).getTracks().length, "one a program, drums, and the first");
    }

    @Test
    void seventeenProgramsThatAlternateComeBack() {
        List<Note> notes = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            notes.add(Note.of(i * 0.05, i * 0.05 + 0.2, 60, 80, i % 17, false));
        }
        assertSame(notes, Transcriptions.roundTrip(notes, Map.of()), HALF_TICK);
    }

    @Test
    void noNotesMakeAFileWithoutNotes() {
        assertEquals(List.of(), Transcriptions.roundTrip(List.of(), Map.of()));
    }

    @Test
    void emptyAndBackwardNotesLastATick() {
        List<Note> notes = List.of(
                Note.of(1, 1, 60, 80, 0, false), Note.of(2, 1.5, 60, 0, 0, false), Note.of(-1, 0.5, 62, 300, 0, false));
        List<Note> read = Transcriptions.roundTrip(notes, Map.of());
        assertSame(
                List.of(
                        Note.of(0, 0.5, 62, 127, 0, false),
                        Note.of(1, 1 + 1 / 440.0, 60, 80, 0, false),
                        Note.of(2, 2 + 1 / 440.0, 60, 1, 0, false)),
                read,
                HALF_TICK);
    }

    @Test
    void anEndComesBeforeTheNextStartOfItsPitch() {
        List<Note> notes = List.of(Note.of(0, 1, 60, 100, 0, false), Note.of(1, 2, 60, 50, 0, false));
        assertSame(notes, Transcriptions.roundTrip(notes, Map.of()), HALF_TICK);
    }

    @Test
    void aProgramForAllLeavesDrumsAlone() {
        List<Note> notes = List.of(Note.of(0, 1, 60, 100, 7, false), Note.of(1, 2, 36, 50, 0, true));
        assertEquals(
                List.of(40, 0),
                Transcriptions.roundTrip(notes, Map.of("program", "40")).stream()
                        .map(Note::program)
                        .toList());
    }

    @Test
    void aTimeBeyondTheFormatIsRefused() {
        for (double start : new double[] {1e6, Double.NaN, Double.POSITIVE_INFINITY}) {
            List<Note> notes = List.of(Note.of(start, start + 1, 60, 100, 7, false));
            String message = assertThrows(LuthierException.class, () -> Transcriptions.write(notes, Map.of()))
                    .getMessage();
            assertTrue(message.contains("cannot write a note at"), message);
        }
    }

    @Test
    void aPitchThatMidiDoesNotHaveIsRefused() {
        List<Note> notes = List.of(Note.of(0, 1, 128, 100, 7, false));
        assertThrows(LuthierException.class, () -> Transcriptions.write(notes, Map.of()));
    }

    @Test
    void theWheelGoesBackBeforeTheNextNote() {
        List<Note> notes = List.of(bent(0, 1, 60, 0, 1, 2), Note.of(1, 2, 62, 80, 4, false), bent(2, 3, 64, 3, 0));
        List<Told> wheels = wheels(told(Transcriptions.sequence(notes, Map.of())));
        // 4096/3 and 8192/3 rounded; the last bend at the note's end, then the reset; none after a note that ends at 0.
        assertEquals(
                List.of(0, 1365, 2731, 0, 4096, 0),
                wheels.stream().map(Told::wheel).toList());
        assertEquals(
                List.of(0L, 220L, 440L, 440L, 880L, 1320L),
                wheels.stream().map(Told::tick).toList());
    }

    @Test
    void theNextNotesBendWinsOverTheReset() {
        List<Note> notes = List.of(bent(0, 1, 60, 6), bent(1, 2, 62, -3, -3));
        List<Integer> atOneSecond = wheels(told(Transcriptions.sequence(notes, Map.of()))).stream()
                .filter(event -> event.tick() == 440)
                .map(Told::wheel)
                .toList();
        assertEquals(List.of(0, -4096), atOneSecond);
    }

    @Test
    void bendsBeyondTheWheelAreClipped() {
        List<Note> notes = List.of(bent(0, 1, 60, 25, -25));
        assertEquals(
                List.of(8191, -8192, 0),
                wheels(told(Transcriptions.sequence(notes, Map.of()))).stream()
                        .map(Told::wheel)
                        .toList());
    }

    @Test
    void overlappingNotesLoseTheirBendsUnlessPitchesHaveChannels() {
        List<Note> notes = List.of(bent(0, 2, 60, 3, 3), bent(1, 3, 62, 2, 2), bent(3, 4, 64, 1, 1));
        List<Told> together = wheels(told(Transcriptions.sequence(notes, Map.of())));
        assertEquals(List.of(1365, 1365, 0), together.stream().map(Told::wheel).toList());

        Map<String, String> apart = Map.of("multiple-pitch-bends", "true");
        Map<Integer, List<Integer>> byChannel = wheels(told(Transcriptions.sequence(notes, apart))).stream()
                .collect(Collectors.groupingBy(Told::channel, Collectors.mapping(Told::wheel, Collectors.toList())));
        assertEquals(
                Map.of(0, List.of(4096, 4096, 0), 1, List.of(2731, 2731, 0), 2, List.of(1365, 1365, 0)), byChannel);
        assertSame(notes, Transcriptions.roundTrip(notes, apart), HALF_TICK);
    }

    @Test
    void moreThanFifteenBentPitchesShareChannelsWhenTheyAreSilent() {
        List<Note> notes = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            notes.add(bent(i, i + 5.5, 30 + i, 1, 1));
        }
        Map<String, String> apart = Map.of("multiple-pitch-bends", "true");
        assertEquals(
                60 * 3, wheels(told(Transcriptions.sequence(notes, apart))).size(), "two bends and a reset for each");
        assertEquals(2, Transcriptions.sequence(notes, apart).getTracks().length);
    }

    private static Note bent(double start, double end, int pitch, int... bends) {
        return new Note(start, end, pitch, 80, 4, false, 0.6, IntLists.immutable.of(bends));
    }

    private static List<Told> wheels(List<Told> told) {
        return told.stream()
                .filter(event -> event.command() == ShortMessage.PITCH_BEND)
                .toList();
    }

    private static List<Told> told(Sequence sequence) {
        List<Told> told = new ArrayList<>();
        for (Track track : sequence.getTracks()) {
            for (int i = 0; i < track.size(); i++) {
                MidiEvent event = track.get(i);
                if (event.getMessage() instanceof ShortMessage message) {
                    told.add(new Told(
                            event.getTick(),
                            message.getChannel(),
                            message.getCommand(),
                            message.getData1(),
                            message.getData2()));
                }
            }
        }
        return told;
    }

    /** Notes of which no two of one program and pitch overlap, by start, then pitch. */
    private static List<Note> random(int count, int programs) {
        Random random = new Random(7);
        return IntStream.range(0, count)
                .mapToObj(i -> {
                    double start = i * 0.01;
                    int program = random.nextInt(programs);
                    boolean drum = random.nextInt(10) == 0;
                    return Note.of(
                            start,
                            start + 0.05 + random.nextDouble() * 0.5,
                            20 + i % 100,
                            1 + random.nextInt(127),
                            drum ? 0 : program,
                            drum);
                })
                .toList();
    }

    private static void assertSame(List<Note> expected, List<Note> got, double tolerance) {
        assertEquals(expected.size(), got.size());
        for (int i = 0; i < expected.size(); i++) {
            Note a = expected.get(i);
            Note b = got.get(i);
            String which = "note " + i + ": " + a + " and " + b;
            assertEquals(a.start(), b.start(), tolerance, which);
            assertEquals(a.end(), b.end(), tolerance, which);
            assertEquals(
                    List.of(a.pitch(), a.velocity(), a.program(), a.drum()),
                    List.of(b.pitch(), b.velocity(), b.program(), b.drum()),
                    which);
        }
    }
}
