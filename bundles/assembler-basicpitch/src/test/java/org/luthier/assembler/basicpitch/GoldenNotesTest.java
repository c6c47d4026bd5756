package org.luthier.assembler.basicpitch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Settings;
import org.luthier.checkpoint.NpzFormat;

/** The notes of the reference from the reference's posteriorgrams, under the defaults and eight other sets of parameters. */
class GoldenNotesTest {
    /** The reference's mean is float32, ours double: half a unit in the last place is 6e-8, its pairwise sum adds a few. */
    private static final double AMPLITUDE_TOLERANCE = 1e-6;
    /** The clock of the reference, in double on both sides. */
    private static final double SECONDS_TOLERANCE = 1e-12;

    private static final FrameClock CLOCK = frame -> frame * 256 / 22050.0 - 0.010326077097505668 * (frame / 172);

    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));

    static Stream<Path> recordings() {
        return Stream.of(
                ROOT.resolve("samples/vocadito14"),
                ROOT.resolve("../shared/reference/basicpitch/vocadito14"),
                ROOT.resolve("../shared/reference/basicpitch/guitar"));
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void defaultsGiveTheNotesOfTheReference(Path folder) throws IOException {
        assumePresent(folder);
        JsonNode golden =
                new ObjectMapper().readTree(folder.resolve("notes.json").toFile());
        assertTrue(golden.size() > 0);
        Posteriorgrams posteriorgrams = posteriorgrams(folder);
        BasicPitchNoteAssembler assembler = new BasicPitchNoteAssembler();

        List<Note> notes = assembler.assemble(posteriorgrams, Settings.defaults(assembler), Cancellation.NONE);
        List<FrameNote> frames = frameNotes(posteriorgrams, Map.of());

        assertEquals(golden.size(), notes.size());
        for (int i = 0; i < notes.size(); i++) {
            JsonNode expected = golden.get(i);
            Note note = notes.get(i);
            String which = "note " + i;
            assertEquals(expected.get("start_frame").intValue(), frames.get(i).startFrame(), which);
            assertEquals(expected.get("end_frame").intValue(), frames.get(i).endFrame(), which);
            assertEquals(expected.get("start_s").doubleValue(), note.start(), SECONDS_TOLERANCE, which);
            assertEquals(expected.get("end_s").doubleValue(), note.end(), SECONDS_TOLERANCE, which);
            assertEquals(expected.get("pitch").intValue(), note.pitch(), which);
            assertAmplitude(expected.get("amplitude").doubleValue(), note.amplitude(), which);
            assertEquals(expected.get("velocity").intValue(), note.velocity(), which);
            assertEquals(4, note.program(), which);
            assertArrayEquals(
                    new ObjectMapper().convertValue(expected.get("bends"), int[].class),
                    note.bends().toArray(),
                    which);
        }
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void otherParametersGiveTheNotesOfTheReference(Path folder) throws IOException {
        assumePresent(folder);
        JsonNode variants = new ObjectMapper()
                .readTree(folder.resolve("notes_variants.json").toFile());
        assertEquals(8, variants.size());
        Posteriorgrams posteriorgrams = posteriorgrams(folder);

        for (Map.Entry<String, JsonNode> variant : variants.properties()) {
            JsonNode golden = variant.getValue().get("notes");
            assertTrue(golden.size() > 0, variant.getKey());

            List<FrameNote> notes =
                    frameNotes(posteriorgrams, changes(variant.getValue().get("params")));

            List<List<Integer>> expected = new ArrayList<>();
            List<List<Integer>> got = new ArrayList<>();
            golden.forEach(note -> expected.add(List.of(
                    note.get(0).intValue(), note.get(1).intValue(), note.get(2).intValue())));
            notes.forEach(note -> got.add(List.of(note.startFrame(), note.endFrame(), note.bin() + 21)));
            assertEquals(expected, got, variant.getKey());
            for (int i = 0; i < notes.size(); i++) {
                assertAmplitude(golden.get(i).get(3).doubleValue(), notes.get(i).amplitude(), variant.getKey());
            }
        }
    }

    private static void assertAmplitude(double expected, double got, String which) {
        assertEquals(expected, got, AMPLITUDE_TOLERANCE * expected, which);
    }

    private static List<FrameNote> frameNotes(Posteriorgrams posteriorgrams, Map<String, String> changes) {
        Settings settings = Settings.of(new BasicPitchNoteAssembler(), changes);
        return NoteCreation.notes(
                posteriorgrams.get("note"),
                posteriorgrams.get("onset"),
                BasicPitchNoteAssembler.rules(settings, posteriorgrams.layout().framesPerSecond()),
                Cancellation.NONE);
    }

    /** The reference's names and units in ours. */
    private static Map<String, String> changes(JsonNode params) {
        Map<String, String> changes = new HashMap<>();
        changes.put("onset-threshold", params.get("onset_thresh").asText());
        changes.put("frame-threshold", params.get("frame_thresh").asText());
        changes.put("infer-onsets", params.get("infer_onsets").asText());
        changes.put("melodia-trick", params.get("melodia_trick").asText());
        changes.put("min-note-ms", Double.toString(params.get("min_note_len").intValue() * 1000 * 256 / 22050.0));
        if (params.has("energy_tol")) {
            changes.put("energy-tolerance", params.get("energy_tol").asText());
        }
        if (!params.get("min_freq").isNull()) {
            changes.put("min-hz", params.get("min_freq").asText());
        }
        if (!params.get("max_freq").isNull()) {
            changes.put("max-hz", params.get("max_freq").asText());
        }
        return changes;
    }

    private static void assumePresent(Path folder) {
        Assumptions.assumeTrue(Files.isDirectory(folder), "no reference data at " + folder);
    }

    private static Posteriorgrams posteriorgrams(Path folder) {
        try (Checkpoint npz = new NpzFormat().open(folder.resolve("posteriorgrams.npz"))) {
            List<Posteriorgram> outputs = new ArrayList<>();
            for (FrameLayout.Output output : Layouts.BASIC_PITCH.outputs()) {
                float[] values = npz.floats(output.name());
                outputs.add(new Posteriorgram(output.name(), values.length / output.bins(), output.bins(), values));
            }
            return new Posteriorgrams(Layouts.BASIC_PITCH, CLOCK, outputs);
        }
    }
}
