package org.luthier.tokenizer.mt3;

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

    private static final int SPECIALS = 3;
    private static final int LARGEST_SHIFT = 1000;

    /** First id of each kind; that of velocity stands for bin 0, which ends notes. */
    final int shift;

    final int pitch;
    final int velocity;
    final int tie;
    final int program;
    final int drum;
    /** Velocities that start notes, 1..bins. */
    final int bins;
    /** Whether a segment begins with the notes that still sound. */
    final boolean ties;

    private final Vocabulary vocabulary;

    /**
     * @param task what the ids were trained for
     * @param bins velocities that start notes
     * @param ties whether the model was trained to say which notes still sound; if not, the id has no meaning
     */
    EventCodec(String task, int bins, boolean ties) {
        this.bins = bins;
        this.ties = ties;
        List<Range> ranges = new ArrayList<>();
        add(ranges, "special", SPECIALS);
        shift = add(ranges, "shift", LARGEST_SHIFT + 1);
        pitch = add(ranges, "pitch", PITCHES);
        velocity = add(ranges, "velocity", bins + 1);
        tie = add(ranges, ties ? "tie" : "reserved", 1);
        program = add(ranges, "program", PROGRAMS);
        drum = add(ranges, "drum", PITCHES);
        vocabulary = new Vocabulary(task, drum + PITCHES, PAD, END, List.copyOf(ranges));
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
            int offset = id - range.firstId();
            if (offset >= 0 && offset < range.count() && !range.type().equals("reserved")) {
                return new Event(range.type(), range.firstValue() + offset);
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
            int offset = event.value() - range.firstValue();
            if (range.type().equals(event.type())
                    && offset >= 0
                    && offset < range.count()
                    && !range.type().equals("reserved")) {
                return range.firstId() + offset;
            }
        }
        throw new LuthierException("tokenizer " + vocabulary.task() + " has no id for the event " + event.type() + " "
                + event.value() + "; it has " + describe());
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        for (Range range : vocabulary.ranges()) {
            if (!range.type().equals("reserved")) {
                text.append(text.isEmpty() ? "" : ", ")
                        .append(range.type())
                        .append(' ')
                        .append(range.firstValue())
                        .append("..")
                        .append(range.firstValue() + range.count() - 1);
            }
        }
        return text.toString();
    }
}
