package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.yourmt3.YourMt3Family;

/** What record_reference.py records of small YourMT3+s in PyTorch, under the names of their modules, against our runs of the same files. */
class YourMt3RecorderTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path VARIANTS = ROOT.resolve("../shared/reference/yourmt3/variants");
    private static final Path RECORDED = ROOT.resolve("bundles/debug/src/test/resources/org/luthier/debug/recorded");
    private static final YourMt3Family FAMILY = new YourMt3Family();
    private static final Python PYTHON = new Python();

    /** What no module of PyTorch gives out, or gives out otherwise: what is no module of its own, and experts that no vector chose. */
    private static final String NO_MODULE =
            "frontend\\.(magnitudes|log)|.*\\.rotated_(query|key)|.*\\.position_bias|.*\\.expert\\d+\\.out|pre_decoder\\.hidden\\d";

    @TempDir
    Path folder;

    @BeforeEach
    void isThere() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(VARIANTS), "no reference data of YourMT3+");
        PYTHON.needs("torch");
    }

    private TraceDiff diff(String variant, String... options) throws Exception {
        Path recording = folder.resolve("recording.safetensors");
        List<String> line = new ArrayList<>(List.of(
                "record_yourmt3.py", VARIANTS.resolve(variant).toString(), "-o", recording.toString(), "--said", "24"));
        line.addAll(List.of(options));
        PYTHON.run(RECORDED, line.toArray(String[]::new));
        Path file = VARIANTS.resolve(variant).resolve("model.ckpt");
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file);
                Model model = FAMILY.load(
                        FAMILY.definition(checkpoint, file).orElseThrow(),
                        NameRules.choose(FAMILY.nameRules(), checkpoint).apply(checkpoint, FAMILY.id()),
                        new Execution("cpu", "cpu", 1));
                Reference reference = Reference.open(recording, FAMILY.referenceAdapters())) {
            TraceInput input = TraceInput.read(recording, model, FAMILY.referenceAdapters(), null)
                    .orElseThrow();
            Tracer tracer = new Tracer(model);
            Reference trace = tracer.trace(input, NameGlob.ALL, Cancellation.NONE);
            return TraceDiff.compare(trace, reference, Thresholds.FLOAT32, tracer.graph());
        }
    }

    private void agrees(String variant) throws Exception {
        TraceDiff diff = diff(variant);
        assertTrue(diff.clean(), diff.table());
        assertEquals(
                List.of(),
                diff.tensors().stream()
                        .filter(tensor -> tensor.verdict() == Verdict.NOT_JUDGED)
                        .map(TensorDiff::name)
                        .filter(name -> !name.matches(NO_MODULE))
                        .toList(),
                diff.table());
    }

    @Test
    void mixturesRotationAndChannelsAgree() throws Exception {
        agrees("moe_rope_multi");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "conformer_relative",
                "conformer_rotary",
                "ptf_multi",
                "ptf_opts_alibi_6heads",
                "ptf_opts_alibit_gmlp_rms",
                "ptf_opts_kdt_mlpproj",
                "ptf_opts_rope_keys_hftt",
                "ptf_opts_tk_res3bhftt_conv",
                "ptf_single",
                "t5_relpos_moe",
                "ymt3plus_t5"
            })
    @Tag("full")
    void everyOtherVariantAgrees(String variant) throws Exception {
        agrees(variant);
    }

    @Test
    void rotatedKeysAreFoundWhereTheyAreFirst() throws Exception {
        TraceDiff diff = diff("moe_rope_multi", "--set", "model_cfg.encoder.perceiver-tf.rope_apply_to_keys", "true");
        assertEquals("encoder.block0.sca.logits", diff.first(), diff.table());
        assertEquals(Set.of(), departedBefore(diff, "encoder.block0.sca.logits"), diff.table());
    }

    private static Set<String> departedBefore(TraceDiff diff, String name) {
        return Set.copyOf(diff.tensors().stream()
                .takeWhile(tensor -> !tensor.name().equals(name))
                .filter(tensor -> tensor.verdict() == Verdict.DEPARTED || tensor.verdict() == Verdict.INHERITED)
                .map(TensorDiff::name)
                .toList());
    }
}
