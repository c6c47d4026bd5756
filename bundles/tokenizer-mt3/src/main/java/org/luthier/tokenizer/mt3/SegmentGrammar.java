package org.luthier.tokenizer.mt3;

import java.util.BitSet;
import org.luthier.api.tokens.Grammar;

/**
 * What may come next in a segment: all that {@link NoteEncoder} writes, and little else.
 *
 * <pre>
 *   segment = [ { program pitch { pitch } } tie ] body end          programs go up, a program's pitches go up
 *   body    = { event } { shift event { event } }                   shifts go up and stay within the segment
 *   event   = [ program ] [ velocity ] pitch  |  [ velocity ] drum  program and velocity only where they change
 * </pre>
 *
 * A pitch under velocity 0 must sound: it was tied or started in this segment. Under another velocity it must not have been started in
 * this step already, unless it was ended since. The first event of a segment says its program and velocity. Without ties nobody says what
 * sounds at the beginning, so any pitch may end once, and a program need not be named: until then it counts as 0. Something is always
 * allowed.
 *
 * <p>The cursor sees one segment only. It does not know whether a tied note was really sounding: an assembler may refuse that tie, and
 * later the note's end. Nor does it know whether the next segment starts early: an assembler may drop an event at the last step.
 * Nothing else that the grammar allows is refused.
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

    private final EventCodec codec;
    private final int lastStep;

    private Place place;
    private int program = UNSET;
    private boolean named;
    private int bin = UNSET;
    private int step;
    private int lastTied;
    /** Keys, program * 128 + pitch: what may end, and what started in this step. */
    private final BitSet sounding;

    private final BitSet struck;

    private final BitSet allowed;
    private boolean current;

    /** @param lastStep the last step of a segment */
    SegmentGrammar(EventCodec codec, int lastStep) {
        this.codec = codec;
        this.lastStep = lastStep;
        int keys = EventCodec.PROGRAMS * EventCodec.PITCHES;
        sounding = new BitSet(keys);
        struck = new BitSet(keys);
        allowed = new BitSet(codec.vocabulary().size());
        place = Place.TIES;
        if (!codec.ties) {
            place = Place.COMPLETE;
            program = 0;
            sounding.set(0, keys);
        }
    }

    private SegmentGrammar(SegmentGrammar source) {
        codec = source.codec;
        lastStep = source.lastStep;
        place = source.place;
        program = source.program;
        named = source.named;
        bin = source.bin;
        step = source.step;
        lastTied = source.lastTied;
        sounding = (BitSet) source.sounding.clone();
        struck = (BitSet) source.struck.clone();
        allowed = (BitSet) source.allowed.clone();
        current = source.current;
    }

    @Override
    public Grammar copy() {
        return new SegmentGrammar(this);
    }

    @Override
    public BitSet allowed() {
        if (!current) {
            allowed.clear();
            allow();
            current = true;
        }
        return allowed;
    }

    private void allow() {
        switch (place) {
            case TIES -> {
                allowed.set(codec.tie);
                if (program != UNSET) {
                    allowed.set(codec.pitch + lastTied + 1, codec.pitch + EventCodec.PITCHES);
                }
                allowed.set(codec.program + program + 1, codec.program + EventCodec.PROGRAMS);
            }
            case TIED_PITCH -> allowed.set(codec.pitch, codec.pitch + EventCodec.PITCHES);
            case COMPLETE -> {
                allowed.set(EventCodec.END);
                if (step < lastStep) {
                    allowed.set(codec.shift + step + 1, codec.shift + lastStep + 1);
                }
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
        if (named) {
            allowed.clear(codec.program + program);
        }
        allowVelocities(true);
        allowPitches();
        allowDrums();
    }

    /** Velocities that differ from the last one and leave something to be said. */
    private void allowVelocities(boolean drums) {
        if (drums || canStart()) {
            allowed.set(codec.velocity + 1, codec.velocity + codec.bins + 1);
        }
        if (canEnd()) {
            allowed.set(codec.velocity);
        }
        if (bin != UNSET) {
            allowed.clear(codec.velocity + bin);
        }
    }

    private void allowPitches() {
        if (program == UNSET || bin == UNSET) {
            return;
        }
        int first = program * EventCodec.PITCHES;
        int end = first + EventCodec.PITCHES;
        if (bin == 0) {
            for (int key = sounding.nextSetBit(first); key >= 0 && key < end; key = sounding.nextSetBit(key + 1)) {
                allowed.set(codec.pitch + key - first);
            }
        } else {
            for (int key = struck.nextClearBit(first); key < end; key = struck.nextClearBit(key + 1)) {
                allowed.set(codec.pitch + key - first);
            }
        }
    }

    private void allowDrums() {
        if (bin > 0) {
            allowed.set(codec.drum, codec.drum + EventCodec.PITCHES);
        }
    }

    /** Whether a note of the program may start. */
    private boolean canStart() {
        return program != UNSET
                && struck.nextClearBit(program * EventCodec.PITCHES) < (program + 1) * EventCodec.PITCHES;
    }

    /** Whether a note of the program may end. */
    private boolean canEnd() {
        if (program == UNSET) {
            return false;
        }
        int key = sounding.nextSetBit(program * EventCodec.PITCHES);
        return key >= 0 && key < (program + 1) * EventCodec.PITCHES;
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
        } else if (in(id, codec.pitch, EventCodec.PITCHES)) {
            pitch(id - codec.pitch, tying);
        } else if (in(id, codec.velocity, codec.bins + 1)) {
            bin = id - codec.velocity;
            if (!tying) {
                place = place == Place.VELOCITY_OR_PITCH ? Place.PITCH : Place.PITCH_OR_DRUM;
            }
        } else if (id == codec.tie && tying) {
            place = Place.COMPLETE;
        } else if (in(id, codec.program, EventCodec.PROGRAMS)) {
            program = id - codec.program;
            named = true;
            lastTied = UNSET;
            place = tying ? Place.TIED_PITCH : Place.VELOCITY_OR_PITCH;
        } else if (in(id, codec.drum, EventCodec.PITCHES) && !tying) {
            place = Place.COMPLETE;
        }
    }

    private void pitch(int pitch, boolean tying) {
        if (program != UNSET) {
            int key = program * EventCodec.PITCHES + pitch;
            boolean sounds = tying || bin != 0;
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
