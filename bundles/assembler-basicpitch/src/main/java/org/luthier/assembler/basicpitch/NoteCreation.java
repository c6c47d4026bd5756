package org.luthier.assembler.basicpitch;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.eclipse.collections.impl.list.mutable.primitive.LongArrayList;
import org.luthier.api.Cancellation;
import org.luthier.api.notes.Posteriorgram;

/**
 * The note creation of Basic Pitch (Bittner et al., 2022), in frames and semitone bins: notes are traced forward from onset peaks, the
 * last first, and then both ways from the loudest cells that are left ("melodia trick").
 *
 * <p>Values are compared in double, as the reference does. The energy that notes use up is kept as one bit a cell and inferred onsets
 * are computed when they are looked at, so that an hour takes a few megabytes beside its posteriorgrams.
 */
final class NoteCreation {
    /**
     * What counts as a note.
     *
     * @param onsetThreshold least onset value that starts a note
     * @param frameThreshold note value below which a frame is quiet
     * @param minimumFrames longest length that is still too short
     * @param energyTolerance quiet frames in a row that end a note
     * @param inferOnsets whether rises of the note posteriorgram count as onsets
     * @param melodiaTrick whether notes without an onset are looked for
     * @param firstBin lowest bin looked at
     * @param endBin the bin after the highest looked at
     */
    record Rules(
            double onsetThreshold,
            double frameThreshold,
            int minimumFrames,
            int energyTolerance,
            boolean inferOnsets,
            boolean melodiaTrick,
            int firstBin,
            int endBin) {}

    /** Frames between two questions whether to stop. */
    private static final int STRIDE = 4096;
    /** The loudest cells are sorted in so many bands of loudness: a cancelled job does not wait for one large sort. */
    private static final int BANDS = 8;

    private final Posteriorgram note;
    private final Posteriorgram onset;
    private final Rules rules;
    private final Cancellation cancellation;
    private final int frames;
    private final int bins;
    /** The cells [frame * bins + bin] whose energy a note has used up. */
    private final BitSet used = new BitSet();

    private final List<FrameNote> notes = new ArrayList<>();

    private NoteCreation(Posteriorgram note, Posteriorgram onset, Rules rules, Cancellation cancellation) {
        this.note = note;
        this.onset = onset;
        this.rules = rules;
        this.cancellation = cancellation;
        this.frames = note.frames();
        this.bins = note.bins();
    }

    /**
     * Finds the notes of a recording.
     *
     * @param note [frames, bins]
     * @param onset [frames, bins]
     * @return notes from onsets, the last first; then the others, the loudest first
     */
    static List<FrameNote> notes(Posteriorgram note, Posteriorgram onset, Rules rules, Cancellation cancellation) {
        NoteCreation creation = new NoteCreation(note, onset, rules, cancellation);
        creation.traceOnsets();
        if (rules.melodiaTrick()) {
            creation.traceLoudest();
        }
        return creation.notes;
    }

    private void traceOnsets() {
        double scale = rules.inferOnsets() ? inferredOnsetScale() : 0;
        if (Double.isNaN(scale)) {
            // NOTE: without any rise the reference divides 0 by 0, and of NaNs no onset is found.
            return;
        }
        double[] after = new double[bins];
        double[] at = new double[bins];
        double[] before = new double[bins];
        onsets(frames - 1, scale, after);
        onsets(frames - 2, scale, at);
        for (int frame = frames - 2; frame > 0; frame--) {
            checkCancelled(frame);
            onsets(frame - 1, scale, before);
            for (int bin = bins - 1; bin >= 0; bin--) {
                double value = at[bin];
                if (value >= rules.onsetThreshold() && value > before[bin] && value > after[bin]) {
                    traceOnset(frame, bin);
                }
            }
            double[] spare = after;
            after = at;
            at = before;
            before = spare;
        }
    }

    private void traceOnset(int start, int bin) {
        int frame = start + 1;
        int quiet = 0;
        while (frame < frames - 1 && quiet < rules.energyTolerance()) {
            quiet = energy(frame, bin) < rules.frameThreshold() ? quiet + 1 : 0;
            frame++;
        }
        int end = frame - quiet;
        if (end - start > rules.minimumFrames()) {
            for (int i = start; i < end; i++) {
                use(i, bin);
            }
            add(start, end, bin);
        }
    }

