package org.luthier.tokenizer.yourmt3;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Vocabulary;

/** What the tokenizers of YourMT3+ have in common: segments of 32767 samples at 16 kHz, not one more, and steps of 10 ms. */
abstract class TaskTokenizer implements NoteTokenizer {
    static final int STEPS_PER_SECOND = 100;

    private static final int SEGMENT_SAMPLES = 32767;
    private static final int SAMPLE_RATE = 16000;

    private final Task task;
    private final EventCodec codec;

    TaskTokenizer(Task task) {
        this.task = task;
        this.codec = new EventCodec(task);
    }

    @Override
    public final String id() {
        return task.name();
    }

    @Override
    public final String description() {
        return "YourMT3+, task " + task.name() + ": " + codec.vocabulary().size()
                + " ids, segments of 2.048 s with ties"
                + (task.channels() > 1 ? ", " + task.channels() + " channels." : ".");
    }

    @Override
    public final Vocabulary vocabulary() {
        return codec.vocabulary();
    }

    @Override
    public final int stepsPerSecond() {
        return STEPS_PER_SECOND;
    }

    @Override
    public final double segmentSeconds() {
        return start(1);
    }

    /** Where a segment starts, in seconds. */
    static double start(int segment) {
        return (double) ((long) segment * SEGMENT_SAMPLES) / SAMPLE_RATE;
    }

    /**
     * One event for every id, also behind the end token: events before the tie count even there. Task ids, which an assembler passes
     * over, are events of type {@code task}, from 0.
     */
    @Override
    public final List<Event> events(IntList ids) {
        List<Event> events = new ArrayList<>(ids.size());
        ids.forEach(id -> events.add(codec.event(id)));
        return events;
    }

    /** One id for every event; no end token is added. */
    @Override
    public final IntList ids(List<Event> events) {
        MutableIntList ids = IntLists.mutable.withInitialCapacity(events.size());
        events.forEach(event -> ids.add(codec.id(event)));
        return ids;
    }

    /**
     * {@inheritDoc}
     *
     * <p>There are as many segments as the recording needs, and more where notes end after it. Times are rounded to the nearest step,
     * half to even. Programs and drums become those that stand for their classes. What the reference does without a word is done here
     * too: where there are channels, notes of programs that have none are left out; a row longer than the model may write is cut, its
     * end token with it. Task ids are not written, they are given to the model.
     */
    @Override
    public final List<SegmentTokens> encode(List<Note> notes, double seconds) {
        return new NoteEncoder(task, codec).encode(notes, segments(seconds));
    }

    /** A recording that fills its last segment has no more. */
    private static int segments(double seconds) {
        if (!(seconds >= 0 && seconds < Integer.MAX_VALUE)) {
            throw new IllegalArgumentException("a recording of " + seconds + " seconds");
        }
        // A billionth of a segment is less than a sample, and more than the rounding of the division.
        return Math.max(1, (int) Math.ceil(seconds * SAMPLE_RATE / SEGMENT_SAMPLES - 1e-9));
    }

    @Override
    public final Grammar grammar() {
        return new SegmentGrammar(codec);
    }
}
