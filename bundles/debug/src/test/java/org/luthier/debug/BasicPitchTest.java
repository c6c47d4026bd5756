package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.model.basicpitch.BasicPitchFamily;

/** The debugger on a real model with its real weights. */
class BasicPitchTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path SHARED = ROOT.resolve("../shared/reference/basicpitch");
    private static final Path SAMPLE = ROOT.resolve("samples/vocadito14");
    private static final ModelFamily FAMILY = new BasicPitchFamily();
    private static final UnaryOperator<float[]> UNCHANGED = values -> values;

    @TempDir
    Path folder;

    private static Model model(String kernels, String weight, UnaryOperator<float[]> change) throws IOException {
        Path home = ROOT.resolve("models/basic-pitch");
        return ChangedWeights.load(FAMILY, home, home.resolve("basic-pitch.safetensors"), kernels, weight, change);
    }

    private static Model model(String kernels) throws IOException {
        return model(kernels, "", UNCHANGED);
    }

    private static float[] array(Path file, String name) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            return checkpoint.floats(name);
        }
    }

    private static TraceInput sample(Integer... segments) {
        return new TraceInput.Samples(array(SAMPLE.resolve("wave_22050.npy"), "array"), List.of(segments));
    }

    private static Reference trace(Model model, TraceInput input) {
        return new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
    }

    @Test
    void everyTapOfTheTreeIsRecordedInItsOrder() throws IOException {
        try (Model model = model("cpu")) {
            List<String> names = trace(model, sample(1)).names();
            assertEquals("frontend.in", names.get(0));
            assertEquals(LayerTree.of(model).allTaps(), names.subList(1, names.size()));
            assertEquals(16_702, LayerTree.of(model).parameters());
        }
    }

    /** The outputs of onnxruntime that are in the repository: segment s gives frames 15 to 156 to row 142 s of the joined posteriorgrams. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void outputsEqualThePosteriorgramsOfOnnxruntime(String kernels) throws IOException {
        Slice middle =
                new Slice(1, IntLists.immutable.of(IntStream.range(15, 157).toArray()));
        List<RecordedTensor> outputs = new ArrayList<>();
        for (Map.Entry<String, Integer> output :
                List.of(Map.entry("contour", 264), Map.entry("note", 88), Map.entry("onset", 88))) {
            float[] joined = array(SAMPLE.resolve("posteriorgrams.npz"), output.getKey());
            float[] first = Arrays.copyOf(joined, 142 * output.getValue());
            outputs.add(new RecordedTensor(
                    output.getKey() + "2", List.of(1, 142, output.getValue(), 1), first, List.of(middle), Double.NaN));
        }
        Reference golden = Reference.of(
                "posteriorgrams",
                new Reference.Header("basic-pitch", "onnxruntime", "float32", "none", List.of(0)),
                outputs);
        try (Model model = model(kernels)) {
            ComparingProbe probe = new ComparingProbe(golden, Thresholds.FLOAT32);
            new Tracer(model).run(sample(0), probe, Cancellation.NONE);
            TraceDiff diff = probe.result();
            assertTrue(diff.clean(), diff.table());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void kernelsAgreeOnEveryTap(String kernels) throws IOException {
        Path recorded = folder.resolve("plain.safetensors");
        try (Model plain = model("plain")) {
            trace(plain, sample(1)).write(recorded, false);
        }
        try (Model model = model(kernels);
                Reference reference = Reference.open(recorded, List.of())) {
            TraceDiff diff = TraceDiff.compare(trace(model, sample(0, 1)), reference, Thresholds.FLOAT32);
            assertTrue(diff.clean(), diff.table());
            assertTrue(diff.tensors().stream().allMatch(tensor -> tensor.verdict() == Verdict.SAME), diff.table());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "contour1.weight, contour1, 0.05",
        "contour1.bias, contour1, 0.01",
        "contour2.weight, contour2.pre, 0.05",
        "note1.weight, note1, 0.05",
        "note2.weight, note2.pre, 0.05",
        "onset1.weight, onset1, 0.05",
        "onset2.bias, onset2.pre, 0.01",
        "batch_norm.scale, batch_norm, 0.01"
    })
    void oneChangedWeightIsNamedFirst(String weight, String tap, float by) throws IOException {
        try (Model healthy = model("cpu");
                Model changed = model("cpu", weight, values -> {
                    values[0] += by;
                    return values;
                })) {
            Reference reference = trace(healthy, sample(1));
            TraceDiff diff = TraceDiff.compare(
                    trace(changed, new TraceInput.Recorded(reference, null)), reference, Thresholds.FLOAT32);
            assertEquals(tap, diff.first(), diff.table());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "guitar, plain",
        "guitar, nd4j",
        "guitar, cpu",
        "vocadito14, plain",
        "vocadito14, nd4j",
        "vocadito14, cpu"
    })
    void goldensAreClean(String piece, String kernels) throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(SHARED), "no reference data beside the checkout");
        float[] samples = array(SHARED.resolve(piece).resolve("wave_22050.npy"), "array");
        try (Model model = model(kernels);
                Reference golden =
                        Reference.open(SHARED.resolve(piece).resolve("window0.npz"), FAMILY.referenceAdapters())) {
            TraceDiff fromSound = TraceDiff.compare(
                    trace(model, new TraceInput.Samples(samples, List.of(0))), golden, Thresholds.FLOAT32);
            assertTrue(fromSound.clean(), fromSound.table());
            assertEquals(
                    12,
                    fromSound.tensors().stream()
                            .filter(tensor -> tensor.verdict() == Verdict.SAME)
                            .count());
            TraceDiff fromFeatures =
                    TraceDiff.compare(trace(model, new TraceInput.Recorded(golden, null)), golden, Thresholds.FLOAT32);
            assertTrue(fromFeatures.clean(), fromFeatures.table());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"guitar", "vocadito14"})
    void goldensAreCleanLayerByLayer(String piece) throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(SHARED), "no reference data beside the checkout");
        try (Model model = model("cpu");
                Reference golden =
                        Reference.open(SHARED.resolve(piece).resolve("window0.npz"), FAMILY.referenceAdapters())) {
            TraceDiff diff = new Tracer(model)
                    .isolate(golden, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE)
                    .diff();
            assertTrue(diff.clean(), diff.table());
        }
    }

    /** Two branches, and what they meet in. */
    @Test
    void threeFaultsAreAllFound() throws IOException {
        UnaryOperator<float[]> changed = values -> {
            values[0] += 0.05f;
            return values;
        };
        Path home = ROOT.resolve("models/basic-pitch");
        try (Model healthy = model("cpu");
                Model sick = ChangedWeights.load(
                        FAMILY,
                        home,
                        home.resolve("basic-pitch.safetensors"),
                        "cpu",
                        Map.of(
                                "contour1.weight", changed,
                                "onset1.weight", changed,
                                "onset2.weight", changed))) {
            Reference reference = trace(healthy, sample(1));
            List<String> faulty = List.of("contour1", "onset1", "onset2.pre");
            TraceDiff diff = new Tracer(sick)
                    .isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE)
                    .diff();
            assertEquals(faulty, diff.departed(), diff.table());
            TraceDiff whole = TraceDiff.compare(
                    trace(sick, new TraceInput.Recorded(reference, null)), reference, Thresholds.FLOAT32);
            assertEquals(List.of("contour1", "onset1"), whole.departed(), whole.table());
            Patched patched =
                    new Patching(sick, reference, null, Thresholds.FLOAT32, Cancellation.NONE).bisect(NameGlob.ALL);
            // The onsets are made behind the other two, so that what replaces them is enough for them; contours and
            // notes are not.
            assertEquals(List.of("contour1", "onset2.pre"), patched.replaced(), patched.table());
            assertTrue(patched.healed(), patched.table());
        }
    }

    /** From sound, with the front end's own rounding in the way. */
    @ParameterizedTest
    @CsvSource({
        "contour1.weight, contour1",
        "contour2.weight, contour2.pre",
        "note1.weight, note1",
        "note2.weight, note2.pre",
        "onset1.weight, onset1",
        "onset2.weight, onset2.pre"
    })
    void goldensFindOneChangedWeight(String weight, String tap) throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(SHARED), "no reference data beside the checkout");
        for (String piece : List.of("guitar", "vocadito14")) {
            Path folder = SHARED.resolve(piece);
            float[] samples = array(folder.resolve("wave_22050.npy"), "array");
            try (Model changed = model("cpu", weight, values -> {
                        values[0] += 0.02f;
                        return values;
                    });
                    Reference golden = Reference.open(folder.resolve("window0.npz"), FAMILY.referenceAdapters())) {
                TraceInput sound = new TraceInput.Samples(samples, List.of(0));
                TraceDiff diff = TraceDiff.compare(trace(changed, sound), golden, Thresholds.FLOAT32);
                assertEquals(tap, diff.first(), diff.table());
            }
        }
    }
}
