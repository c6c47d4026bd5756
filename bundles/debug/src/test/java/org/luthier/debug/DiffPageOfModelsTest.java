package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.Note;
import org.luthier.assembler.basicpitch.BasicPitchNoteAssembler;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.debug.html.DiffPage;
import org.luthier.debug.html.Rolls;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/** Pages of real models with their real weights, and the notes that come of what was recorded. */
class DiffPageOfModelsTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final UnaryOperator<float[]> UNCHANGED = values -> values;

    @TempDir
    Path folder;

    private String page(TraceDiff diff, Reference trace, Reference reference, Rolls rolls) throws IOException {
        Path file = folder.resolve("page.html");
        DiffPage.of(diff, trace, reference, rolls).write(file, true);
        assertTrue(Files.size(file) < DiffPage.MOST_BYTES);
        return Files.readString(file);
    }

    private static Reference trace(Model model, TraceInput input) {
        return new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
    }

    /** Two windows, whose frames are laid end to end as in a transcription. */
    @Test
    void basicPitch() throws IOException {
        ModelFamily family = new BasicPitchFamily();
        Path home = ROOT.resolve("models/basic-pitch");
        Path weights = home.resolve("basic-pitch.safetensors");
        float[] samples;
        try (Checkpoint wave = Checkpoints.builtIn().open(ROOT.resolve("samples/vocadito14/wave_22050.npy"))) {
            samples = wave.floats("array");
        }
        TraceInput sound = new TraceInput.Samples(samples, List.of(1, 2));
        try (Model healthy = ChangedWeights.load(family, home, weights, "cpu", "", UNCHANGED);
                Model faulty = ChangedWeights.load(family, home, weights, "cpu", "note1.weight", values -> {
                    values[0] += 0.3f;
                    return values;
                })) {
            Reference reference = trace(healthy, sound);
            Reference trace = trace(faulty, sound);
            Rolls rolls = Rolls.ofPosteriorgrams(trace, reference, (FrameModel) healthy, new BasicPitchNoteAssembler());
            assertTrue(rolls.reference().size() > 2, rolls.toString());
            double windows = 2 * 142 * 256.0 / 22050;
            double start = windows / 2;
            for (Note note : rolls.reference()) {
                // A frame's time is off by at most the correction that the reference makes at windows' borders.
                assertTrue(note.start() > start - 0.1 && note.end() < start + windows + 0.1, note.toString());
            }
            // What only one side has recorded is no difference.
            Reference second = trace(healthy, new TraceInput.Samples(samples, List.of(2)));
            Rolls common =
                    Rolls.ofPosteriorgrams(second, reference, (FrameModel) healthy, new BasicPitchNoteAssembler());
            assertEquals(common.reference(), common.trace());
            assertFalse(common.trace().isEmpty());
            String page = page(TraceDiff.compare(trace, reference, Thresholds.FLOAT32), trace, reference, rolls);
            assertTrue(page.contains("First departure: <code>note1</code>"));
            assertTrue(
                    page(TraceDiff.compare(reference, reference, Thresholds.FLOAT32), reference, reference, Rolls.NONE)
                            .contains("Posteriorgrams"));
        }
    }

    /** The golden of PyTorch says 87 tokens in its second segment, which are 24 notes; clean, they are the same on both sides. */
    @Test
    void mt3() throws IOException {
        Path checkpoint = ROOT.resolve("../shared/checkpoints/mt3");
        Path recorded = ROOT.resolve("../shared/reference/mt3/golden_compact.safetensors");
        Assumptions.assumeTrue(
                Files.isDirectory(checkpoint) && Files.exists(recorded), "no checkpoint beside the working copy");
        ModelFamily family = new Mt3Family();
        try (Model model = ChangedWeights.load(family, ROOT.resolve("models/mt3"), checkpoint, "cpu", "", UNCHANGED);
                Reference golden = Reference.open(recorded, family.referenceAdapters())) {
            Reference trace = trace(model, new TraceInput.Recorded(golden, null));
            Rolls rolls = Rolls.ofTokens(trace, golden, new Mt3Tokenizer(), new Mt3ReferenceAssembler());
            assertEquals(rolls.reference(), rolls.trace());
            assertEquals(24, rolls.reference().size());
            assertTrue(rolls.reference().stream().allMatch(note -> note.start() >= 2.04), rolls.toString());
            String page = page(TraceDiff.compare(trace, golden, Thresholds.FLOAT32), trace, golden, rolls);
            assertTrue(page.contains("Clean: nothing departs"));
            assertTrue(page.contains("24 notes begin alike on both sides"));
        }
    }
}
