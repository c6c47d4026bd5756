package org.luthier.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.luthier.api.notes.Note;

/**
 * How well estimated notes agree with reference notes, by the measures of the field.
 *
 * <p>A note is right if a reference note has the same pitch (pitches are whole semitones, so the usual 50 cents mean equality), starts
 * within 50 ms and, where offsets count, ends within the larger of 50 ms and 20 % of the reference note's length. Each note is used once;
 * the pairing is the largest there is. Differences are rounded to a tenth of a millisecond before they are compared, and the limit itself
 * is inside. These are the definitions of MIREX note tracking as mir_eval's transcription module computes them; the multi-instrument
 * scores are those of MT3 (Gardner et al. 2022, section 4.3).
 *
 * <p>NOTE: mir_eval refuses notes without length. Here an estimated pitched note without length is left out, and a reference note or a
 * drum hit without length counts by its onset (and, where offsets count, with the 50 ms tolerance).
 *
 * <p>Every field is null where the reference has no such notes.
 *
 * @param onset pitched notes, offsets and programs ignored
 * @param onsetOffset pitched notes, offsets compared, programs ignored
 * @param frame pitched cells of a piano roll of 62.5 frames a second, notes shorter than 50 ms drawn 50 ms long
 * @param multiFull all notes with offsets; the program must be equal, drums are a program of their own without offsets
 * @param multiClass the same with General MIDI classes (eights of programs)
 * @param multiFlat the same with all pitched programs as one
 * @param drum drum hits, offsets ignored
 */
public record Scores(Prf onset, Prf onsetOffset, Prf frame, Prf multiFull, Prf multiClass, Prf multiFlat, Prf drum) {
    private static final Object DRUMS = "drums";

    /**
     * Scores an estimate. Takes about n log n time.
     *
     * @param reference the truth, in any order
     * @param estimate what was found, in any order
     */
    public static Scores compare(List<Note> reference, List<Note> estimate) {
        List<Note> found = estimate.stream()
                .filter(note -> note.drum() || note.end() > note.start())
                .toList();
        List<Note> pitched = reference.stream().filter(note -> !note.drum()).toList();
        List<Note> foundPitched = found.stream().filter(note -> !note.drum()).toList();
        List<Note> hits = reference.stream().filter(Note::drum).toList();
        List<Note> foundHits = found.stream().filter(Note::drum).toList();
        return new Scores(
                pitched.isEmpty() ? null : notes(pitched, foundPitched, false),
                pitched.isEmpty() ? null : notes(pitched, foundPitched, true),
                pitched.isEmpty() ? null : PianoRoll.compare(pitched, foundPitched),
                reference.isEmpty() ? null : multi(reference, found, Note::program),
                reference.isEmpty() ? null : multi(reference, found, note -> note.program() / 8),
                reference.isEmpty() ? null : multi(reference, found, note -> 0),
                hits.isEmpty() ? null : notes(hits, foundHits, false));
    }

    private static Prf notes(List<Note> reference, List<Note> estimate, boolean offsets) {
        return Prf.of(NoteMatching.count(reference, estimate, offsets), reference.size(), estimate.size());
    }

    private static Prf multi(List<Note> reference, List<Note> estimate, Function<Note, Integer> instrument) {
        Map<Object, List<Note>> references = byInstrument(reference, instrument);
        Map<Object, List<Note>> estimates = byInstrument(estimate, instrument);
        long matched = 0;
        for (Map.Entry<Object, List<Note>> entry : references.entrySet()) {
            List<Note> found = estimates.getOrDefault(entry.getKey(), List.of());
            matched += NoteMatching.count(entry.getValue(), found, entry.getKey() != DRUMS);
        }
        return Prf.of(matched, reference.size(), estimate.size());
    }

    private static Map<Object, List<Note>> byInstrument(List<Note> notes, Function<Note, Integer> instrument) {
        Map<Object, List<Note>> groups = new LinkedHashMap<>();
        for (Note note : notes) {
            Object key = note.drum() ? DRUMS : instrument.apply(note);
            groups.computeIfAbsent(key, any -> new ArrayList<>()).add(note);
        }
        return groups;
    }

    /** The scores by the names that {@code score:compare --json} prints; null where the reference has no such notes. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("onset", asMap(onset));
        map.put("onset_offset", asMap(onsetOffset));
        map.put("frame", asMap(frame));
        map.put("multi_full", asMap(multiFull));
        map.put("multi_class", asMap(multiClass));
        map.put("multi_flat", asMap(multiFlat));
        map.put("drum", asMap(drum));
        return map;
    }

    private static Map<String, Object> asMap(Prf prf) {
        return prf == null ? null : prf.asMap();
    }
}
