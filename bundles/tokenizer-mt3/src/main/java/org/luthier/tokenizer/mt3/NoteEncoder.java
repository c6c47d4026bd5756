package org.luthier.tokenizer.mt3;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.tokens.SegmentTokens;

/**
 * Writes what a perfect model would say for notes, as the model was trained to.
 *
 * <p>Events stand in order of their exact times; at one time ends come before starts and drums last, by program and pitch. Their
 * steps are those of the whole recording, so that none lies on a border.
 *
 * <p>Assembling the ids gives back the same notes, in another order, if: starts and ends are whole steps and at least one apart; a drum
 * lasts one step and has program 0; the velocity is one that the vocabulary has (127 where there is only one); two notes of one pitch and
 * program that is no drum may touch and do not overlap.
 *
 * <p>NOTE: a segment's steps are counted from where it is said to start, t - t % 0.01 in double arithmetic. Where t is a whole step the
 * remainder can come out as nearly 0.01, first in segment 15, and the start one step early. Training counts from the true step; ids that
 * did so would come back one step early.
 */
final class NoteEncoder {
    /** The start or end of a note; bin 0 is an end. */
    private record Change(double time, boolean drum, int program, int pitch, int bin) {
        private static final Comparator<Change> ORDER = Comparator.comparingDouble(Change::time)
                .thenComparing(change -> change.bin > 0)
                .thenComparing(Change::drum)
                .thenComparingInt(Change::program)
                .thenComparingInt(Change::pitch);

        long step() {
            return (long) Math.rint(SegmentTokenizer.STEPS_PER_SECOND * time);
        }

        int key() {
            return program * EventCodec.PITCHES + pitch;
        }
    }

    private final EventCodec codec;
    private final IntToDoubleFunction starts;
    private final int segments;

    /**
     * @param starts where the events of a segment count from, in seconds
     * @param segments segments of the recording
     */
    NoteEncoder(EventCodec codec, IntToDoubleFunction starts, int segments) {
        this.codec = codec;
        this.starts = starts;
        this.segments = segments;
    }

    List<SegmentTokens> encode(List<Note> notes) {
        List<Change> changes = changes(notes);
        List<SegmentTokens> result = new ArrayList<>();
        TreeSet<Integer> sounding = new TreeSet<>();
        int next = 0;
        for (int segment = 0; segment < segments || next < changes.size(); segment++) {
            double start = starts.applyAsDouble(segment);
            long end = step(starts.applyAsDouble(segment + 1));
            Row row = new Row(step(start));
            if (codec.ties) {
                row.tieSection(sounding);
            }
            while (next < changes.size() && changes.get(next).step() < end) {
                Change change = changes.get(next++);
                row.change(change);
                if (change.bin == 0) {
                    sounding.remove(change.key());
                } else if (!change.drum) {
                    sounding.add(change.key());
                }
            }
            row.ids.add(EventCodec.END);
            result.add(new SegmentTokens(start, List.of(row.ids.toImmutable())));
        }
        return result;
    }

    private static long step(double start) {
        return Math.round(start * SegmentTokenizer.STEPS_PER_SECOND);
    }

    private List<Change> changes(List<Note> notes) {
        Map<Integer, Note> last = new HashMap<>();
        List<Change> changes = new ArrayList<>();
        List<Note> ordered = new ArrayList<>(notes);
        ordered.sort(Comparator.comparingDouble(Note::start).thenComparingDouble(Note::end));
        for (Note note : ordered) {
            check(note);
            Change onset = new Change(note.start(), note.drum(), note.program(), note.pitch(), bin(note.velocity()));
            changes.add(onset);
            if (!note.drum()) {
                Note before = last.put(onset.key(), note);
                if (before != null && note.start() < before.end()) {
                    throw refuse(
                            note,
                            "it starts before another one of its pitch and program ends at " + before.end()
                                    + " s; shorten that one");
                }
                changes.add(new Change(note.end(), false, note.program(), note.pitch(), 0));
            }
        }
        changes.sort(Change.ORDER);
        return changes;
    }

    /** The bin of a velocity: of equal parts of 1..127, the one it falls into. */
    private int bin(int velocity) {
        return (velocity * codec.bins + 126) / 127;
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

    /** The ids of one segment; program and velocity are written where they differ from the last ones written in it. */
    private final class Row {
        private final MutableIntList ids = IntLists.mutable.empty();
        private final long start;
        private long step;
        private int program = -1;
        private int bin = -1;

        /** @param start step of the recording at which the segment starts */
        private Row(long start) {
            this.start = start;
            this.step = start;
        }

        private void tieSection(TreeSet<Integer> sounding) {
            for (int key : sounding) {
                program(key / EventCodec.PITCHES);
                ids.add(codec.pitch + key % EventCodec.PITCHES);
            }
            ids.add(codec.tie);
        }

        private void change(Change change) {
            if (change.step() != step) {
                step = change.step();
                ids.add(codec.shift + Math.toIntExact(step - start));
            }
            if (!change.drum) {
                program(change.program);
            }
            if (change.bin != bin) {
                bin = change.bin;
                ids.add(codec.velocity + bin);
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
