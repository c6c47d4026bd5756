package org.luthier.debug.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.model.yourmt3.YourMt3Family;

/** The doctor on checkpoints that tell of their own model, which no folder has. */
class DoctorYourMt3Test {
    private static final Path VARIANTS = Clinic.SHARED.resolve("reference/yourmt3/variants");
    private static final String ENCODER = "hyper_parameters.model_cfg.encoder.perceiver-tf.";

    private final Clinic clinic = new Clinic(new YourMt3Family(), Clinic.ROOT.resolve("models"));

    @TempDir
    Path folder;

    @BeforeEach
    void reference() {
        Assumptions.assumeTrue(Files.isDirectory(VARIANTS), "no reference of YourMT3+ beside the checkout");
    }

    @AfterEach
    void close() {
        clinic.close();
    }

    @ParameterizedTest
    @CsvSource({"moe_rope_multi", "ptf_single", "conformer_relative"})
    void oneThatNoModelFitsIsTakenForWhatItSaysItself(String variant) {
        Diagnosis diagnosis = clinic.examine(VARIANTS.resolve(variant).resolve("model.ckpt"));
        assertUntrainedOnly(diagnosis);
        assertTrue(
                diagnosis.remarks().stream().anyMatch(remark -> remark.contains("it is taken for what it says itself")),
                diagnosis.text());
        assertEquals(
                List.of(Stage.FORMAT, Stage.FAMILY, Stage.NAMES, Stage.SHAPES, Stage.STATISTICS, Stage.VOCABULARY),
                diagnosis.examined());
    }

    @Test
    void itsOwnNameIsOneForItsModel() {
        Path checkpoint = VARIANTS.resolve("ptf_single/model.ckpt");
        Diagnosis diagnosis = clinic.examine(checkpoint, "yourmt3", null, null);
        assertUntrainedOnly(diagnosis);
    }

    /** Seeded numbers are what they look like; nothing else is wrong. */
    private static void assertUntrainedOnly(Diagnosis diagnosis) {
        assertTrue(
                diagnosis.findings().stream()
                        .allMatch(finding -> finding.stage() == Stage.STATISTICS
                                && finding.what().contains("like fresh random numbers")),
                diagnosis.text());
    }

    @Test
    void anotherModelThanItSaysIsToldByTheFirstArgument() {
        Diagnosis diagnosis = clinic.examine(VARIANTS.resolve("moe_rope_multi/model.ckpt"), "yourmt3-moe", null, null);
        assertEquals(1, diagnosis.findings().size(), diagnosis.text());
        Finding finding = diagnosis.findings().get(0);
        assertEquals(Stage.FAMILY, finding.stage());
        assertEquals("it says itself that it is of another model than yourmt3-moe", finding.what());
        assertEquals(
                "hyper_parameters.audio_cfg.input_frames is 2399 in the checkpoint, 32767 in the model",
                finding.evidence());
    }

    @Test
    void argumentsThatNoModelCanHaveAreAFinding() throws IOException {
        Path changed = changed("ptf_single", ENCODER + "position_encoding_type", "spiral");
        Diagnosis diagnosis = clinic.examine(changed);
        assertEquals(1, diagnosis.findings().size(), diagnosis.text());
        Finding finding = diagnosis.findings().get(0);
        assertEquals(Stage.FAMILY, finding.stage());
        assertTrue(finding.what().contains("no model of family yourmt3"), finding.toString());
        assertTrue(
                finding.evidence().contains(ENCODER + "position_encoding_type: expected one of"), finding.toString());
    }

    /** A copy that says something else of itself. */
    private Path changed(String variant, String argument, String value) throws IOException {
        Path file = folder.resolve("changed.safetensors");
        try (Checkpoint checkpoint =
                        Checkpoints.builtIn().open(VARIANTS.resolve(variant).resolve("model.ckpt"));
                var out = Files.newOutputStream(file)) {
            Map<String, String> metadata = new LinkedHashMap<>(checkpoint.metadata());
            metadata.put(argument, value);
            List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
            checkpoint
                    .tensors()
                    .values()
                    .forEach(tensor -> tensors.add(new SafetensorsWriter.Tensor(
                            tensor.name(), tensor.dtype(), tensor.shape(), checkpoint.read(tensor.name()))));
            SafetensorsWriter.write(out, metadata, tensors);
        }
        return file;
    }
}
