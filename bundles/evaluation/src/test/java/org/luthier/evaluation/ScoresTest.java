package org.luthier.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.luthier.api.notes.Note;

/** Against mir_eval on the note lists of golden-scores.json, made by make_golden_scores.py. */
class ScoresTest {
    /** Counts are equal, so that only the last bits of a few divisions differ. */
    private static final double ROUNDING = 1e-12;

    @TestFactory
    Stream<DynamicTest> equalsMirEval() throws IOException {
        JsonNode golden;
        try (InputStream in = ScoresTest.class.getResourceAsStream("golden-scores.json")) {
            golden = new ObjectMapper().readTree(in);
        }
        List<JsonNode> cases = new ArrayList<>();
        golden.get("cases").forEach(cases::add);
        assertEquals(33, cases.size());
        return cases.stream()
                .map(one -> DynamicTest.dynamicTest(one.get("name").asText(), () -> {
                    Scores scores = Scores.compare(notes(one.get("reference")), notes(one.get("estimate")));
                    assertScores(one.get("scores"), scores, ROUNDING);
                }));
    }

    @Test
    void orderDoesNotMatter() {
        Random random = new Random(3);
        List<Note> reference = randomNotes(random, 300);
        List<Note> estimate = randomNotes(random, 300);
        Scores scores = Scores.compare(reference, estimate);
        Collections.shuffle(reference, random);
        Collections.shuffle(estimate, random);
        assertEquals(scores, Scores.compare(reference, estimate));
    }

    @Test
    void notesWithoutLength() {
        Note reference = Note.of(1, 1, 60, 80, 0, false);
        Note found = Note.of(1.02, 1.1, 60, 80, 0, false);
        Note nothing = Note.of(1, 1, 60, 80, 0, false);
        Prf perfect = new Prf(1, 1, 1);
        // The estimate without length is no note; the reference without length is one, with 50 ms at its end.
        assertEquals(
                perfect,
                Scores.compare(List.of(reference), List.of(found, nothing)).onset());
        assertEquals(
                new Prf(0, 0, 0),
                Scores.compare(List.of(reference), List.of(found)).onsetOffset());
        assertEquals(
                perfect,
                Scores.compare(List.of(reference), List.of(Note.of(1, 1.05, 60, 1, 0, false)))
                        .onsetOffset());
        // Drum hits have no length to speak of.
        Note hit = Note.of(2, 2, 36, 80, 0, true);
        assertEquals(perfect, Scores.compare(List.of(hit), List.of(hit)).drum());
    }

    @Test
    void nothingToFind() {
        Scores scores = Scores.compare(List.of(), List.of(Note.of(0, 1, 60, 80, 0, false)));
        Map<String, Object> map = scores.asMap();
        assertEquals(
                List.of("onset", "onset_offset", "frame", "multi_full", "multi_class", "multi_flat", "drum"),
                List.copyOf(map.keySet()));
        map.values().forEach(value -> assertNull(value));
        assertNull(Scores.compare(List.of(Note.of(0, 1, 60, 80, 0, false)), List.of())
                .drum());
        assertNotNull(Scores.compare(List.of(Note.of(0, 1, 60, 80, 0, false)), List.of())
                .onset());
    }

    @Test
    @Timeout(value = 30, unit = TimeUnit.SECONDS)
    void longPieceInModestTime() {
        // Ten hours of notes; all pairs would be 4e10. The limit is far above what it takes (a second or two).
        Random random = new Random(5);
        List<Note> reference = randomNotes(random, 200_000);
        Scores scores = Scores.compare(reference, reference);
        assertEquals(new Prf(1, 1, 1), scores.onset());
        assertEquals(new Prf(1, 1, 1), scores.frame());
        assertTrue(
                Scores.compare(reference, randomNotes(random, 200_000)).onset().f1() < 0.5);
    }

    private static List<Note> randomNotes(Random random, int count) {
        List<Note> notes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double start = random.nextDouble() * count / 5;
            notes.add(Note.of(
                    start,
                    start + 0.05 + random.nextDouble(),
                    21 + random.nextInt(88),
                    80,
                    random.nextInt(128),
                    false));
        }
        return notes;
    }

    private static List<Note> notes(JsonNode list) {
        List<Note> notes = new ArrayList<>();
        for (JsonNode note : list) {
            notes.add(Note.of(
                    note.get(0).asDouble(),
                    note.get(1).asDouble(),
                    note.get(2).asInt(),
                    80,
                    note.get(3).asInt(),
                    note.get(4).asInt() == 1));
        }
        return notes;
    }

    static void assertScores(JsonNode expected, Scores scores, double tolerance) {
        JsonNode actual = new ObjectMapper().valueToTree(scores.asMap());
        expected.fieldNames().forEachRemaining(name -> {
            assertEquals(expected.get(name).isNull(), actual.get(name).isNull(), name);
            String[] parts = {"precision", "recall", "f1"};
            for (int i = 0; !expected.get(name).isNull() && i < parts.length; i++) {
                assertEquals(
                        expected.get(name).get(i).asDouble(),
                        actual.get(name).get(parts[i]).asDouble(),
                        tolerance,
                        name + " " + parts[i]);
            }
        });
    }
}
