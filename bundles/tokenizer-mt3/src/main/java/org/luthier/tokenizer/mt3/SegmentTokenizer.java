package org.luthier.tokenizer.mt3;

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

/** What the tokenizers of MT3 have in common: one codec, and segments of whole frames of 8 ms. */
abstract class SegmentTokenizer implements NoteTokenizer {
    private static final int FRAMES_PER_SECOND = 125;
    static final int STEPS_PER_SECOND = 100;

    private final EventCodec codec;
    private final int segmentFrames;

    SegmentTokenizer(EventCodec codec, int segmentFrames) {
        this.codec = codec;
        this.segmentFrames = segmentFrames;
    }

    @Override
    public final String id() {
        return codec.vocabulary().task();
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
        return seconds(1);
    }

    /** Taken down to the grid of the steps, in the reference's double arithmetic. */
    @Override
    public final double segmentStart(double seconds) {
        return seconds - seconds % (1.0 / STEPS_PER_SECOND);
    }

    /** Where the frames of a segment start, in seconds. */
    private double seconds(int segment) {
        return (double) ((long) segment * segmentFrames) / FRAMES_PER_SECOND;
    }

    /** One event for every id before the first end token. */
    @Override
    public final List<Event> events(IntList ids) {
        List<Event> events = new ArrayList<>(ids.size());
        for (int i = 0; i < ids.size() && ids.get(i) != EventCodec.END; i++) {
            events.add(codec.event(ids.get(i)));
        }
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
     * half to even. Which notes come back the same when the ids are made notes again, {@link NoteEncoder} tells.
     */
    @Override
    public final List<SegmentTokens> encode(List<Note> notes, double seconds) {
        return new NoteEncoder(codec, segment -> segmentStart(seconds(segment)), segments(seconds)).encode(notes);
    }

    /** A recording that fills its last segment has one more: the model pads by one sample at least. */
    private int segments(double seconds) {
        if (!(seconds >= 0 && seconds < Integer.MAX_VALUE)) {
            throw new IllegalArgumentException("a recording of " + seconds + " seconds");
        }
        // A billionth of a segment is less than a sample, and more than the rounding of the division.
        return (int) Math.floor(seconds * FRAMES_PER_SECOND / segmentFrames + 1e-9) + 1;
    }

    @Override
    public final Grammar grammar() {
        return new SegmentGrammar(codec, (int) Math.ceil(segmentSeconds() * STEPS_PER_SECOND) - 1);
    }
}
