package org.luthier.model.basicpitch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;

class BasicPitchModelTest {
    private static final List<String> KERNELS = List.of("plain", "nd4j", "cpu");

    /**
     * A recorded tensor of the first window.
     *
     * @param tap our name
     * @param golden the recording's name
     * @param frameSize elements a frame
     * @param tolerance largest difference allowed: the size that the reference description gives for float32 against the original, with
     *     room for another order of sums
     * @param exactTolerance the same for the plain kernels. Their sums are exact, the original's are not, and the logarithm magnifies
     *     that difference in near-silent bins
     */
    private record Recorded(String tap, String golden, int frameSize, double tolerance, double exactTolerance) {}

    private static final List<Recorded> RECORDED = List.of(
            new Recorded("frontend.cqt", "cqt", 309, 3e-6, 5e-6),
            new Recorded("frontend.normlog", "normlog", 309, 1e-4, 2e-3),
            new Recorded("stack", "stacked_keep", 264 * 8, 2.5e-4, 5e-3),
            new Recorded("contour1", "contour1_keep", 264 * 8, 2e-4, 3e-3),
            new Recorded("contour2.pre", "contour2_pre_keep", 264, 2e-4, 1e-3),
            new Recorded("contour2", "contour2_full", 264, 3e-5, 2e-4),
            new Recorded("note1", "note1_keep", 88 * 32, 1e-4, 2e-4),
            new Recorded("note2.pre", "note2_pre_keep", 88, 1e-4, 1e-3),
            new Recorded("note2", "note2_full", 88, 2e-5, 2e-4),
            new Recorded("onset1", "onset1_keep", 88 * 32, 6e-4, 1.5e-2),
            new Recorded("onset2.pre", "onset2_pre_keep", 88, 6e-4, 3e-3),
            new Recorded("onset2", "onset2_full", 88, 1e-4, 5e-4));

    private static Stream<Arguments> pieces() {
        return KERNELS.stream()
                .flatMap(kernels -> Stream.of("vocadito14", "guitar").map(piece -> Arguments.of(kernels, piece)));
    }

