package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.assembler.basicpitch.BasicPitchNoteAssembler;
import org.luthier.checkpoint.NpyFormat;
import org.luthier.checkpoint.SafetensorsFormat;
import org.luthier.model.basicpitch.BasicPitchFamily;

/** The real model in the workbench, on the golden recording of the repository. */
class BasicPitchTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path GOLDEN = ROOT.resolve("samples/vocadito14");

    private static Workbench workbench;

    @BeforeAll
    static void open() {
        Parts parts = new Parts();
        parts.add(AudioReader.class, new GoldenReader(), "1", 0);
        parts.add(CheckpointFormat.class, new SafetensorsFormat(), "1", 0);
        parts.add(ModelFamily.class, new BasicPitchFamily(), "1", 0);
        parts.add(NoteAssembler.class, new BasicPitchNoteAssembler(), "1", 0);
        workbench = new Workbench(parts, new ModelCatalog(List.of(ROOT.resolve("models"))));
    }

    @AfterAll
    static void close() {
        workbench.close();
    }

    private static Transcription transcribe(String kernels, int workers, int batch) {
        return workbench.transcribe(
                TranscriptionRequest.of(GOLDEN.resolve("wave_22050.npy"))
                        .withExecution(new Execution("cpu", kernels, workers))
                        .withBatch(batch),
                Progress.NONE,
                Cancellation.NONE);
    }

    @ParameterizedTest
    @CsvSource({"cpu, 2", "nd4j, 1"})
    void theNotesAreTheReferences(String kernels, int workers) throws IOException {
        List<String> expected = new ArrayList<>();
        for (JsonNode note :
                new ObjectMapper().readTree(GOLDEN.resolve("notes.json").toFile())) {
            List<Integer> bends = new ArrayList<>();
            note.get("bends").forEach(bend -> bends.add(bend.intValue()));
            expected.add(line(
                    note.get("start_s").doubleValue(),
                    note.get("end_s").doubleValue(),
                    note.get("pitch").intValue(),
                    note.get("velocity").intValue(),
                    bends));
        }
        List<String> got = new ArrayList<>();
        for (Note note : transcribe(kernels, workers, 1).notes()) {
            List<Integer> bends = new ArrayList<>();
            note.bends().forEach(bends::add);
            got.add(line(note.start(), note.end(), note.pitch(), note.velocity(), bends));
        }
        assertTrue(expected.size() > 5, "the golden has notes");
        assertEquals(expected, got);
    }

    /** Times to a millionth of a second, the goldens' own rounding being far below. */
    private static String line(double start, double end, int pitch, int velocity, List<Integer> bends) {
        return String.format("%.6f %.6f %d %d %s", start, end, pitch, velocity, bends);
    }

    @Test
    void theBytesDependOnNeitherWorkersNorBatch() throws IOException {
        String expected = json(transcribe("cpu", 1, 1));
        assertEquals(expected, json(transcribe("cpu", 2, 1)));
        assertEquals(expected, json(transcribe("cpu", 3, 1)));
        assertEquals(expected, json(transcribe("cpu", 2, 2)));
    }

    private static String json(Transcription transcription) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new NotesJsonWriter().write(transcription, bytes);
        return bytes.toString(StandardCharsets.UTF_8).replaceAll("\"timing\":.*", "");
    }

    /** Gives the golden samples as they are, so that no decoder comes between. */
    private static final class GoldenReader implements AudioReader {
        @Override
        public String id() {
            return "ffmpeg";
        }

        @Override
        public String description() {
            return "Reads an array";
        }

        @Override
        public Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation) {
            try (Checkpoint array = new NpyFormat().open(file)) {
                float[] samples = array.floats("array");
                AudioFacts facts = new AudioFacts(
                        file.getFileName().toString(), "npy", sampleRate, 1, samples.length, 1, 0, 0, false, List.of());
                return new Recording(samples, sampleRate, facts);
            }
        }
    }
}
