package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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

    /** Of the golden, what was kept in full or is made entry by entry from what was kept; the rest is not judged, and says why. */
    @Test
    void theGoldenIsCleanLayerByLayer() throws IOException {
        try (Model model = model("cpu", "", values -> values);
                Reference golden = golden()) {
            TraceDiff diff = isolate(model, golden).diff();
            assertTrue(diff.clean(), diff.table());
            assertTrue(same(diff) >= 40, diff.table());
            assertTrue(
                    diff.tensors().stream()
                            .filter(tensor -> tensor.verdict() == Verdict.NOT_JUDGED)
                            .allMatch(tensor -> tensor.note() != null),
                    diff.table());
        }
    }

    private static Tracer.Isolation isolate(Model model, Reference reference) {
        return new Tracer(model).isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE);
    }

    /** Faults in the encoder, the decoder and behind it at once: exactly those depart, and exactly those heal. */
    @Test
    @Tag("full")
    void threeFaultsAreAllFound() throws IOException {
        UnaryOperator<float[]> changed = values -> {
            for (int i = 0; i < values.length; i++) {
                values[i] *= 1.5f;
            }
            return values;
        };
        List<String> faulty = List.of(
                "encoder.layer2.mlp.wi_1", "decoder.layer1.self_attention.q", "decoder.layer6.cross_attention.out");
        try (Model healthy = model("cpu", "", values -> values);
                Model sick = ChangedWeights.load(
                        FAMILY,
                        ROOT.resolve("models/mt3"),
                        CHECKPOINT,
                        "cpu",
                        Map.of(
                                faulty.get(0) + ".weight",
                                changed,
                                faulty.get(1) + ".weight",
                                changed,
                                faulty.get(2) + ".weight",
                                changed))) {
            TraceInput recorded = TraceInput.read(GOLDEN, healthy, FAMILY.referenceAdapters(), null)
                    .orElseThrow();
            Reference reference = trace(healthy, recorded);
            TraceDiff alone = isolate(healthy, reference).diff();
            assertTrue(alone.clean(), alone.table());
            List<String> made = LayerTree.of(healthy).allTaps();
            assertEquals(made.size(), same(alone), alone.table());
            TraceDiff diff = isolate(sick, reference).diff();
            assertEquals(faulty, diff.departed(), diff.table());
            // In parallel to the other two, the queries depart by themselves; the others inherit from the encoder.
            TraceDiff whole = TraceDiff.compare(trace(sick, recorded), reference, Thresholds.FLOAT32);
            assertEquals(faulty.get(0), whole.first(), whole.table());
            Patched patched =
                    new Patching(sick, reference, null, Thresholds.FLOAT32, Cancellation.NONE).bisect(NameGlob.ALL);
            assertEquals(faulty, patched.replaced(), patched.table());
            assertTrue(patched.healed(), patched.table());
            assertEquals(7, patched.runs(), "as it is, isolated, all, three by halving three, as found");
        }
    }

    /** With its cache the decoder makes the same, one position after another. */
    @Test
    void cachedIsAsUncached() throws IOException {
        try (Model model = model("cpu", "", values -> values);
                Reference golden = golden()) {
            TraceInput recorded = new TraceInput.Recorded(golden, null);
            Reference cached = new Tracer(model, true).trace(recorded, NameGlob.of("decoder.*"), Cancellation.NONE);
            assertTrue(cached.origin().cached());
            TraceDiff diff = TraceDiff.compare(
                    cached,
                    new Tracer(model).trace(recorded, NameGlob.of("decoder.*"), Cancellation.NONE),
                    Thresholds.FLOAT32);
            assertTrue(diff.clean(), diff.table());
            assertEquals(cached.names().size(), same(diff), diff.table());
            assertTrue(TraceDiff.compare(cached, golden, Thresholds.FLOAT32).clean());
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
