package org.luthier.tokenizer.yourmt3;

import java.util.BitSet;
import org.luthier.api.tokens.Grammar;

/**
 * What may come next in a segment of one channel: all that {@link NoteEncoder} writes, and little else.
 *
 * <pre>
 *   segment = { program pitch { pitch } } tie body end              programs go up, a program's pitches go up
 *   body    = { event } { shift event { event } }                   shifts go up
 *   event   = [ program ] [ velocity ] pitch  |  [ velocity ] drum  program and velocity only where they change
 * </pre>
 *
 * A pitch under velocity 0 must sound: it was tied or started in this segment. Under velocity 1 it must not have been started in this
 * step already, unless it was ended since. The first event of a segment says its velocity, and its program unless the ties did.
 * Task ids, which a model is given in front, change nothing. Something is always allowed.
 *
 * <p>The cursor sees one segment only: it does not know whether a tied note was really sounding.
 */
final class SegmentGrammar implements Grammar {
    /** What the last id asks for. */
    private enum Place {
        /** Ties. */
        TIES,
        /** A pitch, after a program among the ties. */
        TIED_PITCH,
        /** Anything: a note or hit is complete. */
        COMPLETE,
        /** An event, after a shift. */
        EVENT,
        /** A pitch or velocity, after a program. */
        VELOCITY_OR_PITCH,
        /** A pitch, after program and velocity. */
        PITCH,
        /** A pitch or drum, after a velocity. */
        PITCH_OR_DRUM,
        /** Nothing but the end token. */
        ENDED
    }

    private static final int UNSET = -1;
    private static final int PITCHES = EventCodec.PITCHES;

    private final EventCodec codec;
    private Place place = Place.TIES;
    private int program = UNSET;
    private int velocity = UNSET;
    private int step;
    private int lastTied;
    /** Keys, program * 128 + pitch: what may end, and what started in this step. */
    private final BitSet sounding = new BitSet();

    private final BitSet struck = new BitSet();
    private final BitSet allowed = new BitSet();
    private boolean current;

    SegmentGrammar(EventCodec codec) {
        this.codec = codec;
    }

    @Override
    public Grammar copy() {
        SegmentGrammar copy = new SegmentGrammar(codec);
        copy.place = place;
        copy.program = program;
        copy.velocity = velocity;
        copy.step = step;
        copy.lastTied = lastTied;
        copy.sounding.or(sounding);
        copy.struck.or(struck);
        return copy;
    }

    @Override
    public BitSet allowed() {
        if (!current) {
            allowed.clear();
            allow();
            if (allowed.isEmpty()) {
                // Only after ids that were not allowed themselves.
                allowed.set(EventCodec.END);
            }
            current = true;
        }
        return allowed;
    }

    private void allow() {
        switch (place) {
            case TIES -> {
                allowed.set(codec.tie);
                if (program != UNSET) {
                    allowed.set(codec.pitch + lastTied + 1, codec.pitch + PITCHES);
                }
                allowed.set(codec.program + program + 1, codec.program + EventCodec.PROGRAMS);
            }
            case TIED_PITCH -> allowed.set(codec.pitch, codec.pitch + PITCHES);
            case COMPLETE -> {
                allowed.set(EventCodec.END);
                allowed.set(codec.shift + step + 1, codec.shift + EventCodec.LARGEST_SHIFT + 1);
                allowEvent();
            }
            case EVENT -> allowEvent();
            case VELOCITY_OR_PITCH -> {
                allowVelocities(false);
                allowPitches();
            }
            case PITCH -> allowPitches();
            case PITCH_OR_DRUM -> {
                allowPitches();
                allowDrums();
            }
            case ENDED -> allowed.set(EventCodec.END);
            default -> throw new IllegalStateException("no such place: " + place);
        }
    }

    private void allowEvent() {
        allowed.set(codec.program, codec.program + EventCodec.PROGRAMS);
        if (program != UNSET) {
            allowed.clear(codec.program + program);
        }
        allowVelocities(true);
        allowPitches();
        allowDrums();
    }

    /** A velocity that differs from the last one and leaves something to be said. */
    private void allowVelocities(boolean drums) {
        int first = program * PITCHES;
        if (velocity != 1 && (drums || program != UNSET && struck.nextClearBit(first) < first + PITCHES)) {
            allowed.set(codec.velocity + 1);
        }
        if (velocity != 0 && program != UNSET) {
            int key = sounding.nextSetBit(first);
            allowed.set(codec.velocity, key >= 0 && key < first + PITCHES);
        }
    }

    private void allowPitches() {
        if (program != UNSET && velocity != UNSET) {
            for (int pitch = 0; pitch < PITCHES; pitch++) {
                int key = program * PITCHES + pitch;
                allowed.set(codec.pitch + pitch, velocity == 0 ? sounding.get(key) : !struck.get(key));
            }
        }
    }

    private void allowDrums() {
        if (velocity == 1) {
            allowed.set(codec.drum, codec.drum + PITCHES);
        }
    }

    /** Takes an id. One that is not allowed changes what it would have changed where it is, so that the cursor stays useful. */
    @Override
    public void advance(int id) {
        current = false;
        if (place == Place.ENDED) {
            return;
        }
        boolean tying = place == Place.TIES || place == Place.TIED_PITCH;
        if (id == EventCodec.END) {
            place = Place.ENDED;
        } else if (in(id, codec.shift, codec.pitch - codec.shift)) {
            step = Math.max(step, id - codec.shift);
            struck.clear();
            place = tying ? place : Place.EVENT;
        } else if (in(id, codec.pitch, PITCHES)) {
            pitch(id - codec.pitch, tying);
        } else if (in(id, codec.velocity, 2)) {
            velocity = id - codec.velocity;
            if (!tying) {
                place = place == Place.VELOCITY_OR_PITCH ? Place.PITCH : Place.PITCH_OR_DRUM;
            }
        } else if (id == codec.tie && tying) {
            place = Place.COMPLETE;
        } else if (in(id, codec.program, EventCodec.PROGRAMS)) {
            program = id - codec.program;
            lastTied = UNSET;
            place = tying ? Place.TIED_PITCH : Place.VELOCITY_OR_PITCH;
        } else if (in(id, codec.drum, PITCHES) && !tying) {
            place = Place.COMPLETE;
        }
    }

    private void pitch(int pitch, boolean tying) {
        if (program != UNSET) {
            int key = program * PITCHES + pitch;
            boolean sounds = tying || velocity != 0;
            sounding.set(key, sounds);
            struck.set(key, sounds && !tying);
        }
        lastTied = pitch;
        place = tying ? Place.TIES : Place.COMPLETE;
    }

    private static boolean in(int id, int first, int count) {
        return id >= first && id < first + count;
    }
}
