package org.luthier.debug.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.mt3.Mt3Family;

/** The values of MT3's published weights, healthy and with one fault at a time. */
class Mt3WeightsTest {
    private static final ModelFamily FAMILY = new Mt3Family();
    private static final Path FOLDER = Clinic.SHARED.resolve("checkpoints/mt3");
    private static final String Q = "decoder.layers_3.self_attention.query.kernel";
    private static final String K = "decoder.layers_3.self_attention.key.kernel";
    private static final String PROJECTION = "encoder.continuous_inputs_projection.kernel";
    private static final int ROWS = 1536;

    private static NameRules rules;
    private static HeldCheckpoint healthy;

    @BeforeAll
    static void read() {
        Assumptions.assumeTrue(Files.isDirectory(FOLDER), "no checkpoint beside the working copy");
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(FOLDER)) {
            rules = NameRules.choose(FAMILY.nameRules(), checkpoint);
            healthy = HeldCheckpoint.of(checkpoint);
        }
    }

    private static Diagnosis examine(Checkpoint checkpoint, NameRules names) {
        Notebook notes = new Notebook();
        new StatisticsStage(new Examined(checkpoint, FAMILY, null, names), FOLDER, notes)
                .examine(ROWS, Cancellation.NONE);
        return notes.diagnosis("weights");
    }

    private static float[] times(float[] values, float factor) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return values;
    }

    @Test
    void theyAreHealthy() {
        Diagnosis diagnosis = examine(healthy, rules);
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(List.of(), diagnosis.remarks());
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void roundedTheyAreHealthyWithARemark(DType type) {
        Checkpoint rounded = rules.apply(healthy, "mt3").cast(type).asCheckpoint();
        Diagnosis diagnosis = examine(rounded, NameRules.choose(FAMILY.nameRules(), rounded));
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(1, diagnosis.remarks().size());
        assertTrue(diagnosis.remarks().get(0).startsWith("reduced precision: 189 of 189 weights"));
    }

    private static void assertFound(Diagnosis diagnosis, String... whats) {
        List<String> found =
                diagnosis.findings().stream().map(Finding::what).sorted().toList();
        assertEquals(whats.length, found.size(), diagnosis.text());
        for (int i = 0; i < whats.length; i++) {
            assertTrue(found.get(i).startsWith(whats[i]), diagnosis.text());
        }
    }

    /** Of a weight with siblings, and of one without. */
    @Test
    void faultsAreFoundBesideEachOther() {
        HeldCheckpoint ill = healthy.with("decoder.layers_0.mlp.wo.kernel", values -> new float[values.length])
                .with("decoder.layers_1.mlp.wo.kernel", values -> {
                    values[7] = Float.NaN;
                    return values;
                })
                .with("decoder.decoder_norm.scale", values -> {
                    Arrays.fill(values, 1);
                    return values;
                })
                .with("encoder.layers_5.mlp.wi_1.kernel", values -> times(values, 1000))
                .with("encoder.layers_6.attention.out.kernel", values -> times(values, 0.001f))
                .with("encoder.layers_7.attention.value.kernel", values -> times(values, 8))
                .with(PROJECTION, values -> times(values, 1000));
        assertFound(
                examine(ill, rules),
                "1 weight all 1, as a norm begins: 'decoder.decoder_norm.scale'",
                "1 weight all zero, so that nothing passes: 'decoder.layers_0.mlp.wo.kernel'",
                "1 weight far larger or smaller than all others: '" + PROJECTION + "'",
                "1 weight out of its family: 'encoder.layers_5.mlp.wi_1.kernel'",
                "1 weight out of its family: 'encoder.layers_6.attention.out.kernel'",
                "1 weight out of its family: 'encoder.layers_7.attention.value.kernel'",
                "1 weight with NaN or infinities: 'decoder.layers_1.mlp.wo.kernel'");
    }

    @Test
    void anEncoderOfRandomNumbersAndExchangedQueriesAreFound() {
        Random random = new Random(1);
        HeldCheckpoint ill = healthy.with(Q, values -> healthy.floats(K)).with(K, values -> healthy.floats(Q));
        for (String name : healthy.tensors().keySet()) {
            if (name.startsWith("encoder") && name.endsWith("kernel")) {
                double size = Math.sqrt(Arrays.stream(sample(healthy.floats(name)))
                        .map(x -> x * x)
                        .average()
                        .orElseThrow());
                ill = ill.with(name, values -> {
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) (random.nextGaussian() * size);
                    }
                    return values;
                });
            }
        }
        Diagnosis diagnosis = examine(ill, rules);
        assertFound(
                diagnosis,
                "1 weight out of its family: '" + K,
                "1 weight out of its family: '" + Q,
                "57 weights like fresh random numbers, in 'encoder'");
        assertTrue(diagnosis.findings().get(0).cause().startsWith("exchanged with "), diagnosis.text());
    }

    private static double[] sample(float[] values) {
        double[] some = new double[Math.min(values.length, 10_000)];
        Arrays.setAll(some, i -> values[i]);
        return some;
    }

    /** What nothing but another checkpoint would tell is not guessed. */
    @Test
    @Tag("full")
    void aTransposedSquareMatrixIsNotAccused() {
        Diagnosis diagnosis = examine(
                healthy.with(PROJECTION, values -> {
                    float[] turned = new float[values.length];
                    for (int i = 0; i < values.length; i++) {
                        turned[i % 512 * 512 + i / 512] = values[i];
                    }
                    return turned;
                }),
                rules);
        assertTrue(diagnosis.healthy(), diagnosis.text());
    }
}
