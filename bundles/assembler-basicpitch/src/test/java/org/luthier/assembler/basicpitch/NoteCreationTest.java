package org.luthier.assembler.basicpitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.notes.Posteriorgram;

class NoteCreationTest {
    private static final int BINS = 88;
    private static final NoteCreation.Rules DEFAULTS = new NoteCreation.Rules(0.5, 0.3, 11, 11, true, true, 0, BINS);
    /** Only the melodia trick finds notes. */
    private static final NoteCreation.Rules NO_ONSETS = new NoteCreation.Rules(1, 0.3, 11, 11, false, true, 0, BINS);

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void veryShortRecordingsGiveNoNotes(int frames) {
        Posteriorgram loud = filled(frames, 0.9f);
        assertEquals(List.of(), NoteCreation.notes(loud, loud, DEFAULTS, Cancellation.NONE));
    }

    /** Values on a coarse grid, so that ties of peaks and of maxima are frequent. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
    void agreesWithTheNaiveOracle(long seed) {
        Random random = new Random(seed);
        int frames = 60 + random.nextInt(200);
        Posteriorgram note = smooth(random, frames, 0.92);
        Posteriorgram onset = smooth(random, frames, 0.3);
        NoteCreation.Rules rules = new NoteCreation.Rules(
                random.nextInt(9) / 8.0,
                random.nextInt(9) / 8.0,
                random.nextInt(12),
                random.nextInt(12),
                random.nextBoolean(),
                random.nextInt(4) > 0,
                random.nextInt(20),
                60 + random.nextInt(29));

        List<FrameNote> notes = NoteCreation.notes(note, onset, rules, Cancellation.NONE);

        assertEquals(NaiveNoteCreation.notes(note, onset, rules), notes);
    }

    @Test
    void theOracleComparisonSeesNotesOfBothKinds() {
        Random random = new Random(1);
        Posteriorgram note = smooth(random, 300, 0.92);
        Posteriorgram onset = smooth(random, 300, 0.3);
        int fromOnsets = NoteCreation.notes(note, onset, withMelodia(false), Cancellation.NONE)
                .size();
        int all = NoteCreation.notes(note, onset, withMelodia(true), Cancellation.NONE)
                .size();
        assertTrue(fromOnsets > 10, () -> fromOnsets + " notes from onsets");
        assertTrue(all > fromOnsets + 10, () -> all + " notes, " + fromOnsets + " of them from onsets");
    }

    private static NoteCreation.Rules withMelodia(boolean melodia) {
        return new NoteCreation.Rules(0.5, 0.3, 3, 3, true, melodia, 0, BINS);
    }

    @Test
    void theFirstOfEqualMaximaIsTaken() {
        Posteriorgram note = silence(40);
        fill(note, 5, 30, 50, 0.8f);
        fill(note, 5, 30, 52, 0.8f);
        // Frame 5 of bin 50 comes first: its note erases bin 51 and frames 6..29 of bin 50, and bin 52 follows.
        assertEquals(
                List.of(50, 52),
                NoteCreation.notes(note, silence(40), NO_ONSETS, Cancellation.NONE).stream()
                        .map(FrameNote::bin)
                        .toList());
    }

    @Test
    void aMelodiaNoteEndsOneFrameEarlier() {
        Posteriorgram note = silence(60);
        Posteriorgram onset = silence(60);
        fill(note, 5, 30, 50, 0.8f);
        List<FrameNote> without = NoteCreation.notes(note, onset, NO_ONSETS, Cancellation.NONE);
        onset.values()[5 * BINS + 50] = 0.7f;
        List<FrameNote> with = NoteCreation.notes(note, onset, DEFAULTS, Cancellation.NONE);

        assertEquals(
                List.of(5, 29),
                List.of(without.get(0).startFrame(), without.get(0).endFrame()));
        assertEquals(
                List.of(5, 30), List.of(with.get(0).startFrame(), with.get(0).endFrame()));
        assertEquals(1, with.size());
        assertEquals((double) 0.8f, with.get(0).amplitude(), 1e-12, "the mean of equal values, in double");
    }

    @Test
    void theFirstAndTheLastFrameAreNeverAnOnsetOrEntered() {
        Posteriorgram note = filled(60, 0);
        Posteriorgram onset = silence(60);
        fill(note, 0, 60, 50, 0.8f);
        onset.values()[50] = 0.9f;
        onset.values()[59 * BINS + 50] = 0.9f;
        List<FrameNote> notes = NoteCreation.notes(note, onset, DEFAULTS, Cancellation.NONE);
        assertEquals(1, notes.size());
        // The loudest is frame 0; forward the last frame entered is 58 and the end is one less; backward nothing is
        // left.
        assertEquals(new FrameNote(0, 58, 50, notes.get(0).amplitude()), notes.get(0));
    }

    @Test
    void theLengthLimitIsExclusive() {
        for (int length = 10; length < 14; length++) {
            Posteriorgram note = silence(60);
            Posteriorgram onset = silence(60);
            fill(note, 20, 20 + length, 50, 0.8f);
            onset.values()[20 * BINS + 50] = 0.7f;
            List<FrameNote> notes = NoteCreation.notes(
                    note, onset, new NoteCreation.Rules(0.5, 0.3, 11, 11, false, false, 0, BINS), Cancellation.NONE);
            assertEquals(length > 11 ? 1 : 0, notes.size(), "length " + length);
        }
    }

    @Test
    void withoutAnyRiseNoOnsetCounts() {
        Posteriorgram note = filled(60, 0.01f);
        Posteriorgram onset = filled(60, 0.01f);
        for (int frame = 0; frame < 60; frame++) {
            note.values()[frame * BINS + 50] = 0.9f - frame * 0.005f;
        }
        onset.values()[10 * BINS + 50] = 0.9f;
        // The note falls all the way: the steepest rise is 0. The melodia trick finds it from frame 0.
        List<FrameNote> notes = NoteCreation.notes(note, onset, DEFAULTS, Cancellation.NONE);
        assertEquals(List.of(0), notes.stream().map(FrameNote::startFrame).toList());
        assertEquals(
                List.of(),
                NoteCreation.notes(
                        note,
                        onset,
                        new NoteCreation.Rules(0.5, 0.3, 11, 11, true, false, 0, BINS),
                        Cancellation.NONE));
    }

    @Test
    void thresholdsAreComparedInDouble() {
        // 0.3f is above 0.3: a frame of exactly 0.3f is not quiet.
        Posteriorgram note = silence(60);
        Posteriorgram onset = silence(60);
        fill(note, 20, 40, 50, 0.3f);
        onset.values()[20 * BINS + 50] = 0.5f;
        assertEquals(
                1, NoteCreation.notes(note, onset, DEFAULTS, Cancellation.NONE).size());
    }

    @Test
    void cancelsWhileTracing() {
        Random random = new Random(3);
        Posteriorgram note = smooth(random, 400, 0.92);
        int[] asked = new int[1];
        Cancellation later = () -> ++asked[0] > 6;
        assertThrows(CancelledException.class, () -> NoteCreation.notes(note, note, DEFAULTS, later));
    }

    /** An hour of the densest input there is. Posteriorgrams of this size and everything beside them fit a heap of 1 GB. */
    @Test
    @Tag("full")
    void anHourOfNoiseIsDoneInBoundedTime() {
        int frames = 310_078;
        Random random = new Random(5);
        Posteriorgram note = filled(frames, 0);
        Posteriorgram onset = filled(frames, 0);
        for (int i = 0; i < note.values().length; i++) {
            note.values()[i] = random.nextFloat();
            onset.values()[i] = random.nextFloat();
        }
        NoteCreation.Rules patient = new NoteCreation.Rules(0.5, 0.8, 2, 2, true, true, 0, BINS);
        // Some seconds here; a search that grew with the square of the length would take days.
        assertTimeout(Duration.ofMinutes(5), () -> {
            assertTrue(!NoteCreation.notes(note, onset, DEFAULTS, Cancellation.NONE)
                    .isEmpty());
            assertTrue(
                    NoteCreation.notes(note, onset, patient, Cancellation.NONE).size() > 1000);
        });
    }

    private static Posteriorgram silence(int frames) {
        Posteriorgram silence = filled(frames, 0.01f);
        // One rise elsewhere, so that inferred onsets are defined.
        if (frames > 3) {
            silence.values()[3 * BINS] = 0.02f;
        }
        return silence;
    }

    private static Posteriorgram filled(int frames, float value) {
        float[] values = new float[frames * BINS];
        Arrays.fill(values, value);
        return new Posteriorgram("test", frames, BINS, values);
    }

    private static void fill(Posteriorgram posteriorgram, int start, int end, int bin, float value) {
        for (int frame = start; frame < end; frame++) {
            posteriorgram.values()[frame * BINS + bin] = value;
        }
    }

    /** Each bin holds its value with a probability, else draws a new one of nine. */
    private static Posteriorgram smooth(Random random, int frames, double hold) {
        Posteriorgram posteriorgram = filled(frames, 0);
        float[] values = posteriorgram.values();
        for (int i = 0; i < values.length; i++) {
            values[i] = i >= BINS && random.nextDouble() < hold ? values[i - BINS] : random.nextInt(9) / 8f;
        }
        return posteriorgram;
    }
}
