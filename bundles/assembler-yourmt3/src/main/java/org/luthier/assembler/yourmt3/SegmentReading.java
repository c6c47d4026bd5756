package org.luthier.assembler.yourmt3;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.tokens.Event;

/**
 * What the events of one segment and channel say by themselves: which notes go on from before, what starts and ends, and what sounds in
 * the end. Used once.
 *
 * <p>Up to the tie, programs and pitches name the notes that go on; all else is passed over, the end token too. A shift before the tie,
 * or no tie at all, and the segment says nothing. Behind the tie, events happen at the step of the last shift, which counts from the
 * segment's start and may go back; the end token ends them.
 */
final class SegmentReading {
    private static final int END = 1;
    private static final int UNSET = -1;
    private static final int LARGEST_SHIFT = 1000;

    private final List<NoteEvent> events = new ArrayList<>();
    private final List<Key> ties = new ArrayList<>();
    private final List<Key> sounding = new ArrayList<>();
    private final Faults faults = new Faults();

    private final int stepsPerSecond;
    private final long start;
    private long step;
    private int program = UNSET;
    private int velocity = UNSET;

    /**
     * @param start seconds from the beginning of the recording
     * @param said without events that mean nothing; those of type {@code task} do not count
     */
    SegmentReading(double start, List<Event> said, int stepsPerSecond) {
        this.stepsPerSecond = stepsPerSecond;
        this.start = (long) Math.rint(start * stepsPerSecond);
        this.step = this.start;
        List<Event> counting =
                said.stream().filter(event -> !event.type().equals("task")).toList();
        int body = tieSection(counting);
        if (body < 0) {
            faults.add(Fault.NO_TIE);
            ties.clear();
            sounding.clear();
        } else {
            body(counting.subList(body, counting.size()));
        }
        events.sort(NoteEvent.BY_PROGRAM);
        ties.sort(Key.ORDER);
    }

    /** Starts, ends and hits, in order. */
    List<NoteEvent> events() {
        return events;
    }

    /** What goes on from the segment before, in order. */
    List<Key> ties() {
        return ties;
    }

    /** What sounds in the end, in order of mention; what was started twice and ended once is there. */
    List<Key> sounding() {
        return sounding;
    }

    Faults faults() {
        return faults;
    }

    /** Reads up to the tie; the place behind it, or -1 if there is none. */
    private int tieSection(List<Event> said) {
        for (int i = 0; i < said.size(); i++) {
            Event event = said.get(i);
            switch (event.type()) {
                case "tie" -> {
                    return i + 1;
                }
                case "shift" -> {
                    return -1;
                }
                case "program" -> program = event.value();
                case "pitch" -> {
                    if (program == UNSET) {
                        faults.add(Fault.TIE_WITHOUT_PROGRAM);
                    } else {
                        Key key = new Key(program, event.value());
                        ties.add(key);
                        sounding.add(key);
                    }
                }
                default -> {
                    // Passed over.
                }
            }
        }
        return -1;
    }

    private void body(List<Event> said) {
        for (Event event : said) {
            switch (event.type()) {
                case "shift" -> {
                    if (event.value() <= 0 || event.value() > LARGEST_SHIFT) {
                        faults.add(Fault.SHIFT_OUT_OF_RANGE);
                    } else {
                        step = start + event.value();
                    }
                }
                case "drum" -> events.add(new NoteEvent(time(), true, NoteEvent.DRUMS, 1, event.value()));
                case "program" -> program = event.value();
                case "velocity" -> velocity = event.value();
                case "pitch" -> pitch(event.value());
                case "tie" -> faults.add(step == start ? Fault.TIE_AGAIN : Fault.TIE_LATE);
                case "special" -> {
                    if (event.value() == END) {
                        return;
                    }
                }
                default -> faults.add(Fault.UNKNOWN_EVENT);
            }
        }
    }

    private void pitch(int pitch) {
        if (program == UNSET) {
            faults.add(Fault.NO_PROGRAM);
        } else if (velocity == UNSET) {
            faults.add(Fault.NO_VELOCITY);
        } else {
            Key key = new Key(program, pitch);
            if (velocity > 0) {
                sounding.add(key);
            } else if (!sounding.remove(key)) {
                faults.add(Fault.END_WITHOUT_START);
                return;
            }
            events.add(new NoteEvent(time(), false, program, velocity, pitch));
        }
    }

    private double time() {
        return step / (double) stepsPerSecond;
    }
}
