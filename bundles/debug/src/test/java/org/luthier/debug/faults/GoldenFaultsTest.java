package org.luthier.debug.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.debug.Reference;
import org.luthier.model.yourmt3.YourMt3Family;

/** Faults in a small model of the reference, against what its authors' code recorded of it: the ends of layers, and little between. */
class GoldenFaultsTest {
    private static final Path FOLDER = Subjects.ROOT.resolve("../shared/reference/yourmt3/variants/moe_rope_multi");

    private static Subject subject;

    @BeforeAll
    static void open() {
        Assumptions.assumeTrue(Files.isDirectory(FOLDER), "no reference of YourMT3+ beside the working copy");
        YourMt3Family family = new YourMt3Family();
        Path file = FOLDER.resolve("model.ckpt");
        Values weights = Subject.weights(family, file);
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            ModelDefinition definition = family.definition(checkpoint, file).orElseThrow();
            subject = new Subject(
                    "YourMT3+ MoE",
                    family,
                    definition,
                    weights,
                    family.load(definition, weights.weights(), new Execution("cpu", "cpu", 1)),
                    Reference.open(FOLDER.resolve("golden.safetensors"), family.referenceAdapters()));
        }
    }

    @AfterAll
    static void close() {
        if (subject != null) {
            subject.model().close();
            subject.reference().close();
        }
    }

    /** The first recorded tensor that departs, and the one that is told to be made otherwise. */
    @ParameterizedTest
    @CsvSource({
        "router-renormalised, encoder.block0.local0.mlp.weights",
        "one-expert, encoder.block0.local0.mlp.weights",
        "least-probable, encoder.block0.local0.mlp.experts",
        "experts-permuted, encoder.block0.local0.mlp.expert1.out",
        "expert-gate-up, encoder.block0.local0.mlp.expert1.out",
        "rotated-halves, encoder.block0.sca.context",
        "not-rotated, encoder.block0.sca.context",
        "rotated-lang, encoder.block0.local0.context",
        "rotated-pixel, encoder.block0.temporal0.context",
        "rotated-keys, encoder.block0.local0.context",
        "attention-unscaled, encoder.block0.sca.context",
        "rows-back, encoder.block1.sca.context",
        "latents-minor, pre_decoder.out",
        "channels-as-times, pre_decoder.out",
        "residual-spectral, encoder.block0.sca.out",
        "norm-rms, encoder.block0.sca.q_norm",
        "norm-epsilon, encoder.block0.sca.kv_norm",
        "norm-epsilon-small, encoder.block0.sca.kv_norm",
        "channels-reversed, pre_decoder.out"
    })
    void aFaultIsFoundBetweenRecordedTensors(String id, String first) {
        Fault fault = YourMt3Faults.of(subject).stream()
                .filter(each -> each.id().equals(id))
                .findFirst()
                .orElseThrow();
        Outcome outcome = Outcome.of(subject, fault);
        assertEquals(first, outcome.located());
        assertFalse(outcome.found().isEmpty(), "no cause for " + id);
        assertEquals(fault.located(), outcome.found().get(0).layer(), outcome.found()::toString);
        assertTrue(outcome.found().get(0).cause().startsWith(fault.cause()), outcome.found()::toString);
    }

    @Test
    void nothingIsSaidOfTheHealthyModel() {
        Fault none = Fault.weights("none", "nothing", "", null, values -> values);
        assertEquals(null, Outcome.of(subject, none).located());
    }
}
