package org.luthier.tokenizer.yourmt3;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/** Which id stands for which event. Immutable. */
final class EventCodec {
    static final int PAD = 0;
    static final int END = 1;
    static final int PITCHES = 128;
    static final int PROGRAMS = 128;
    /** A segment is shorter than 2.05 s, and its start is rounded to a step. */
    static final int LARGEST_SHIFT = 205;

    private static final int SPECIALS = 3;

    /** First id of each kind; that of velocity ends notes, the one after it starts them. */
    final int shift;

    final int pitch;
    final int velocity;
    final int tie;
    final int program;
    final int drum;

    private final Vocabulary vocabulary;

    EventCodec(Task task) {
        List<Range> ranges = new ArrayList<>();
        add(ranges, "special", SPECIALS);
        if (task.prefixes() > 0) {
            add(ranges, "task", task.prefixes());
        }
        shift = add(ranges, "shift", LARGEST_SHIFT + 1);
        pitch = add(ranges, "pitch", PITCHES);
        velocity = add(ranges, "velocity", 2);
        tie = add(ranges, "tie", 1);
        program = add(ranges, "program", PROGRAMS);
        drum = add(ranges, "drum", PITCHES);
        vocabulary = new Vocabulary(task.name(), drum + PITCHES, PAD, END, List.copyOf(ranges));
    }

    private static int add(List<Range> ranges, String type, int count) {
        Range last = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
        int first = last == null ? 0 : last.firstId() + last.count();
        ranges.add(new Range(type, first, count, 0));
        return first;
    }

    Vocabulary vocabulary() {
        return vocabulary;
    }

    /** What an id means; {@code invalid} if nothing. */
    Event event(int id) {
        for (Range range : vocabulary.ranges()) {
            if (id >= range.firstId() && id < range.firstId() + range.count()) {
                return new Event(range.type(), id - range.firstId());
            }
        }
        return new Event("invalid", id);
    }

    /**
     * The id of an event.
     *
     * @throws LuthierException if there is none
     */
    int id(Event event) {
        for (Range range : vocabulary.ranges()) {
            if (range.type().equals(event.type()) && event.value() >= 0 && event.value() < range.count()) {
                return range.firstId() + event.value();
            }
        }
        throw new LuthierException("tokenizer " + vocabulary.task() + " has no id for the event " + event.type() + " "
                + event.value() + "; it has "
                + String.join(
                        ", ",
                        vocabulary.ranges().stream()
                                .map(range -> range.type() + " 0.." + (range.count() - 1))
                                .toList()));
    }
}
