package org.luthier.assembler.mt3;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.SegmentEvents;

/**
 * The notes of one recording.
 *
 * <p>Events at a segment's start, ties above all, are taken as soon as it comes. Those after its first shift wait for the next segment:
 * what lies after that one's start is dropped.
 */
final class Mt3Assembly implements Assembly {
    /** Length of a drum hit, and the least of a note, in seconds. */
    private static final double SHORTEST = 0.01;

    private static final double NOT_YET_KNOWN = Double.NaN;
    private static final double NONE = Double.POSITIVE_INFINITY;

    /** What can sound once at a time. */
    private record Key(int pitch, int program) {}

    /** How a sounding note began. */
    private record Onset(double time, int velocity) {}

    private final int stepsPerSecond;
    private final int bins;
    private final boolean ties;

    private final List<Note> notes = new ArrayList<>();
    private long invalid;
    private long dropped;

    /** In order of onset; a note that starts again goes to the end. */
    private final Map<Key, Onset> active = new LinkedHashMap<>();

    private final Set<Key> tied = new HashSet<>();
    private boolean inTies;
    /** Time of the latest event. */
    private double now;

    private int velocity = 100;
    private int program;

    /** The segment being read, and the first of its events that was not taken. */
    private List<Event> events = List.of();

    private int next;
    private double start = Double.NEGATIVE_INFINITY;
    private long steps;
    private double time;

    /**
     * @param bins velocities that start notes
     * @param ties whether a segment begins with the notes that still sound
     */
    Mt3Assembly(int stepsPerSecond, int bins, boolean ties) {
        this.stepsPerSecond = stepsPerSecond;
        this.bins = bins;
        this.ties = ties;
    }

    @Override
    public List<Note> accept(SegmentEvents segment) {
        if (segment.channels().size() != 1) {
            throw new LuthierException("note assembler mt3-reference reads one channel of events, got "
                    + segment.channels().size() + "; choose another assembler with --assembler");
        }
        if (segment.start() < start) {
            throw new IllegalArgumentException("segment at " + segment.start() + " s after one at " + start + " s");
        }
        int before = notes.size();
        take(segment.start());
        begin(segment);
        take(NOT_YET_KNOWN);
        return List.copyOf(notes.subList(before, notes.size()));
    }

    @Override
    public Assembled finish() {
        take(NONE);
        for (Onset onset : active.values()) {
            now = Math.max(now, onset.time + SHORTEST);
        }
        active.forEach((key, onset) -> emit(key, onset, now));
        active.clear();
        return new Assembled(List.copyOf(notes), invalid, dropped);
    }

    private void begin(SegmentEvents segment) {
        events = List.copyOf(segment.channels().get(0));
        next = 0;
        start = segment.start();
        steps = 0;
        time = start;
        tied.clear();
        inTies = ties;
    }

    /**
     * Takes the events that are left of the segment.
     *
     * @param limit where the next segment starts; while that is not known, the first shift ends the call
     */
    private void take(double limit) {
        for (; next < events.size(); next++) {
            Event event = events.get(next);
            switch (event.type()) {
                case "shift" -> {
                    if (Double.isNaN(limit)) {
                        return;
                    }
                    steps += event.value();
                    time = start + steps / (double) stepsPerSecond;
                    if (time > limit) {
                        dropped += events.size() - next;
                        next = events.size();
                        return;
                    }
                }
                case "pitch", "velocity", "tie", "program", "drum" -> {
                    // Steps count from the segment's start; only shifts that follow each other add up.
                    steps = 0;
                    if (time < now || !happen(event)) {
                        invalid++;
                    }
                }
                default -> invalid++;
            }
        }
    }

    /** Lets an event happen at the current time; false if it is refused. Even then time has come that far. */
    private boolean happen(Event event) {
        now = time;
        return switch (event.type()) {
            case "pitch" -> pitch(new Key(event.value(), program));
            case "drum" -> velocity != 0 && notes.add(note(time, time, event.value(), velocity, 0, true));
            case "velocity" -> {
                velocity = event.value() == 0 ? 0 : 127 * event.value() / bins;
                yield true;
            }
            case "program" -> {
                program = event.value();
                yield true;
            }
            default -> tie();
        };
    }

    private boolean pitch(Key key) {
        if (inTies) {
            return active.containsKey(key) && tied.add(key);
        }
        Onset before = active.remove(key);
        if (before != null) {
            emit(key, before, time);
        }
        if (velocity == 0) {
            return before != null;
        }
        active.put(key, new Onset(time, velocity));
        return true;
    }

    /** Ends what was not tied. */
    private boolean tie() {
        if (!inTies) {
            return false;
        }
        active.entrySet().removeIf(entry -> {
            boolean ends = !tied.contains(entry.getKey());
            if (ends) {
                emit(entry.getKey(), entry.getValue(), now);
            }
            return ends;
        });
        inTies = false;
        return true;
    }

    private void emit(Key key, Onset onset, double end) {
        notes.add(note(onset.time, end, key.pitch, onset.velocity, key.program, false));
    }

    private static Note note(double start, double end, int pitch, int velocity, int program, boolean drum) {
        return Note.of(start, Math.max(end, start + SHORTEST), pitch, velocity, program, drum);
    }
}
