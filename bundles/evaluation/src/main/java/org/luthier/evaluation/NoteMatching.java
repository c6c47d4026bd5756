package org.luthier.evaluation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.luthier.api.notes.Note;

/**
 * The largest pairing of reference and estimated notes.
 *
 * <p>Hopcroft and Karp (1973) on the notes of one pitch at a time. The notes that may pair lie in a window of the estimates sorted by
 * onset, so edges are never stored: of two notes it is computed whether they pair.
 */
final class NoteMatching {
    private static final double TOLERANCE_SECONDS = 0.05;
    private static final double OFFSET_RATIO = 0.2;
    private static final int PITCHES = 128;
    private static final int FREE = -1;
    private static final int UNREACHED = Integer.MAX_VALUE;

    private final List<Note> references;
    private final List<Note> estimates;
    private final boolean offsets;
    /** For each reference, the estimates from first to before last start near enough. */
    private final int[] first;

    private final int[] last;
    private final int[] estimateOf;
    private final int[] referenceOf;
    private final int[] distance;
    /** For each reference, the next estimate to try in this phase. */
    private final int[] next;

    private NoteMatching(List<Note> references, List<Note> estimates, boolean offsets) {
        this.references = references;
        this.estimates = estimates;
        this.offsets = offsets;
        first = new int[references.size()];
        last = new int[references.size()];
        estimateOf = filled(references.size());
        referenceOf = filled(estimates.size());
        distance = new int[references.size()];
        next = new int[references.size()];
        int low = 0;
        int high = 0;
        for (int r = 0; r < first.length; r++) {
            double onset = references.get(r).start();
            while (low < estimates.size()
                    && estimates.get(low).start() < onset
                    && !near(onset, estimates.get(low).start(), TOLERANCE_SECONDS)) {
                low++;
            }
            high = Math.max(high, low);
            while (high < estimates.size() && near(onset, estimates.get(high).start(), TOLERANCE_SECONDS)) {
                high++;
            }
            first[r] = low;
            last[r] = high;
        }
    }

    /**
     * How many notes pair.
     *
     * @param offsets whether the ends must agree too
     */
    static long count(List<Note> reference, List<Note> estimate, boolean offsets) {
        List<List<Note>> references = byPitch(reference);
        List<List<Note>> estimates = byPitch(estimate);
        long count = 0;
        for (int pitch = 0; pitch < PITCHES; pitch++) {
            count += new NoteMatching(references.get(pitch), estimates.get(pitch), offsets).count();
        }
        return count;
    }

    private static List<List<Note>> byPitch(List<Note> notes) {
        List<List<Note>> groups = new ArrayList<>();
        for (int pitch = 0; pitch < PITCHES; pitch++) {
            groups.add(new ArrayList<>());
        }
        for (Note note : notes) {
            groups.get(note.pitch()).add(note);
        }
        for (List<Note> group : groups) {
            group.sort(Comparator.comparingDouble(Note::start));
        }
        return groups;
    }

    private static int[] filled(int size) {
        int[] array = new int[size];
        Arrays.fill(array, FREE);
        return array;
    }

    private static boolean near(double a, double b, double tolerance) {
        // Rounded to four decimals, half to even, so that 50 ms written in binary is still 50 ms.
        return Math.rint(Math.abs(a - b) * 1e4) / 1e4 <= tolerance;
    }

    private boolean pairs(int r, int e) {
        if (!offsets) {
            return true;
        }
        Note reference = references.get(r);
        double length = Math.abs(reference.end() - reference.start());
        double tolerance = Math.max(OFFSET_RATIO * length, TOLERANCE_SECONDS);
        return near(reference.end(), estimates.get(e).end(), tolerance);
    }

    private long count() {
        long count = 0;
        while (layer()) {
            System.arraycopy(first, 0, next, 0, next.length);
            for (int r = 0; r < estimateOf.length; r++) {
                if (estimateOf[r] == FREE && augment(r)) {
                    count++;
                }
            }
        }
        return count;
    }

    /** Finds each reference's distance from an unpaired one along alternating paths; whether a path to an unpaired estimate exists. */
    private boolean layer() {
        ArrayDeque<Integer> queue = new ArrayDeque<>();
        for (int r = 0; r < distance.length; r++) {
            distance[r] = estimateOf[r] == FREE ? 0 : UNREACHED;
            if (estimateOf[r] == FREE) {
                queue.add(r);
            }
        }
        boolean found = false;
        while (!queue.isEmpty()) {
            int r = queue.remove();
            for (int e = first[r]; e < last[r]; e++) {
                if (pairs(r, e)) {
                    int owner = referenceOf[e];
                    if (owner == FREE) {
                        found = true;
                    } else if (distance[owner] == UNREACHED) {
                        distance[owner] = distance[r] + 1;
                        queue.add(owner);
                    }
                }
            }
        }
        return found;
    }

    /** Follows an alternating path from an unpaired reference; without recursion, for paths are as long as the piece. */
    private boolean augment(int start) {
        ArrayDeque<Integer> path = new ArrayDeque<>();
        path.push(start);
        while (!path.isEmpty()) {
            int r = path.peek();
            if (next[r] == last[r]) {
                path.pop();
                continue;
            }
            int e = next[r]++;
            if (!pairs(r, e)) {
                continue;
            }
            int owner = referenceOf[e];
            if (owner != FREE) {
                if (distance[owner] == distance[r] + 1) {
                    path.push(owner);
                }
                continue;
            }
            // Every reference on the path takes the estimate it tried last.
            for (int taker : path) {
                estimateOf[taker] = next[taker] - 1;
                referenceOf[next[taker] - 1] = taker;
            }
            return true;
        }
        return false;
    }
}
