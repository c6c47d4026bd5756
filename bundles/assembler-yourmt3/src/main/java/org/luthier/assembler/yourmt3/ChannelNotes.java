package org.luthier.assembler.yourmt3;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.notes.Note;

/** The notes of one channel: the events of its segments joined at their borders. */
final class ChannelNotes {
    private static final double LONGEST = 10;

    private final List<NoteEvent> events = new ArrayList<>();
    private final Faults faults = new Faults();
    private List<Key> sounding = List.of();

    /**
     * Takes the next segment. What sounded and is not tied ends where the segment starts, to the sample and not to the step.
     *
     * @param start seconds from the beginning of the recording
     */
    void add(double start, SegmentReading segment) {
        Set<Key> tied = new HashSet<>(segment.ties());
        for (Key key : sounding) {
            if (!tied.contains(key)) {
                faults.add(Fault.NOT_TIED);
                events.add(new NoteEvent(start, false, key.program(), 0, key.pitch()));
            }
        }
        events.addAll(segment.events());
        sounding = segment.sounding();
    }

    /** All notes, in order. What never ended is as short as a note can be. */
    List<Note> finish() {
        events.sort(NoteEvent.BY_PITCH);
        List<Note> notes = new ArrayList<>();
        Map<Key, Double> onsets = new HashMap<>();
        for (NoteEvent event : events) {
            if (event.drum()) {
                notes.add(NoteRules.hit(event.time(), event.pitch()));
                continue;
            }
            Key key = new Key(event.program(), event.pitch());
            Double onset = event.velocity() > 0 ? onsets.put(key, event.time()) : onsets.remove(key);
            if (onset != null) {
                notes.add(note(key, onset, event.time()));
            } else if (event.velocity() == 0) {
                faults.add(Fault.NO_ONSET);
            }
        }
        onsets.forEach((key, onset) -> notes.add(note(key, onset, onset + NoteRules.SHORTEST)));
        notes.sort(NoteRules.ORDER);
        return NoteRules.trimmed(NoteRules.lengthened(notes));
    }

    Faults faults() {
        return faults;
    }

    private Note note(Key key, double start, double end) {
        if (end - start > LONGEST) {
            faults.add(Fault.TOO_LONG);
            end = start + NoteRules.SHORTEST;
        }
        return NoteRules.note(start, end, key);
    }
}
