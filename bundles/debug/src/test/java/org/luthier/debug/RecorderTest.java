package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelFamily;
import org.luthier.model.mt3.Mt3Family;

/**
 * What record_reference.py records of a small MT3 in PyTorch and in flax, against our run of the same weights. Two such files are here with
 * the script that made them; where there is a Python with the frameworks ({@code LUTHIER_PYTHON}, else {@code python3}) they are made anew.
 */
class RecorderTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path RECORDED = ROOT.resolve("bundles/debug/src/test/resources/org/luthier/debug/recorded");
    private static final Path TINY = ROOT.resolve("bundles/model-mt3/src/test/resources/org/luthier/model/mt3/tiny");
    private static final Path RECORDER = ROOT.resolve("weight-converter/reference");
    private static final ModelFamily FAMILY = new Mt3Family();
    private static final Python PYTHON = new Python();

    @TempDir
    Path folder;

    /** A trace of our own on what was recorded, compared with it. */
    private static TraceDiff diff(Path recording) throws IOException {
        try (Model model = ChangedWeights.load(
                        FAMILY, TINY, TINY.resolve("tiny.safetensors"), "plain", "", values -> values);
                Reference reference = Reference.open(recording, FAMILY.referenceAdapters())) {
            TraceInput input = TraceInput.read(recording, model, FAMILY.referenceAdapters(), null)
                    .orElseThrow();
            Reference trace = new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
            return TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
        }
    }

    /** PyTorch's holds every tensor that we have behind the features; flax has no modules for scores, probabilities and the activation. */
    private static void assertClean(Path recording, String framework) throws IOException {
        TraceDiff diff = diff(recording);
        assertTrue(diff.clean(), diff.table());
        List<String> missing = diff.tensors().stream()
                .filter(tensor -> tensor.verdict() == Verdict.NOT_JUDGED)
                .map(TensorDiff::name)
                .filter(name -> !framework.equals("flax") || !name.matches(".*\\.(logits|probs|wi_0_act)"))
                .toList();
        assertEquals(List.of(), missing, diff.table());
        try (Reference reference = Reference.open(recording, FAMILY.referenceAdapters())) {
            assertEquals(new Reference.Header("mt3", framework, "float32", "none", List.of(1)), reference.header());
            assertEquals(
                    List.of("frontend.logmel", "encoder.input_projection", "encoder.embedded"),
                    reference.names().subList(0, 3));
            assertEquals(
                    "decoder.tokens", reference.names().get(reference.names().size() - 1));
            RecordedTensor out = reference.tensor("encoder.layer1.out");
            assertTrue(out.noise() > 0 && out.noise() < 1e-5, "noise " + out.noise());
            assertTrue(reference.tensor("decoder.logits").steps());
        }
    }

    @ParameterizedTest
    @CsvSource({"torch.safetensors, pytorch", "flax.safetensors, flax"})
    void ourRunAgreesWithWhatWasRecorded(String file, String framework) throws IOException {
        assertClean(RECORDED.resolve(file), framework);
        assertTrue(Files.size(RECORDED.resolve(file)) < 100_000);
    }

    @Test
    void theRecorderPassesItsOwnTests() throws Exception {
        PYTHON.needs("numpy");
        PYTHON.run(RECORDER, "-m", "unittest", "test_record_reference");
    }

    @Test
    void aRunInPyTorchIsRecorded() throws Exception {
        PYTHON.needs("torch");
        PYTHON.run(RECORDED, "make_recordings.py", folder.toString(), "torch");
        assertClean(folder.resolve("torch.safetensors"), "pytorch");
        TraceDiff diff = diff(folder.resolve("kunato.safetensors"));
        assertEquals("encoder.embedded", diff.first(), diff.table());
    }

    @Test
    @Tag("full")
    void aRunInFlaxIsRecorded() throws Exception {
        PYTHON.needs("flax");
        PYTHON.run(RECORDED, "make_recordings.py", folder.toString(), "flax");
        assertClean(folder.resolve("flax.safetensors"), "flax");
    }
}
