package org.luthier.assembler.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.midi.MidiReader;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/** Notes, refused and dropped events of the reference's own code, for random streams and for what the model really said. */
class ReferenceStreamsTest {
    private static final Path REFERENCE =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/mt3");

    private final Tokenizer tokenizer = new Mt3Tokenizer();
    private final ObjectMapper json = new ObjectMapper();

    @Test
    void ninetyRandomStreams() throws IOException {
        assumePresent();
        JsonNode cases =
                json.readTree(REFERENCE.resolve("codec_fuzz.json").toFile()).get("cases");
        assertEquals(90, cases.size());
        for (int i = 0; i < cases.size(); i++) {
            JsonNode one = cases.get(i);
            List<SegmentTokens> segments = new ArrayList<>();
            for (int k = 0; k < one.get("segments").size(); k++) {
                segments.add(
                        segment(one.get("starts").get(k), one.get("segments").get(k)));
            }
            assertSame(one, segments, "case " + i);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"03_maple_leaf_piano", "05_winds", "08_ragtime_band", "08_ragtime_band_mp3"})
    void whatTheModelSaid(String name) throws IOException {
        assumePresent();
        JsonNode one =
                json.readTree(REFERENCE.resolve("corpus/" + name + ".json").toFile());
        List<SegmentTokens> segments = new ArrayList<>();
        one.get("segments").forEach(segment -> segments.add(segment(segment.get("start"), segment.get("tokens"))));

        Assembled assembled = assertSame(one, segments, name);

        assertMidi(REFERENCE.resolve("corpus/" + name + ".est.mid"), assembled.notes());
    }

    /** The grammar fits what the model says by itself: it forbids two ends of what does not sound, and a velocity that another follows. */
    @Test
    void theModelKeepsToTheGrammar() throws IOException {
        assumePresent();
        int tokens = 0;
        List<String> forbidden = new ArrayList<>();
        for (String name : List.of("03_maple_leaf_piano", "05_winds", "08_ragtime_band", "08_ragtime_band_mp3")) {
            for (JsonNode segment : json.readTree(
                            REFERENCE.resolve("corpus/" + name + ".json").toFile())
                    .get("segments")) {
                Grammar grammar = tokenizer.grammar();
                for (JsonNode id : segment.get("tokens")) {
                    tokens++;
                    if (!grammar.allowed().get(id.intValue())) {
                        forbidden.add(name + " at " + segment.get("start") + ": " + id);
                    }
                    grammar.advance(id.intValue());
                }
            }
        }
        assertEquals(4132, tokens);
        assertEquals(4, forbidden.size(), forbidden::toString);
    }

    private Assembled assertSame(JsonNode expected, List<SegmentTokens> segments, String which) {
        Assembled assembled = Streams.assemble(tokenizer, segments);
        Streams.assertNotes(expected.get("notes"), assembled.notes(), which);
        assertEquals(expected.get("invalid").longValue(), assembled.invalid(), which + ": invalid");
        assertEquals(expected.get("dropped").longValue(), assembled.dropped(), which + ": dropped");
        return assembled;
    }

    /** The reference's notes as a MIDI file: 440 ticks a second, each time rounded to one. */
    private static void assertMidi(Path file, List<Note> notes) {
        Comparator<Note> order = Comparator.comparing(Note::drum)
                .thenComparingInt(Note::program)
                .thenComparingInt(Note::pitch)
                .thenComparingDouble(Note::start);
        List<Note> expected = MidiReader.read(file).stream().sorted(order).toList();
        List<Note> got = notes.stream().sorted(order).toList();
        assertEquals(expected.size(), got.size());
        double tick = 1 / 440.0;
        for (int i = 0; i < got.size(); i++) {
            assertEquals(expected.get(i).pitch(), got.get(i).pitch());
            assertEquals(expected.get(i).program(), got.get(i).program());
            assertEquals(expected.get(i).drum(), got.get(i).drum());
            assertEquals(expected.get(i).start(), got.get(i).start(), tick);
            assertEquals(expected.get(i).end(), got.get(i).end(), tick);
        }
    }

    private static SegmentTokens segment(JsonNode start, JsonNode ids) {
        assertTrue(ids.isArray());
        int[] values = new int[ids.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = ids.get(i).intValue();
        }
        return new SegmentTokens(start.doubleValue(), List.of(IntLists.immutable.of(values)));
    }

    private static void assumePresent() {
        Assumptions.assumeTrue(Files.isDirectory(REFERENCE), "no reference data at " + REFERENCE);
    }
}
