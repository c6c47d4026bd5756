package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelFamily;
import org.luthier.model.mt3.Mt3Family;

/** The debugger on a real token model, with the original checkpoint and what PyTorch recorded of one segment. */
class Mt3Test {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path CHECKPOINT = ROOT.resolve("../shared/checkpoints/mt3");
    private static final Path GOLDEN = ROOT.resolve("../shared/reference/mt3/golden_compact.safetensors");
    private static final ModelFamily FAMILY = new Mt3Family();
    /** What the golden holds of the model. */
    private static final int JUDGED = 84;

    @TempDir
    Path folder;

    @BeforeEach
    void needsTheCheckpoint() {
        Assumptions.assumeTrue(
                Files.isDirectory(CHECKPOINT) && Files.exists(GOLDEN), "no checkpoint beside the working copy");
    }

    private static Model model(String kernels, String weight, UnaryOperator<float[]> change) throws IOException {
        return ChangedWeights.load(FAMILY, ROOT.resolve("models/mt3"), CHECKPOINT, kernels, weight, change);
    }

    private static Reference golden() {
        return Reference.open(GOLDEN, FAMILY.referenceAdapters());
    }

    private static Reference trace(Model model, TraceInput input) {
        return new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
    }

    private static long same(TraceDiff diff) {
        return diff.tensors().stream()
                .filter(tensor -> tensor.verdict() == Verdict.SAME)
                .count();
    }

    /** Within five times the rounding that was measured for each tensor, tokens and all. */
    @Test
    void theGoldenIsClean() throws IOException {
        theGoldenIsClean("cpu");
    }

    @Test
    @Tag("full")
    void theGoldenIsCleanWithOtherKernels() throws IOException {
        theGoldenIsClean("nd4j");
    }

    private void theGoldenIsClean(String kernels) throws IOException {
        try (Model model = model(kernels, "", values -> values);
                Reference golden = golden()) {
            TraceInput recorded = TraceInput.read(GOLDEN, model, FAMILY.referenceAdapters(), null)
                    .orElseThrow();
            Path file = folder.resolve("trace");
            trace(model, recorded).write(file, false);
            try (Reference trace = Reference.open(file, List.of())) {
                TraceDiff diff = TraceDiff.compare(trace, golden, Thresholds.FLOAT32);
                assertTrue(diff.clean(), diff.table());
                assertEquals(JUDGED, same(diff), diff.table());
            }
            ComparingProbe probe = new ComparingProbe(golden, Thresholds.FLOAT32);
            new Tracer(model).run(recorded, probe, Cancellation.NONE);
            assertTrue(probe.result().clean(), probe.result().table());
            assertEquals(JUDGED, same(probe.result()));
        }
    }

    /** From the sound alone: what the decoder is fed is what it says, and that is what was recorded. */
    @Test
    void fromSoundItSaysTheSame() throws IOException {
        try (Model model = model("cpu", "", values -> values);
                Reference golden = golden()) {
            float[] segment = golden.tensor("frontend.in").values();
            float[] samples = new float[2 * segment.length];
            System.arraycopy(segment, 0, samples, segment.length, segment.length);
            TraceDiff diff = TraceDiff.compare(
                    trace(model, new TraceInput.Samples(samples, List.of(1))), golden, Thresholds.FLOAT32);
            assertTrue(diff.clean(), diff.table());
            assertEquals(JUDGED, same(diff), diff.table());
        }
    }

    /** One of the many thousand numbers of a matrix: what it makes is the first to depart. */
    @ParameterizedTest
    @CsvSource({
        "encoder.layer0.attention.v.weight, encoder.layer0.attention.v",
        "encoder.layer5.mlp.wo.weight, encoder.layer5.out",
        "decoder.layer3.self_attention.out.weight, decoder.layer3.after_self_attention"
    })
    void oneChangedWeightIsNamedFirst(String weight, String tensor) throws IOException {
        try (Model changed = model("cpu", weight, values -> {
                    values[0] += 0.1f;
                    return values;
                });
                Reference golden = golden()) {
            TraceDiff diff = TraceDiff.compare(
                    trace(changed, new TraceInput.Recorded(golden, null)), golden, Thresholds.FLOAT32);
            assertEquals(tensor, diff.first(), diff.table());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "encoder.input_projection.weight, encoder.input_projection",
        "encoder.layer0.pre_attention_norm.scale, encoder.layer0.pre_attention_norm",
        "encoder.layer0.mlp.wi_1.weight, encoder.layer0.mlp.wi_1",
        "decoder.token_embedding.weight, decoder.embedded",
        "decoder.layer0.self_attention.q.weight, decoder.layer0.self_attention.q",
        "decoder.layer0.cross_attention.k.weight, decoder.layer0.cross_attention.k",
        "decoder.logits.weight, decoder.logits"
    })
    @Tag("full")
    void anyChangedWeightIsNamedFirst(String weight, String tensor) throws IOException {
        oneChangedWeightIsNamedFirst(weight, tensor);
    }
}
