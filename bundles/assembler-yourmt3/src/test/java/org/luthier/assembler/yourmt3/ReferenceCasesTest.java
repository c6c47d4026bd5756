package org.luthier.assembler.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sound.midi.InvalidMidiDataException;
import javax.sound.midi.MetaMessage;
import javax.sound.midi.MidiMessage;
import javax.sound.midi.MidiSystem;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import javax.sound.midi.Track;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;

/**
 * What the reference's own code made of streams of ids: events, starts and ends, ties, what sounds at a segment's end and faults of every
 * segment and channel, the notes of every channel, those of all, and the MIDI file, byte by byte. Times are compared as doubles, without
 * a tolerance.
 */
class ReferenceCasesTest {
    private static final Path CASES = Path.of(System.getProperty("luthier.root"))
            .resolve("../shared/reference/yourmt3/tokenizer/decode_cases.json");

    private static final Map<String, Fault> FAULTS = Map.ofEntries(
            Map.entry("Err/Missing prg in tie", Fault.TIE_WITHOUT_PROGRAM),
            Map.entry("Err/Missing tie", Fault.NO_TIE),
            Map.entry("Err/Shift out of range", Fault.SHIFT_OUT_OF_RANGE),
            Map.entry("Err/Multi-tie type 1", Fault.TIE_AGAIN),
            Map.entry("Err/Multi-tie type 2", Fault.TIE_LATE),
            Map.entry("Err/Missing prg", Fault.NO_PROGRAM),
            Map.entry("Err/Missing vel", Fault.NO_VELOCITY),
            Map.entry("Err/Note off without note on", Fault.END_WITHOUT_START),
            Map.entry("Err/Unknown event", Fault.UNKNOWN_EVENT),
            Map.entry("Err/merging segment tie", Fault.NOT_TIED),
            Map.entry("Err/onset not found", Fault.NO_ONSET),
            Map.entry("Err/long note > 10s", Fault.TOO_LONG));

    static Stream<String> cases() {
        return IntStream.rangeClosed(1, 39).mapToObj(number -> String.format("p%02d", number));
    }

    private static JsonNode all() throws IOException {
        Assumptions.assumeTrue(Files.isRegularFile(CASES), "no reference data at " + CASES);
        return new ObjectMapper().readTree(CASES.toFile()).get("cases");
    }

    @Test
    void everyCaseIsTested() throws IOException {
        List<String> ids = new ArrayList<>();
        all().forEach(one -> ids.add(one.get("id").textValue()));
        assertEquals(cases().toList(), ids);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void isTheReferences(String id) throws IOException {
        JsonNode one = null;
        for (JsonNode each : all()) {
            one = each.get("id").textValue().equals(id) ? each : one;
        }
        Tokenizer tokenizer = Streams.tokenizer(one.get("task").textValue());
        JsonNode expected = one.get("expected");
        List<SegmentTokens> segments = segments(one);
        if (expected.has("raises")) {
            String message = assertThrows(LuthierException.class, () -> Streams.assemble(tokenizer, segments))
                    .getMessage();
            assertEquals(
                    "ValueError: Unknown event index: 596",
                    expected.get("raises").textValue());
            assertTrue(message.contains(": id 596 is none of tokenizer "), message);
            return;
        }
        for (int channel = 0; channel < expected.get("channels").size(); channel++) {
            assertChannel(expected.get("channels").get(channel), tokenizer, segments, channel);
        }
        List<Note> notes = Streams.assemble(tokenizer, segments).notes();
        assertNotes(expected.get("mixed_notes"), notes);
        byte[] midi = Streams.midi(notes);
        assertMidi(expected.get("midi"), midi);
        assertArrayEquals(Base64.getDecoder().decode(expected.get("midi_base64").textValue()), midi);
    }

    private static List<SegmentTokens> segments(JsonNode one) {
        List<SegmentTokens> segments = new ArrayList<>();
        for (JsonNode tokens : one.get("tokens")) {
            List<IntList> channels = new ArrayList<>();
            for (JsonNode row : tokens) {
                int[] ids = new int[row.size()];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = row.get(i).intValue();
                }
                channels.add(IntLists.immutable.of(ids));
            }
            int number = segments.size();
            double start = (double) (one.get("input_frames").longValue() * number)
                    / one.get("sample_rate").intValue();
            JsonNode expected = one.get("expected");
            assertEquals(expected.get("start_secs").get(number).doubleValue(), start);
            assertEquals(expected.get("start_ticks").get(number).doubleValue(), Math.rint(start * 100));
            segments.add(new SegmentTokens(start, channels));
        }
        return segments;
    }

