package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.luthier.api.notes.Note;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;

class NoteRowsTest {
    /** Every id is a pitch, up to the first that ends. */
    private static final Tokenizer PITCHES = new Tokenizer() {
        @Override
        public String id() {
            return "pitches";
        }

        @Override
        public String description() {
            return "Ids are pitches.";
        }

        @Override
        public Vocabulary vocabulary() {
            return new Vocabulary("pitches", 128, 0, 1, List.of());
        }

        @Override
        public int stepsPerSecond() {
            return 100;
        }

        @Override
        public double segmentSeconds() {
            return 1;
        }

        @Override
        public List<Event> events(IntList ids) {
            List<Event> events = new ArrayList<>();
            for (int i = 0; i < ids.size() && ids.get(i) != 1; i++) {
                events.add(new Event("pitch", ids.get(i)));
            }
            return events;
        }

        @Override
        public IntList ids(List<Event> events) {
            return IntLists.immutable.ofAll(events.stream().mapToInt(Event::value));
        }

        @Override
        public Grammar grammar() {
            throw new UnsupportedOperationException("not needed here");
        }
    };

    private static Reference run(List<Integer> segments, int rows, float... tokens) {
        return Reference.of(
                "run",
                new Reference.Header("tokens", "luthier", "float32", "none", segments),
                List.of(
                        RecordedTensor.of("logits", new float[] {tokens[0]}, List.of(1)),
                        new RecordedTensor(
                                Tracer.TOKENS,
                                List.of(rows, tokens.length / rows),
                                tokens,
                                List.of(),
                                Double.NaN,
                                true,
                                true)));
    }

    private static TensorDiff events(Reference trace, Reference reference) {
        TraceDiff diff =
                NoteRows.withEvents(TraceDiff.compare(trace, reference, Thresholds.FLOAT32), trace, reference, PITCHES);
        return diff.tensors().get(2);
    }

    @Test
    void theFirstEventThatDiffersIsTold() {
        Reference reference = run(List.of(3, 5), 2, 60, 62, 1, 0, 60, 64, 67, 1);
        TensorDiff same = events(reference, reference);
        assertEquals("events", same.name());
        assertEquals(Verdict.SAME, same.verdict());
        assertEquals(List.of(5), same.shape());
        // Segment 3 is not in the trace, and segment 5 departs.
        TensorDiff other = events(run(List.of(5), 1, 60, 65, 67, 1), reference);
        assertEquals(Verdict.INHERITED, other.verdict());
        assertEquals("event 1 is pitch 65, not pitch 64", other.note());
        assertEquals(List.of(0, 1), other.firstIndex());
        assertEquals(
                "event 2 is missing, not pitch 67",
                events(run(List.of(5), 1, 60, 64, 1, 0), reference).note());
        assertEquals(
                "event 2 is pitch 65, and the reference has no more",
                events(run(List.of(3), 1, 60, 62, 65, 1), reference).note());
        // Two channels a segment.
        Reference channels = run(List.of(5), 2, 60, 1, 70, 1);
        assertEquals(
                "event 0 is pitch 71, not pitch 70",
                events(run(List.of(5), 2, 60, 1, 71, 1), channels).note());
    }

    @Test
    void nothingIsAddedWhereNobodySpoke() {
        Reference reference = run(List.of(3), 1, 60, 1);
        TraceDiff diff = TraceDiff.compare(reference, reference, Thresholds.FLOAT32);
        Reference mute = Reference.of("mute", reference.header(), List.of(reference.tensor("logits")));
        assertSame(diff, NoteRows.withEvents(diff, mute, reference, PITCHES));
        assertSame(diff, NoteRows.withEvents(diff, run(List.of(4), 1, 60, 1), reference, PITCHES));
        assertSame(diff, NoteRows.withNotes(diff, null, List.of()));
    }

    @Test
    void theFirstNoteThatDiffersIsTold() {
        Reference reference = run(List.of(3), 1, 60, 1);
        TraceDiff agrees = TraceDiff.compare(reference, reference, Thresholds.FLOAT32);
        TraceDiff departs = TraceDiff.compare(run(List.of(3), 1, 61, 1), reference, Thresholds.FLOAT32);
        List<Note> notes =
                List.of(Note.of(1, 1.5, 60, 80, 3, false), Note.of(0.5, 1, 36, 127, 0, true)); // not in order of time
        List<Note> other = List.of(Note.of(0.5, 1, 36, 127, 0, true), Note.of(1, 1.25, 60, 80, 3, false));
        TraceDiff same = NoteRows.withNotes(departs, notes, List.of(notes.get(1), notes.get(0)));
        assertEquals(Verdict.SAME, same.tensors().get(2).verdict());
        TensorDiff row = NoteRows.withNotes(departs, other, notes).tensors().get(2);
        assertEquals("notes", row.name());
        assertEquals(Verdict.INHERITED, row.verdict());
        assertEquals(
                "note 1 is pitch 60, 1.000 to 1.250 s, velocity 80, program 3, not pitch 60, 1.000 to 1.500 s, velocity 80,"
                        + " program 3",
                row.note());
        // Where all else agrees it is a matter of a threshold, and nobody's fault.
        TensorDiff threshold =
                NoteRows.withNotes(agrees, notes.subList(0, 1), notes).tensors().get(2);
        assertEquals(Verdict.NOT_JUDGED, threshold.verdict());
        assertTrue(threshold.note().endsWith(", although all that it is made from agrees"), threshold.note());
        assertTrue(NoteRows.withNotes(agrees, notes.subList(0, 1), notes).clean());
    }
}
