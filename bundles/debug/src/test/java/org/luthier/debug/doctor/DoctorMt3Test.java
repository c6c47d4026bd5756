package org.luthier.debug.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.ModelFamily;
import org.luthier.model.mt3.Mt3Family;

/** The doctor on the published checkpoint of MT3. */
class DoctorMt3Test {
    private static final Path CHECKPOINT = Clinic.SHARED.resolve("checkpoints/mt3");
    private static final Path AUDIO = Clinic.SHARED.resolve("reference/mt3/corpus/08_ragtime_band.wav");

    @BeforeEach
    void needsTheCheckpoint() {
        Assumptions.assumeTrue(
                Files.isDirectory(CHECKPOINT) && Files.exists(AUDIO), "no checkpoint beside the working copy");
    }

    private static Diagnosis examine(ModelFamily family) {
        try (Clinic clinic = new Clinic(family, Clinic.ROOT.resolve("models"))) {
            return clinic.examine(CHECKPOINT, null, AUDIO, null);
        }
    }

    @Test
    void isHealthyToTheNotes() {
        Diagnosis diagnosis = examine(new Mt3Family());
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(Stage.values().length - 1, diagnosis.examined().size(), diagnosis.text());
    }

    /** Ports of MT3 said one id without end, 1133 for example; nothing but the checkpoint and a recording is needed to say why. */
    @Test
    void aLostCacheIsNamed() {
        Finding finding = only(examine(new IllMt3(IllMt3.Illness.LOST_CACHE)));
        assertEquals(Stage.DECODER, finding.stage());
        assertTrue(finding.cause().startsWith("the cache holds only the newest key"), finding.toString());
        assertTrue(finding.cause().endsWith("in 8 of 8 layers"), finding.toString());
        assertTrue(
                finding.evidence().matches(".*with the cache it says .*( \\d+)\\1{8}, without .*"), finding.toString());
    }

    private static Finding only(Diagnosis diagnosis) {
        assertEquals(1, diagnosis.findings().size(), diagnosis.text());
        return diagnosis.findings().get(0);
    }
}