    @ParameterizedTest
    @MethodSource("pieces")
    void everyIntermediateOfTheFirstWindow(String kernels, String piece) {
        Assumptions.assumeTrue(Goldens.hasReference(), "no reference goldens beside the checkout");
        Path folder = Goldens.REFERENCE.resolve(piece);
        Map<String, float[]> golden = Goldens.floats(folder.resolve("window0.npz"));
        float[] samples = Goldens.floats(folder.resolve("wave_22050.npy")).get("array");
        float[] keptFrames = golden.get("keep_frames");
        try (FrameModel model = Goldens.model(kernels)) {
            Map<String, INDArray> taps = Goldens.trace(model, samples, 0);
            List<String> wrong = new ArrayList<>();
            for (Recorded recorded : RECORDED) {
                float[] have = HostFloats.copy(taps.get(recorded.tap()));
                float[] want = golden.get(recorded.golden());
                int frames = want.length / recorded.frameSize();
                double largest = 0;
                for (int i = 0; i < frames; i++) {
                    int frame = frames == 172 ? i : (int) keptFrames[i];
                    for (int j = 0; j < recorded.frameSize(); j++) {
                        float difference = have[frame * recorded.frameSize() + j] - want[i * recorded.frameSize() + j];
                        largest = Math.max(largest, Math.abs(difference));
                    }
                }
                double tolerance = kernels.equals("plain") ? recorded.exactTolerance() : recorded.tolerance();
                if (!(largest <= tolerance)) {
                    wrong.add(recorded.tap() + ": " + largest + " > " + tolerance);
                }
            }
            assertEquals(List.of(), wrong);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void halvings(String kernels) {
        Assumptions.assumeTrue(Goldens.hasReference(), "no reference goldens beside the checkout");
        Path folder = Goldens.REFERENCE.resolve("guitar");
        Map<String, float[]> golden = Goldens.floats(folder.resolve("cqt_levels_window0.npz"));
        float[] samples = Goldens.floats(folder.resolve("wave_22050.npy")).get("array");
        try (FrameModel model = Goldens.model(kernels)) {
            Map<String, INDArray> taps = Goldens.trace(model, samples, 0);
            for (int octave = 1; octave <= 8; octave++) {
                // Samples below 1, float sums of 256 products.
                assertLargest(golden.get("level" + octave), taps.get("frontend.halving_" + octave), 1e-6);
            }
        }
    }

    private static void assertLargest(float[] want, INDArray tensor, double tolerance) {
        float[] have = HostFloats.copy(tensor);
        assertEquals(want.length, have.length);
        double largest = 0;
        for (int i = 0; i < want.length; i++) {
            largest = Math.max(largest, Math.abs(want[i] - have[i]));
        }
        assertTrue(largest <= tolerance, largest + " > " + tolerance);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void wholeSample(String kernels) {
        wholeFile(kernels, Goldens.SAMPLE, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void wholeGuitar(String kernels) {
        Assumptions.assumeTrue(Goldens.hasReference(), "no reference goldens beside the checkout");
        wholeFile(kernels, Goldens.REFERENCE.resolve("guitar"), 3);
    }

    /** The gates of the reference description: another float order may move a near-silent bin, seldom and by little. */
    private static void wholeFile(String kernels, Path folder, int batch) {
        float[] samples = Goldens.floats(folder.resolve("wave_22050.npy")).get("array");
        Map<String, float[]> golden = Goldens.floats(folder.resolve("posteriorgrams.npz"));
        try (FrameModel model = Goldens.model(kernels)) {
            float[][] joined = Goldens.transcribe(model, samples, batch);
            for (int o = 0; o < joined.length; o++) {
                String name = model.layout().outputs().get(o).name();
                float[] want = golden.get(name);
                assertEquals(want.length, joined[o].length, name);
                double largest = 0;
                double sum = 0;
                for (int i = 0; i < want.length; i++) {
                    double difference = Math.abs(want[i] - joined[o][i]);
                    largest = Math.max(largest, difference);
                    sum += difference;
                }
                assertTrue(largest <= 2e-3, name + ": max " + largest);
                assertTrue(sum / want.length <= 2e-5, name + ": mean " + sum / want.length);
            }
        }
    }

    /** The in-repository form of the check of every intermediate: three independent implementations, one of them exact. */
    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void everyIntermediateAsThePlainKernelsHaveIt(String kernels) {
        float[] samples = sample();
        try (FrameModel exact = Goldens.model("plain");
                FrameModel model = Goldens.model(kernels)) {
            Map<String, INDArray> want = Goldens.trace(exact, samples, 1);
            Map<String, INDArray> have = Goldens.trace(model, samples, 1);
            assertEquals(want.keySet(), have.keySet());
            for (Recorded recorded : RECORDED) {
                assertLargest(
                        HostFloats.copy(want.get(recorded.tap())), have.get(recorded.tap()), recorded.exactTolerance());
            }
            // The network alone, on the same features: float sums against exact ones.
            INDArray features = want.get("frontend.normlog");
            Goldens.Recorder recorder = new Goldens.Recorder();
            try (FrameModel.Session session = model.open(1)) {
                session.run(features, Position.segments(1, 1), recorder);
            }
            recorder.tensors.forEach((name, tensor) -> assertLargest(HostFloats.copy(want.get(name)), tensor, 2e-5));
        }
    }

    /** A tap inside a fused step makes it two steps; the result is the same. */
    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void fusedAndSplitAgree(String kernels) {
        float[] samples = sample();
        try (FrameModel model = Goldens.model(kernels)) {
            Map<String, INDArray> split = Goldens.trace(model, samples, 2);
            try (Frontend.Session frontend = model.frontend().open(1);
                    FrameModel.Session session = model.open(1)) {
                Position at = Position.segments(2, 1);
                INDArray features = frontend.features(
                        Goldens.cut(model, samples, 2, 1), Goldens.lengths(model, samples, 2, 1), at, Probe.NONE);
                List<INDArray> outputs = session.run(features, at, Probe.NONE);
                for (int i = 0; i < outputs.size(); i++) {
                    assertLargest(HostFloats.copy(split.get("output_" + i)), outputs.get(i), 1e-6);
                }
            }
        }
    }

    /** Overwriting a tensor with that of another window makes everything after it the other window's, and nothing before it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "frontend.halving_3",
                "frontend.normlog",
                "batch_norm",
                "stack",
                "contour1",
                "contour2.pre",
                "onset2.in"
            })
    void patchingATapChangesWhatFollows(String patched) {
        float[] samples = sample();
        try (FrameModel model = Goldens.model("cpu")) {
            Map<String, INDArray> one = Goldens.trace(model, samples, 1);
            Map<String, INDArray> two = Goldens.trace(model, samples, 2);
            Goldens.Recorder recorder = new Goldens.Recorder() {
                @Override
                public void tap(String name, Position at, INDArray tensor) {
                    if (name.equals(patched)) {
                        tensor.assign(two.get(name));
                    }
                    super.tap(name, at, tensor);
                }
            };
            Map<String, INDArray> got = Goldens.trace(model, samples, 1, recorder);
            assertLargest(HostFloats.copy(two.get(patched)), got.get(patched), 0);
            String next = switch (patched) {
                case "frontend.halving_3" -> "frontend.halving_4";
                case "frontend.normlog" -> "batch_norm";
                case "batch_norm" -> "stack";
                case "stack" -> "onset1";
                case "contour1" -> "contour2.pre";
                case "contour2.pre" -> "note2";
                default -> "onset2";
            };
            assertLargest(HostFloats.copy(two.get(next)), got.get(next), 0);
            assertLargest(HostFloats.copy(one.get("frontend.halving_1")), got.get("frontend.halving_1"), 0);
        }
    }

    /** Rows do not see each other: a batch, and what is left of one, gives what single windows give. */
    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void batchesOfAnySizeGiveTheSame(String kernels) {
        float[] samples = sample();
        try (FrameModel model = Goldens.model(kernels)) {
            float[][] single = Goldens.transcribe(model, samples, 1);
            for (int batch : new int[] {2, 3, 7}) {
                float[][] together = Goldens.transcribe(model, samples, batch);
                for (int o = 0; o < single.length; o++) {
                    assertArrayEquals(single[o], together[o], 1e-6f);
                }
            }
        }
    }

    private static float[] sample() {
        return Goldens.floats(Goldens.SAMPLE.resolve("wave_22050.npy")).get("array");
    }

    @Test
    void everyTapOfTheTreeIsOfferedAndNoOther() {
        float[] samples =
                Goldens.floats(Goldens.SAMPLE.resolve("wave_22050.npy")).get("array");
        try (FrameModel model = Goldens.model("cpu")) {
            Map<String, INDArray> taps = Goldens.trace(model, samples, 1);
            List<String> promised = model.root().children().stream()
                    .map(Layer::taps)
                    .flatMap(List::stream)
                    .sorted()
                    .toList();
            List<String> offered = taps.keySet().stream()
                    .filter(name -> !name.startsWith("output_"))
                    .sorted()
                    .toList();
            assertEquals(promised, offered);
        }
    }

    @Test
    void clockAndJoining() {
        try (FrameModel model = Goldens.model("cpu")) {
            FrameModel.Joining joining = model.joining();
            assertEquals(0, joining.clock().seconds(0));
            assertEquals(171 * 256 / 22050.0, joining.clock().seconds(171), 1e-12);
            assertEquals(
                    172 * 256 / 22050.0 - 0.010326077097505668, joining.clock().seconds(172), 1e-15);
            assertEquals(
                    2 * 172 * 256 / 22050.0 - 2 * 0.010326077097505668,
                    joining.clock().seconds(344),
                    1e-14);
            assertEquals(432, joining.frames(110250));
            assertEquals(0, joining.frames(254));
            assertEquals(1, joining.frames(255));
            assertEquals(4, model.frontend().framing().segments(110250));
            assertEquals(1, model.frontend().framing().segments(32324));
            assertEquals(2, model.frontend().framing().segments(32325));
        }
    }
}
