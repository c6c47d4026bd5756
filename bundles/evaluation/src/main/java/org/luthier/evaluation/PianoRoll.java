package org.luthier.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.luthier.api.notes.Note;

/** The sounding frames of one pitch as sorted spans that do not touch, so that no roll has to be filled. */
final class PianoRoll {
    private static final double FRAMES_PER_SECOND = 62.5;
    private static final double SHORTEST_SECONDS = 0.05;
    private static final int PITCHES = 128;

    /** Frames from start to before end. */
    private record Span(long start, long end) {}

    private PianoRoll() {}

    /** Compares two piano rolls cell by cell. */
    static Prf compare(List<Note> reference, List<Note> estimate) {
        List<List<Span>> references = draw(reference);
        List<List<Span>> estimates = draw(estimate);
        long both = 0;
        long inReference = 0;
        long inEstimate = 0;
        for (int pitch = 0; pitch < PITCHES; pitch++) {
            both += common(references.get(pitch), estimates.get(pitch));
            inReference += frames(references.get(pitch));
            inEstimate += frames(estimates.get(pitch));
        }
        return Prf.of(both, inReference, inEstimate);
    }

    private static List<List<Span>> draw(List<Note> notes) {
        List<List<Span>> pitches = new ArrayList<>();
        for (int pitch = 0; pitch < PITCHES; pitch++) {
            pitches.add(new ArrayList<>());
        }
        for (Note note : notes) {
            double end = note.end() - note.start() < SHORTEST_SECONDS
                    ? Math.max(note.end(), note.start() + SHORTEST_SECONDS)
                    : note.end();
            pitches.get(note.pitch())
                    .add(new Span((long) (note.start() * FRAMES_PER_SECOND), (long) (end * FRAMES_PER_SECOND)));
        }
        pitches.replaceAll(PianoRoll::merge);
        return pitches;
    }

    private static List<Span> merge(List<Span> spans) {
        spans.sort(Comparator.comparingLong(Span::start));
        List<Span> merged = new ArrayList<>();
        for (Span span : spans) {
            Span before = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (before == null || span.start() > before.end()) {
                merged.add(span);
            } else if (span.end() > before.end()) {
                merged.set(merged.size() - 1, new Span(before.start(), span.end()));
            }
        }
        return merged;
    }

    private static long frames(List<Span> spans) {
        return spans.stream().mapToLong(span -> span.end() - span.start()).sum();
    }

    private static long common(List<Span> a, List<Span> b) {
        long common = 0;
        int i = 0;
        int j = 0;
        while (i < a.size() && j < b.size()) {
            common += Math.max(
                    0,
                    Math.min(a.get(i).end(), b.get(j).end())
                            - Math.max(a.get(i).start(), b.get(j).start()));
            if (a.get(i).end() < b.get(j).end()) {
                i++;
            } else {
                j++;
            }
        }
        return common;
    }
}