    private static void assertChannel(
            JsonNode expected, Tokenizer tokenizer, List<SegmentTokens> segments, int channel) {
        ChannelNotes notes = new ChannelNotes();
        assertEquals(expected.get("segments").size(), segments.size());
        for (int i = 0; i < segments.size(); i++) {
            String where = "segment " + i + ", channel " + channel;
            JsonNode of = expected.get("segments").get(i);
            double start = segments.get(i).start();
            List<Event> events = tokenizer.events(segments.get(i).channels().get(channel));
            assertEquals(
                    rows(of.get("events")),
                    events.stream()
                            .filter(event -> !event.type().equals("task"))
                            .map(event -> List.of(name(event), Integer.toString(valueOf(event))))
                            .toList(),
                    where);
            SegmentReading reading = new SegmentReading(start, events, 100);
            assertEquals(
                    rows(of.get("note_events")),
                    reading.events().stream()
                            .map(event -> List.of(
                                    "" + event.drum(),
                                    "" + event.program(),
                                    "" + event.time(),
                                    "" + event.velocity(),
                                    "" + event.pitch()))
                            .toList(),
                    where);
            assertEquals(rows(of.get("tie_note_events")), rows(reading.ties()), where);
            assertEquals(rows(of.get("last_activity")), rows(reading.sounding()), where);
            assertFaults(of.get("errors"), reading.faults(), where);
            notes.add(start, reading);
        }
        assertNotes(expected.get("notes"), notes.finish());
        assertFaults(expected.get("note_errors"), notes.faults(), "channel " + channel);
    }

    private static String name(Event event) {
        return event.type().equals("special") ? List.of("PAD", "EOS", "UNK").get(event.value()) : event.type();
    }

    private static int valueOf(Event event) {
        return event.type().equals("special") ? 0 : event.value();
    }

    private static List<List<String>> rows(List<Key> keys) {
        return keys.stream()
                .map(key -> List.of("" + key.program(), "" + key.pitch()))
                .toList();
    }

    /** Rows as text: whole numbers, and doubles, which both sides write as short as they can be told apart. */
    private static List<List<String>> rows(JsonNode rows) {
        List<List<String>> result = new ArrayList<>();
        for (JsonNode row : rows) {
            List<String> cells = new ArrayList<>();
            row.forEach(cell -> cells.add(cell.isDouble() ? Double.toString(cell.doubleValue()) : cell.asText()));
            result.add(cells);
        }
        return result;
    }

    private static void assertNotes(JsonNode expected, List<Note> notes) {
        assertEquals(
                rows(expected),
                notes.stream()
                        .map(note -> List.of(
                                "" + note.drum(),
                                "" + (note.drum() ? NoteEvent.DRUMS : note.program()),
                                "" + note.start(),
                                "" + note.end(),
                                "" + note.pitch(),
                                note.velocity() == NoteRules.VELOCITY ? "1" : "velocity " + note.velocity()))
                        .toList());
    }

    private static void assertFaults(JsonNode expected, Faults faults, String where) {
        Map<Fault, Integer> counts = new TreeMap<>();
        expected.properties()
                .forEach(each ->
                        counts.put(FAULTS.get(each.getKey()), each.getValue().intValue()));
        assertEquals(counts, new TreeMap<>(faults.counts()), where);
    }

    private static void assertMidi(JsonNode expected, byte[] file) throws IOException {
        Sequence sequence;
        try {
            sequence = MidiSystem.getSequence(new ByteArrayInputStream(file));
            assertEquals(
                    expected.get("type").intValue(),
                    MidiSystem.getMidiFileFormat(new ByteArrayInputStream(file)).getType());
        } catch (InvalidMidiDataException e) {
            throw new AssertionError("no MIDI file", e);
        }
        assertEquals(expected.get("ticks_per_beat").intValue(), sequence.getResolution());
        assertEquals(expected.get("tracks").size(), sequence.getTracks().length);
        for (int i = 0; i < sequence.getTracks().length; i++) {
            Track track = sequence.getTracks()[i];
            List<String> wanted = new ArrayList<>();
            long now = 0;
            for (JsonNode message : expected.get("tracks").get(i)) {
                now += message.get(1).get("time").longValue();
                wanted.add(now + " " + words(message.get(0).textValue(), message.get(1)));
            }
            List<String> got = new ArrayList<>();
            for (int k = 0; k < track.size(); k++) {
                got.add(track.get(k).getTick() + " " + words(track.get(k).getMessage()));
            }
            assertEquals(wanted, got, "track " + i);
        }
    }

    private static String words(String type, JsonNode of) {
        return switch (type) {
            case "end_of_track" -> type;
            case "track_name" -> type + " " + of.get("name").textValue();
            case "program_change" -> type + " " + of.get("channel") + " " + of.get("program") + " 0";
            default -> type + " " + of.get("channel") + " " + of.get("note") + " " + of.get("velocity");
        };
    }

    private static String words(MidiMessage message) {
        if (message instanceof MetaMessage meta) {
            return meta.getType() == 0x2F
                    ? "end_of_track"
                    : "track_name " + new String(meta.getData(), StandardCharsets.US_ASCII);
        }
        ShortMessage told = (ShortMessage) message;
        String type = Map.of(
                        ShortMessage.PROGRAM_CHANGE, "program_change",
                        ShortMessage.NOTE_ON, "note_on",
                        ShortMessage.NOTE_OFF, "note_off")
                .get(told.getCommand());
        return type + " " + told.getChannel() + " " + told.getData1() + " " + told.getData2();
    }
}
