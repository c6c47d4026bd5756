package org.luthier.tokenizer.yourmt3;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.tokens.SegmentTokens;

/**
 * Writes what a perfect model would say for notes, as the model was trained to.
 *
 * <p>A segment owns the starts and ends from its own start to the next one's, in seconds and not in steps. It begins with the notes that
 * sound there; its shifts count from its start, rounded to a step. Within a step drums come last, then it goes by program, ends before
 * starts, by pitch.
 *
 * <p>Assembling the ids gives back the same notes if: starts and ends are whole steps and at least one apart, no note is longer than
 * 10 s, a drum lasts one step, programs and drums stand for their classes, and in no channel a row was too long.
 */
final class NoteEncoder {
    /** The start (velocity 1) or end (0) of a note. */
    private record Change(double time, boolean drum, int program, int velocity, int pitch) {
        private static final Comparator<Change> WITHIN_A_STEP = Comparator.comparing(Change::drum)
                .thenComparingInt(Change::program)
                .thenComparingInt(Change::velocity)
                .thenComparingInt(Change::pitch);
        private static final Comparator<Change> BY_TIME =
                Comparator.comparingDouble(Change::time).thenComparing(WITHIN_A_STEP);
        private static final Comparator<Change> BY_STEP =
                Comparator.comparingLong(Change::step).thenComparing(WITHIN_A_STEP);

        long step() {
            return stepOf(time);
        }

        static long stepOf(double time) {
            return (long) Math.rint(time * TaskTokenizer.STEPS_PER_SECOND);
        }

        int key() {
            return program * EventCodec.PITCHES + pitch;
        }
    }

    private final Task task;
    private final EventCodec codec;

    NoteEncoder(Task task, EventCodec codec) {
        this.task = task;
        this.codec = codec;
    }

    /** @param segments segments of the recording */
    List<SegmentTokens> encode(List<Note> notes, int segments) {
        List<Change> changes = changes(notes);
        List<SegmentTokens> result = new ArrayList<>();
        // Keys, in order of onset; one that starts twice is there twice.
        MutableIntList sounding = IntLists.mutable.empty();
        int next = 0;
        for (int segment = 0; segment < segments || next < changes.size(); segment++) {
            double start = TaskTokenizer.start(segment);
            double end = TaskTokenizer.start(segment + 1);
            IntList tied = sounding.toSortedList();
            List<Change> owned = new ArrayList<>();
            for (; next < changes.size() && changes.get(next).time < end; next++) {
                Change change = changes.get(next);
                owned.add(change);
                if (change.velocity == 0) {
                    sounding.remove(change.key());
                } else if (!change.drum) {
                    sounding.add(change.key());
                }
            }
            owned.sort(Change.BY_STEP);
            List<IntList> rows = new ArrayList<>();
            for (int channel = 0; channel < task.channels(); channel++) {
                rows.add(new Row(channel, Change.stepOf(start)).of(tied, owned));
            }
            result.add(new SegmentTokens(start, List.copyOf(rows)));
        }
        return result;
    }

    private List<Change> changes(List<Note> notes) {
        Map<Integer, Note> last = new HashMap<>();
        List<Change> changes = new ArrayList<>();
        List<Note> ordered = new ArrayList<>(notes);
        ordered.sort(Comparator.comparingDouble(Note::start).thenComparingDouble(Note::end));
        for (Note note : ordered) {
            check(note);
            if (note.drum()) {
                int drum = NumberClasses.DRUMS.representative(note.pitch());
                changes.add(new Change(note.start(), true, 0, 1, drum));
            } else {
                Note before = last.put(note.program() * EventCodec.PITCHES + note.pitch(), note);
                if (before != null && note.start() < before.end()) {
                    throw refuse(
                            note,
                            "it starts before another one of its pitch and program ends at " + before.end()
                                    + " s; shorten that one");
                }
                int program = task.programs().representative(note.program());
                changes.add(new Change(note.start(), false, program, 1, note.pitch()));
                changes.add(new Change(note.end(), false, program, 0, note.pitch()));
            }
        }
        changes.sort(Change.BY_TIME);
        return changes;
    }

    private static void check(Note note) {
        if (!(note.start() >= 0 && note.end() < Integer.MAX_VALUE)) {
            throw refuse(note, "times count in seconds from 0");
        }
        if (!(note.drum() || note.end() > note.start())) {
            throw refuse(note, "it must end after it starts");
        }
        if (note.pitch() < 0 || note.pitch() >= EventCodec.PITCHES) {
            throw refuse(note, "pitches are 0 to 127");
        }
        if (note.program() < 0 || note.program() >= EventCodec.PROGRAMS) {
            throw refuse(note, "programs are 0 to 127");
        }
        if (note.velocity() < 1 || note.velocity() > 127) {
            throw refuse(note, "velocities are 1 to 127");
        }
    }

    private static LuthierException refuse(Note note, String why) {
        return new LuthierException("cannot write the note of pitch " + note.pitch() + ", program " + note.program()
                + ", velocity " + note.velocity() + " from " + note.start() + " s to " + note.end() + " s as tokens: "
                + why);
    }

    /** The ids of one segment and channel; program and velocity are written where they differ from the last ones written in it. */
    private final class Row {
        private final MutableIntList ids = IntLists.mutable.empty();
        private final int channel;
        private final long start;
        private long step;
        private int program = -1;
        private int velocity = -1;

        /** @param start step of the recording at which the segment starts */
        private Row(int channel, long start) {
            this.channel = channel;
            this.start = start;
            this.step = start;
        }

        private IntList of(IntList tied, List<Change> changes) {
            for (int i = 0; i < tied.size(); i++) {
                int ofTied = tied.get(i) / EventCodec.PITCHES;
                if (task.channelOf(ofTied) == channel) {
                    program(ofTied);
                    ids.add(codec.pitch + tied.get(i) % EventCodec.PITCHES);
                }
            }
            ids.add(codec.tie);
            for (Change change : changes) {
                if ((change.drum ? task.drumChannel() : task.channelOf(change.program)) == channel) {
                    change(change);
                }
            }
            ids.add(EventCodec.END);
            return IntLists.immutable.of(Arrays.copyOf(ids.toArray(), Math.min(ids.size(), task.maxTokens())));
        }

        private void change(Change change) {
            if (change.step() != step) {
                step = change.step();
                ids.add(codec.shift + Math.toIntExact(step - start));
            }
            if (!change.drum) {
                program(change.program);
            }
            if (change.velocity != velocity) {
                velocity = change.velocity;
                ids.add(codec.velocity + velocity);
            }
            ids.add((change.drum ? codec.drum : codec.pitch) + change.pitch);
        }

        private void program(int wanted) {
            if (wanted != program) {
                program = wanted;
                ids.add(codec.program + program);
            }
        }
    }
}
