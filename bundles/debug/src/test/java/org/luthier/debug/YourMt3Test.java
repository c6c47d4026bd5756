package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.yourmt3.YourMt3Family;

/** The debugger on all small models of the YourMT3+ reference: every tensor that PyTorch recorded, from the recorded spectrogram. */
class YourMt3Test {
    private static final Path VARIANTS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/variants");
    private static final YourMt3Family FAMILY = new YourMt3Family();

    /** Of no row, or of the training. */
    private static final List<String> NOT_JUDGED =
            List.of("03.encoder.pos", "07.target_tokens", "11.forward_loss", "12.greedy.margin");

    /** A margin between the two largest logits that a spectrogram 5e-3 off may reverse. */
    private static final double CLOSE = 0.05;

    @TempDir
    Path folder;

    private static Path file(String variant, String name) {
        Assumptions.assumeTrue(Files.isDirectory(VARIANTS), "no reference of YourMT3+ beside the working copy");
        return VARIANTS.resolve(variant).resolve(name);
    }

    private static Model model(String variant, String kernels) {
        Path file = file(variant, "model.ckpt");
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            return FAMILY.load(
                    FAMILY.definition(checkpoint, file).orElseThrow(),
                    NameRules.choose(FAMILY.nameRules(), checkpoint).apply(checkpoint, FAMILY.id()),
                    new Execution("cpu", kernels, 1));
        }
    }

    private static Reference golden(String variant) {
        return Reference.open(file(variant, "golden.safetensors"), FAMILY.referenceAdapters());
    }

    /** The recorded inputs, as layer:trace reads them. */
    private static TraceInput input(String variant, Model model, List<Integer> segments) {
        return TraceInput.read(file(variant, "golden.safetensors"), model, FAMILY.referenceAdapters(), segments)
                .orElseThrow();
    }

    private static Reference trace(Tracer tracer, TraceInput input) {
        return tracer.trace(input, NameGlob.ALL, Cancellation.NONE);
    }

    private static List<String> names(TraceDiff diff, Verdict verdict) {
        return diff.tensors().stream()
                .filter(tensor -> tensor.verdict() == verdict)
                .map(TensorDiff::name)
                .toList();
    }

    private static List<String> isCleanWith(String variant, String kernels, Path file) {
        try (Model model = model(variant, kernels);
                Reference golden = golden(variant)) {
            trace(new Tracer(model), input(variant, model, null)).write(file, false);
            try (Reference trace = Reference.open(file, List.of())) {
                TraceDiff diff = TraceDiff.compare(trace, golden, Thresholds.FLOAT32);
                assertTrue(diff.clean(), diff.table());
                List<String> notJudged = new ArrayList<>(golden.names());
                notJudged.removeAll(names(diff, Verdict.SAME));
                notJudged.removeAll(NOT_JUDGED);
                assertEquals(List.of(), notJudged, diff.table());
                return names(diff, Verdict.SAME);
            }
        }
    }

    /**
     * Within 2e-5 of a tensor's largest value; the spectrogram within what a float transform can tell; ids are equal.
     *
     * @param judged how many tensors are
     * @param twice how many more are others under a second name: what an encoder without a projection gives, and that behind its last norm
     */
    @ParameterizedTest
    @CsvSource({
        "conformer_relative, 40, 1",
        "conformer_rotary, 40, 1",
        "moe_rope_multi, 73, 0",
        "ptf_multi, 46, 0",
        "ptf_opts_alibi_6heads, 40, 0",
        "ptf_opts_alibit_gmlp_rms, 46, 0",
        "ptf_opts_kdt_mlpproj, 52, 0",
        "ptf_opts_rope_keys_hftt, 43, 0",
        "ptf_opts_tk_res3bhftt_conv, 47, 0",
        "ptf_single, 56, 0",
        "t5_relpos_moe, 28, 3",
        "ymt3plus_t5, 23, 2"
    })
    void everyRecordedTensorIsTheSame(String variant, int judged, int twice) {
        assertEquals(
                judged, isCleanWith(variant, "cpu", folder.resolve("trace")).size());
        try (Checkpoint recorded = Checkpoints.builtIn().open(file(variant, "golden.safetensors"))) {
            List<String> notJudged = new ArrayList<>(recorded.tensors().keySet());
            notJudged.retainAll(NOT_JUDGED);
            assertEquals(recorded.tensors().size(), judged + twice + notJudged.size());
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    @Tag("full")
    void everyRecordedTensorIsTheSameWithOtherKernels(String variant) {
        isCleanWith(variant, "plain", folder.resolve("plain"));
        isCleanWith(variant, "nd4j", folder.resolve("nd4j"));
    }

    static List<String> variants() throws IOException {
        try (Stream<Path> all = Files.list(file("", ""))) {
            List<String> names =
                    all.map(path -> path.getFileName().toString()).sorted().toList();
            assertEquals(12, names.size());
            return names;
        }
    }

    /**
     * One segment of the two, while it runs, with the decoder's cache, and layer by layer.
     *
     * @param alone how many tensors are judged by themselves
     * @param between how many of these were recorded before their numbers are moved
     */
    @ParameterizedTest
    @CsvSource({
        "conformer_relative, 14, 0",
        "conformer_rotary, 14, 0",
        "moe_rope_multi, 41, 5",
        "ptf_multi, 26, 5",
        "ptf_opts_alibi_6heads, 22, 3",
        "ptf_opts_alibit_gmlp_rms, 26, 5",
        "ptf_opts_kdt_mlpproj, 25, 4",
        "ptf_opts_rope_keys_hftt, 25, 5",
        "ptf_opts_tk_res3bhftt_conv, 28, 5",
        "ptf_single, 28, 5",
        "t5_relpos_moe, 14, 0",
        "ymt3plus_t5, 7, 0"
    })
    void everyOtherWayToRunItIsCleanToo(String variant, int alone, int between) {
        try (Model model = model(variant, "cpu");
                Reference golden = golden(variant)) {
            TraceDiff second = TraceDiff.compare(
                    trace(new Tracer(model), input(variant, model, List.of(1))), golden, Thresholds.FLOAT32);
            assertTrue(second.clean(), second.table());
            ComparingProbe probe = new ComparingProbe(golden, Thresholds.FLOAT32);
            new Tracer(model).run(input(variant, model, null), probe, Cancellation.NONE);
            TraceDiff running = probe.result();
            assertTrue(running.clean(), running.table());
            assertEquals(names(running, Verdict.SAME), names(second, Verdict.SAME));
            TraceDiff cached = TraceDiff.compare(
                    trace(new Tracer(model, true), input(variant, model, null)), golden, Thresholds.FLOAT32);
            assertTrue(cached.clean(), cached.table());
            assertEquals(names(running, Verdict.SAME), names(cached, Verdict.SAME));
            TraceDiff isolated = new Tracer(model)
                    .isolate(golden, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE)
                    .diff();
            assertTrue(isolated.clean(), isolated.table());
            assertEquals(alone, names(isolated, Verdict.SAME).size(), isolated.table());
            long moved = isolated.tensors().stream()
                    .filter(tensor -> IsolatingProbe.MOVED.equals(tensor.note()))
                    .count();
            assertEquals(between, moved, isolated.table());
        }
    }

    /** From the sound, a near-silent bin may decide between two ids that are almost equally likely, and between no others. */
    @ParameterizedTest
    @MethodSource("variants")
    void fromItsOwnSpectrogramItSaysTheSame(String variant) {
        try (Model model = model(variant, "cpu");
                Reference golden = golden(variant)) {
            Reference sound = Reference.of(
                    "sound", golden.header(), List.of(golden.tensor("frontend.in"), golden.tensor(Tracer.TOKENS)));
            RecordedTensor said = trace(new Tracer(model), new TraceInput.Recorded(sound, null))
                    .tensor(Tracer.TOKENS);
            RecordedTensor expected = golden.tensor(Tracer.TOKENS);
            int rows = expected.shape().get(0);
            int steps = expected.shape().get(1);
            int length = said.shape().get(1);
            int same = 0;
            float[] margins = golden.tensor("12.greedy.margin").values();
            for (int row = 0; row < rows; row++) {
                int at = 0;
                while (at < steps
                        && expected.values()[row * steps + at]
                                == (at < length ? said.values()[row * length + at] : 0)) {
                    at++;
                }
                same += at;
                if (at < steps) {
                    assertTrue(margins[row * steps + at] < CLOSE, "row " + row + ", id " + at);
                }
            }
            // Behind an id that was reversed, nothing can be compared.
            assertTrue(2 * same > rows * steps, same + " of " + rows * steps);
        }
    }
}
