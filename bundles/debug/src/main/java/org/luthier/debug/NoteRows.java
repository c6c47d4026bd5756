package org.luthier.debug;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.luthier.api.notes.Note;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Tokenizer;

/**
 * What is made of the outputs, as further rows of a comparison: the events of the tokens, and the notes. The first that differs is told in
 * words. Both follow from tensors, so that they inherit and never depart by themselves.
 */
public final class NoteRows {
    private static final String EVENTS = "events";
    private static final String NOTES = "notes";

    /** Seconds; far less than a step or a frame. */
    private static final double SAME_TIME = 1e-6;
    /** Of an amplitude between 0 and 1. */
    private static final double SAME_AMPLITUDE = 5e-3;

    private static final Comparator<Note> IN_TIME = Comparator.comparingDouble(Note::start)
            .thenComparingInt(Note::program)
            .thenComparingInt(Note::pitch);

    private NoteRows() {}

    /** Adds the events of what both decoders said, if both say something of one segment. */
    public static TraceDiff withEvents(TraceDiff diff, Reference trace, Reference reference, Tokenizer tokenizer) {
        Map<Integer, List<Event>> mine = events(trace, tokenizer);
        Map<Integer, List<Event>> theirs = events(reference, tokenizer);
        mine.keySet().retainAll(theirs.keySet());
        theirs.keySet().retainAll(mine.keySet());
        if (theirs.isEmpty()) {
            return diff;
        }
        int row = 0;
        for (Map.Entry<Integer, List<Event>> slot : theirs.entrySet()) {
            List<String> said = words(mine.get(slot.getKey()));
            List<String> recorded = words(slot.getValue());
            int at = firstDifference(said, recorded, String::equals);
            if (at >= 0) {
                return diff.with(
                        row(diff, EVENTS, size(theirs), List.of(row, at), difference("event", at, said, recorded)));
            }
            row++;
        }
        return diff.with(row(diff, EVENTS, size(theirs), null, null));
    }

    /**
     * Adds the notes of both sides.
     *
     * @param trace null where nobody could make them
     * @param reference null likewise
     */
    public static TraceDiff withNotes(TraceDiff diff, List<Note> trace, List<Note> reference) {
        if (trace == null || reference == null) {
            return diff;
        }
        List<Note> mine = trace.stream().sorted(IN_TIME).toList();
        List<Note> theirs = reference.stream().sorted(IN_TIME).toList();
        int at = firstDifference(mine, theirs, NoteRows::isSame);
        return diff.with(
                at < 0
                        ? row(diff, NOTES, theirs.size(), null, null)
                        : row(
                                diff,
                                NOTES,
                                theirs.size(),
                                List.of(at),
                                difference(
                                        "note",
                                        at,
                                        mine.stream().map(NoteRows::words).toList(),
                                        theirs.stream().map(NoteRows::words).toList())));
    }

    /** The events of each row of tokens, by segment * channels + channel. */
    private static Map<Integer, List<Event>> events(Reference run, Tokenizer tokenizer) {
        Map<Integer, List<Event>> events = new TreeMap<>();
        RecordedTokens tokens = RecordedTokens.of(run);
        if (tokens == null) {
            return events;
        }
        List<Integer> segments = tokens.segments();
        int channels = Math.max(1, tokens.rows() / segments.size());
        for (int row = 0; row < Math.min(tokens.rows(), channels * segments.size()); row++) {
            events.put(segments.get(row / channels) * channels + row % channels, tokenizer.events(tokens.ids(row)));
        }
        return events;
    }

    private static int size(Map<Integer, List<Event>> events) {
        return events.values().stream().mapToInt(List::size).sum();
    }

    private static List<String> words(List<Event> events) {
        return events.stream().map(event -> event.type() + " " + event.value()).toList();
    }

    private static String words(Note note) {
        return String.format(
                Locale.ROOT,
                "%s %d, %.3f to %.3f s, velocity %d%s",
                note.drum() ? "drum" : "pitch",
                note.pitch(),
                note.start(),
                note.end(),
                note.velocity(),
                note.drum() ? "" : ", program " + note.program());
    }

    private static boolean isSame(Note a, Note b) {
        boolean asLoud = Double.isNaN(a.amplitude()) || Double.isNaN(b.amplitude())
                ? a.velocity() == b.velocity()
                : Math.abs(a.amplitude() - b.amplitude()) <= SAME_AMPLITUDE;
        return asLoud
                && a.pitch() == b.pitch()
                && a.program() == b.program()
                && a.drum() == b.drum()
                && Math.abs(a.start() - b.start()) <= SAME_TIME
                && Math.abs(a.end() - b.end()) <= SAME_TIME;
    }

    private interface Same<T> {
        boolean test(T a, T b);
    }

    /** -1 if there is none. */
    private static <T> int firstDifference(List<T> mine, List<T> theirs, Same<T> same) {
        int shorter = Math.min(mine.size(), theirs.size());
        for (int i = 0; i < shorter; i++) {
            if (!same.test(mine.get(i), theirs.get(i))) {
                return i;
            }
        }
        return mine.size() == theirs.size() ? -1 : shorter;
    }

    private static String difference(String what, int at, List<String> mine, List<String> theirs) {
        String is = at < mine.size() ? mine.get(at) : "missing";
        String was = at < theirs.size() ? "not " + theirs.get(at) : "and the reference has no more";
        return what + " " + at + " is " + is + ", " + was;
    }

    private static TensorDiff row(TraceDiff diff, String name, int count, List<Integer> first, String difference) {
        int order = diff.tensors().size();
        List<Integer> shape = List.of(count);
        if (difference == null) {
            return TensorDiff.of(name, order, shape, Verdict.SAME, null);
        }
        if (diff.clean()) {
            // Something lies just on a threshold.
            return TensorDiff.notJudged(name, order, shape, difference + ", although all that it is made from agrees");
        }
        double none = Double.NaN;
        return new TensorDiff(
                name, order, shape, none, none, none, none, none, first, -1, Verdict.INHERITED, difference, List.of());
    }
}
