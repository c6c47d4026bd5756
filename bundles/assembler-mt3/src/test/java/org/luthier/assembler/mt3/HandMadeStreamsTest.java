package org.luthier.assembler.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/** Small streams, one for each rule of the decoding and each edge of it; and when their notes come out. */
class HandMadeStreamsTest {
    private final Tokenizer mt3 = new Mt3Tokenizer();
    private final Tokenizer piano = new Mt3PianoTokenizer();

    @TestFactory
    List<DynamicTest> streamsMeanWhatWasWorkedOutByHand() throws IOException {
        JsonNode cases = new ObjectMapper()
                .readTree(HandMadeStreamsTest.class.getResourceAsStream("streams.json"))
                .get("cases");
        return StreamSupport.stream(cases.spliterator(), false)
                .map(one -> DynamicTest.dynamicTest(one.get("name").textValue(), () -> check(one)))
                .toList();
    }

    private void check(JsonNode one) {
        Tokenizer tokenizer = one.get("tokenizer").textValue().equals("mt3") ? mt3 : piano;
        List<SegmentTokens> segments = new ArrayList<>();
        one.get("segments")
                .forEach(segment -> segments.add(segment(
                        tokenizer,
                        segment.get("start").doubleValue(),
                        segment.get("says").textValue())));

        Assembled assembled = Streams.assemble(tokenizer, segments);

        Streams.assertNotes(one.get("notes"), assembled.notes(), one.get("name").textValue());
        assertEquals(one.get("invalid").longValue(), assembled.invalid(), "invalid");
        assertEquals(one.get("dropped").longValue(), assembled.dropped(), "dropped");
    }

    private static SegmentTokens segment(Tokenizer tokenizer, double start, String says) {
        MutableIntList ids = IntLists.mutable.empty();
        for (String word : says.split(", ")) {
            String[] parts = word.split(" ");
            int value = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
            switch (parts[0]) {
                case "id" -> ids.add(value);
                case "end" -> ids.add(1);
                default -> ids.addAll(tokenizer.ids(List.of(new Event(parts[0], value))));
            }
        }
        return new SegmentTokens(start, List.of(ids));
    }

    @Test
    void notesComeAsSoonAsTheyCannotChange() {
        Assembly assembly = Streams.begin(mt3);

        assertEquals(
                List.of(Note.of(0, 0.01, 36, 127, 0, true)),
                accept(assembly, 0, "tie, velocity 1, drum 36, shift 10, pitch 60, pitch 62, shift 205, drum 38, end"),
                "a hit at the very start is past all limits; what follows may be dropped yet");
        assertEquals(
                List.of(Note.of(0.1, 2.04, 62, 127, 0, false)),
                accept(assembly, 2.04, "pitch 60, tie, shift 10, velocity 0, pitch 60, end"),
                "untied: over. The hit was beyond this segment's start");
        assertEquals(
                List.of(Note.of(0.1, 2.04 + 0.1, 60, 127, 0, false)),
                accept(assembly, 4.09, "tie, shift 10, velocity 1, pitch 64, end"));
        Assembled assembled = assembly.finish();
        assertEquals(4, assembled.notes().size());
        assertEquals(
                Note.of(4.09 + 0.1, 4.09 + 0.1 + 0.01, 64, 127, 0, false),
                assembled.notes().get(3));
        assertEquals(2, assembled.dropped(), "the shift and the hit; the end token is no event");
    }

    private List<Note> accept(Assembly assembly, double start, String says) {
        return assembly.accept(Streams.events(mt3, segment(mt3, start, says)));
    }

    @Test
    void refusesSegmentsInAnotherOrder() {
        Assembly assembly = Streams.begin(mt3);
        assembly.accept(new SegmentEvents(2.04, List.of(List.of())));
        assertThrows(IllegalArgumentException.class, () -> assembly.accept(new SegmentEvents(0, List.of(List.of()))));
    }

    @Test
    void refusesSeveralChannels() {
        Assembly assembly = Streams.begin(mt3);
        String message = assertThrows(
                        LuthierException.class,
                        () -> assembly.accept(new SegmentEvents(0, List.of(List.of(), List.of()))))
                .getMessage();
        assertTrue(message.contains("one channel"), message);
    }

    @Test
    void refusesATokenizerWhoseEventsItCannotRead() {
        Mt3ReferenceAssembler assembler = new Mt3ReferenceAssembler();
        String message = assertThrows(
                        LuthierException.class, () -> assembler.begin(new PitchesOnly(), Settings.defaults(assembler)))
                .getMessage();
        assertTrue(message.contains("shift, pitch and velocity") && message.contains("hum"), message);
    }

    /** A vocabulary without time. */
    private static final class PitchesOnly implements Tokenizer {
        @Override
        public String id() {
            return "hum";
        }

        @Override
        public String description() {
            return "Pitches without time.";
        }

        @Override
        public Vocabulary vocabulary() {
            return new Vocabulary("hum", 130, 0, 1, List.of(new Vocabulary.Range("pitch", 2, 128, 0)));
        }

        @Override
        public int stepsPerSecond() {
            return 1;
        }

        @Override
        public double segmentSeconds() {
            return 1;
        }

        @Override
        public List<Event> events(IntList ids) {
            return List.of();
        }

        @Override
        public IntList ids(List<Event> events) {
            return IntLists.immutable.empty();
        }

        @Override
        public Grammar grammar() {
            throw new UnsupportedOperationException("none");
        }
    }
}
