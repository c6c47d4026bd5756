package org.luthier.assembler.yourmt3;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.notes.Note;

/** What holds of every list of notes: their order, and how short and how close they may be. */
final class NoteRules {
    /** Length of a drum hit, and the least of a note, in seconds. */
    static final double SHORTEST = 0.01;

    /** The one loudness there is, as MIDI has it. */
    static final int VELOCITY = 100;

    static final Comparator<Note> ORDER = Comparator.comparingDouble(Note::start)
            .thenComparing(Note::drum)
            .thenComparingInt(Note::program)
            .thenComparingInt(Note::pitch);

    private NoteRules() {}

    static Note note(double start, double end, Key key) {
        return Note.of(start, end, key.pitch(), VELOCITY, key.program(), false);
    }

    static Note hit(double start, int drum) {
        return Note.of(start, start + SHORTEST, drum, VELOCITY, 0, true);
    }

    /** The notes of several channels, which may have told of the same ones. */
    static List<Note> mixed(List<List<Note>> channels) {
        List<Note> notes = new ArrayList<>();
        channels.forEach(notes::addAll);
        notes.sort(ORDER.thenComparingDouble(Note::end));
        return lengthened(trimmed(notes));
    }

    /** Gives every note its least length. */
    static List<Note> lengthened(List<Note> notes) {
        return notes.stream()
                .map(note -> {
                    double end = note.end();
                    boolean tooShort = !note.drum() && end - note.start() < SHORTEST;
                    return tooShort || end < note.start() ? until(note, note.start() + SHORTEST) : note;
                })
                .toList();
    }

    /**
     * Ends every note where the next one of its pitch and program starts, and leaves out what has no length then.
     *
     * @param notes in order
     */
    static List<Note> trimmed(List<Note> notes) {
        if (notes.size() < 2) {
            return notes;
        }
        List<Note> trimmed = new ArrayList<>(notes);
        Map<Key, Integer> last = new HashMap<>();
        for (int i = 0; i < notes.size(); i++) {
            Note note = notes.get(i);
            Key key = new Key(note.drum() ? NoteEvent.DRUMS : note.program(), note.pitch());
            Integer before = last.put(key, i);
            if (before != null && trimmed.get(before).end() > note.start()) {
                trimmed.set(before, until(trimmed.get(before), note.start()));
            }
        }
        trimmed.removeIf(note -> note.start() >= note.end());
        return trimmed;
    }

    private static Note until(Note note, double end) {
        return Note.of(note.start(), end, note.pitch(), note.velocity(), note.program(), note.drum());
    }
}