    /** Visits the cells above the frame threshold from loud to quiet, the first in row-major order of equal ones. */
    private void traceLoudest() {
        LongArrayList cells = new LongArrayList();
        for (int band = BANDS - 1; band >= 0; band--) {
            double floor = Math.max((double) band / BANDS, rules.frameThreshold());
            double ceiling = band == BANDS - 1 ? Double.POSITIVE_INFINITY : (band + 1.0) / BANDS;
            cells.clear();
            for (int frame = 0; frame < frames; frame++) {
                checkCancelled(frame);
                for (int bin = rules.firstBin(); bin < rules.endBin(); bin++) {
                    float value = note.at(frame, bin);
                    int cell = frame * bins + bin;
                    if (value > floor && value <= ceiling && !used.get(cell)) {
                        // Complemented, the bits of a positive float grow as the float falls.
                        cells.add((long) ~Float.floatToIntBits(value) << Integer.SIZE | cell);
                    }
                }
            }
            // Energy is only ever used up, so the order of the loudest is known from the start.
            cells.sortThis();
            for (int i = 0; i < cells.size(); i++) {
                int cell = (int) cells.get(i);
                if (!used.get(cell)) {
                    cancellation.check();
                    traceBothWays(cell / bins, cell % bins);
                }
            }
        }
    }

    private void traceBothWays(int loudest, int bin) {
        used.set(loudest * bins + bin);
        int frame = loudest + 1;
        int quiet = 0;
        while (frame < frames - 1 && quiet < rules.energyTolerance()) {
            quiet = energy(frame, bin) < rules.frameThreshold() ? quiet + 1 : 0;
            use(frame, bin);
            frame++;
        }
        // NOTE: one frame less than the end of a note traced from its onset; so does the reference.
        int end = frame - 1 - quiet;
        frame = loudest - 1;
        quiet = 0;
        while (frame > 0 && quiet < rules.energyTolerance()) {
            quiet = energy(frame, bin) < rules.frameThreshold() ? quiet + 1 : 0;
            use(frame, bin);
            frame--;
        }
        int start = frame + 1 + quiet;
        if (end - start > rules.minimumFrames()) {
            add(start, end, bin);
        }
    }

    private void add(int start, int end, int bin) {
        double sum = 0;
        for (int frame = start; frame < end; frame++) {
            sum += noteValue(frame, bin);
        }
        notes.add(new FrameNote(start, end, bin, sum / (end - start)));
    }

    /** Fills a row with the onset values of a frame, inferred ones included; nothing for a frame before the first. */
    private void onsets(int frame, double scale, double[] row) {
        if (frame < 0) {
            return;
        }
        for (int bin = rules.firstBin(); bin < rules.endBin(); bin++) {
            double value = onset.at(frame, bin);
            row[bin] = rules.inferOnsets() ? Math.max(value, rise(frame, bin) * scale) : value;
        }
    }

    /** What brings the steepest rise to the height of the highest onset; NaN if nothing rises. */
    private double inferredOnsetScale() {
        double highest = 0;
        double steepest = 0;
        for (int frame = 0; frame < frames; frame++) {
            checkCancelled(frame);
            for (int bin = rules.firstBin(); bin < rules.endBin(); bin++) {
                highest = Math.max(highest, onset.at(frame, bin));
                steepest = Math.max(steepest, rise(frame, bin));
            }
        }
        return steepest == 0 ? Double.NaN : highest / steepest;
    }

    /** How much louder a cell is than the louder of its two predecessors; never for the first two frames. */
    private double rise(int frame, int bin) {
        if (frame < 2) {
            return 0;
        }
        double value = noteValue(frame, bin);
        return Math.max(0, Math.min(value - noteValue(frame - 1, bin), value - noteValue(frame - 2, bin)));
    }

    private double noteValue(int frame, int bin) {
        return rules.firstBin() <= bin && bin < rules.endBin() ? note.at(frame, bin) : 0;
    }

    private double energy(int frame, int bin) {
        return used.get(frame * bins + bin) ? 0 : noteValue(frame, bin);
    }

    /** Uses up the energy of a cell and of its neighbours in pitch. */
    private void use(int frame, int bin) {
        int row = frame * bins;
        used.set(row + Math.max(0, bin - 1), row + Math.min(bins, bin + 2));
    }

    private void checkCancelled(int frame) {
        if (frame % STRIDE == 0) {
            cancellation.check();
        }
    }
}
