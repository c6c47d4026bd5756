package org.luthier.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.luthier.api.notes.Note;
import org.luthier.midi.MidiReader;

/** Real pieces with real transcriptions against golden-corpus.json, made by make_golden_scores.py; the files are in ../shared. */
class CorpusTest {
    /** Two MIDI readers add up seconds in another order; on a frame's border that moves single cells of the roll. */
    private static final double ROUNDING = 1e-3;

    private static final Path SHARED =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference");

    @TestFactory
    Stream<DynamicTest> transcriptionsOfMt3() throws IOException {
        Path corpus = SHARED.resolve("mt3/corpus");
        Assumptions.assumeTrue(Files.isDirectory(corpus), "no reference data beside the checkout");
        JsonNode golden;
        try (InputStream in = CorpusTest.class.getResourceAsStream("golden-corpus.json")) {
            golden = new ObjectMapper().readTree(in);
        }
        List<JsonNode> pairs = new ArrayList<>();
        golden.get("pairs").forEach(pairs::add);
        assertEquals(4, pairs.size());
        return pairs.stream()
                .map(pair -> DynamicTest.dynamicTest(pair.get("estimate").asText(), () -> {
                    List<Note> reference =
                            MidiReader.read(corpus.resolve(pair.get("reference").asText()));
                    List<Note> estimate =
                            MidiReader.read(corpus.resolve(pair.get("estimate").asText()));
                    ScoresTest.assertScores(pair.get("scores"), Scores.compare(reference, estimate), ROUNDING);
                }));
    }

    @TestFactory
    Stream<DynamicTest> notesOfBasicPitch() throws IOException {
        Path quality = SHARED.resolve("basicpitch/quality");
        Assumptions.assumeTrue(Files.isDirectory(quality), "no reference data beside the checkout");
        ObjectMapper json = new ObjectMapper();
        List<JsonNode> pieces = new ArrayList<>();
        json.readTree(quality.resolve("scores.json").toFile()).forEach(pieces::add);
        assertEquals(3, pieces.size());
        return pieces.stream()
                .map(piece -> DynamicTest.dynamicTest(piece.get("name").asText(), () -> {
                    String name = piece.get("name").asText();
                    JsonNode truths =
                            json.readTree(quality.resolve(name + ".truth.json").toFile());
                    JsonNode notes = json.readTree(
                            quality.resolve(name + ".reference_notes.json").toFile());
                    List<Note> truth = notes(truths.get("truth"), "onset", "offset");
                    List<Note> found = notes(notes, "start_s", "end_s");
                    Scores scores = Scores.compare(truth, found);
                    // Its frame figures come from a roll of another frame rate and are not these.
                    assertEquals(piece.get("onset_P").asDouble(), scores.onset().precision(), ROUNDING);
                    assertEquals(piece.get("onset_R").asDouble(), scores.onset().recall(), ROUNDING);
                    assertEquals(
                            piece.get("onset_F1").asDouble(), scores.onset().f1(), ROUNDING);
                    assertEquals(
                            piece.get("onoff_F1").asDouble(),
                            scores.onsetOffset().f1(),
                            ROUNDING);
                }));
    }

    private static List<Note> notes(JsonNode list, String start, String end) {
        List<Note> notes = new ArrayList<>();
        list.forEach(note -> notes.add(Note.of(
                note.get(start).asDouble(),
                note.get(end).asDouble(),
                note.get("pitch").asInt(),
                80,
                0,
                false)));
        return notes;
    }
}
