package org.luthier.debug.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.debug.NameGlob;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.model.mt3.Mt3Family;

/** The doctor on a small MT3 with one fault at a time. */
class DoctorTest {
    private static final String Q = "decoder.layer2.self_attention.q.weight";
    private static final String K = "decoder.layer2.self_attention.k.weight";
    private static final String WI = "encoder.layer1.mlp.wi_0.weight";
    private static final String WO = "encoder.layer1.mlp.wo.weight";
    private static final String NORM = "encoder.layer3.pre_mlp_norm.scale";
    private static final String EMBEDDING = "decoder.token_embedding.weight";
    private static final int ROLLED = 2;
    private static final String LOGITS = "decoder.logits.weight";

    @TempDir
    Path models;

    private TinyMt3 tiny;
    private Clinic clinic;

    @BeforeEach
    void open() throws IOException {
        tiny = new TinyMt3(models);
        clinic = new Clinic(new Mt3Family(), models, Clinic.ROOT.resolve("models"));
    }

    @AfterEach
    void close() {
        clinic.close();
    }

    private Diagnosis examine() throws IOException {
        return clinic.examine(tiny.write(), "tiny", null, null);
    }

    private Finding only() throws IOException {
        Diagnosis diagnosis = examine();
        assertEquals(1, diagnosis.findings().size(), diagnosis.text());
        return diagnosis.findings().get(0);
    }

    private void change(String name, UnaryOperator<float[]> change) {
        tiny.put(name, tiny.get(name).with(change.apply(tiny.get(name).values().clone())));
    }

    private void fill(String name, float value) {
        change(name, values -> {
            Arrays.fill(values, value);
            return values;
        });
    }

    private static void assertTold(Finding finding, Stage stage, String what, String cause) {
        assertEquals(stage, finding.stage(), finding.toString());
        assertTrue(finding.what().contains(what), finding.toString());
        assertTrue(finding.cause().contains(cause), finding.toString());
        assertTrue(finding.next().startsWith("luthier "), finding.toString());
    }

    @Test
    void healthyIsSaid() throws IOException {
        Diagnosis diagnosis = examine();
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(List.of(), diagnosis.remarks());
        assertTrue(diagnosis.text().startsWith("healthy: "), diagnosis.text());
        assertEquals(
                List.of(Stage.FORMAT, Stage.FAMILY, Stage.NAMES, Stage.SHAPES, Stage.STATISTICS, Stage.VOCABULARY),
                diagnosis.examined());
    }

    @Test
    void aMissingWeightIsToldWithTheNearestName() throws IOException {
        tiny.put("encoder.layer1.mlp.wi_O.weight", tiny.weights.remove(WI));
        Diagnosis diagnosis = examine();
        assertEquals(2, diagnosis.findings().size(), diagnosis.text());
        assertTold(
                diagnosis.findings().get(0),
                Stage.NAMES,
                "1 weight of model tiny missing: " + WI,
                "'encoder.layer1.mlp.wi_O.weight' may be " + WI);
        assertTold(diagnosis.findings().get(1), Stage.NAMES, "encoder.layer1.mlp.wi_O.weight", "no rule knows");
        assertTrue(diagnosis.findings().get(1).evidence().endsWith(WI), diagnosis.text());
    }

    @Test
    void aSmallerModelLacksALayer() throws IOException {
        tiny.weights.keySet().removeIf(name -> name.startsWith("encoder.layer3."));
        assertTold(only(), Stage.NAMES, "9 weights of model tiny missing", "incomplete, or of a smaller model");
    }

    @Test
    void shapesAreExplained() throws IOException {
        TinyMt3.Weight wi = tiny.get(WI);
        tiny.put(WI, wi.transposed());
        assertTold(only(), Stage.SHAPES, WI + "' has the shape [48, 32], the model needs [32, 48]", "transposed");
        TinyMt3.Weight wo = tiny.get(WO);
        tiny.put(WO, wi).put(WI, wo);
        Diagnosis exchanged = examine();
        assertEquals(2, exchanged.findings().size(), exchanged.text());
        assertTold(exchanged.findings().get(0), Stage.SHAPES, WI, "exchanged with '" + WO);
        tiny.put(WO, wo).put(WI, new TinyMt3.Weight(List.of(64L, 24L), wi.values()));
        assertTold(only(), Stage.SHAPES, WI, "reshaped");
    }

    @ParameterizedTest
    @CsvSource({"1391, padding behind the 1391 ids is cut off", "1000, the ids 1000..1390 have no row"})
    void aVocabularyThatWasCutIsTold(int rows, String cause) throws IOException {
        tiny.put(EMBEDDING, tiny.get(EMBEDDING).cut(rows));
        tiny.put(LOGITS, tiny.get(LOGITS).transposed().cut(rows).transposed());
        assertTold(only(), Stage.VOCABULARY, "2 weights with " + rows + " rows of ids", cause);
    }

    @Test
    void rowsThatMovedAreFound() throws IOException {
        TinyMt3.Weight embedding = tiny.get(EMBEDDING);
        TinyMt3.Weight output = tiny.get(LOGITS).transposed();
        tiny.put(LOGITS, output.rolled(ROLLED).transposed());
        Diagnosis one = examine();
        assertTold(
                one.findings().get(one.findings().size() - 1),
                Stage.VOCABULARY,
                "the rows of the output matrix are shifted",
                "by 2 rows");
        tiny.put(EMBEDDING, embedding.rolled(ROLLED));
        Diagnosis both = examine();
        assertEquals(2, both.findings().size(), both.text());
        assertTold(both.findings().get(0), Stage.VOCABULARY, "behind the 1391 ids are trained", "2 places too far");
    }

    @Test
    void deadAndBrokenWeightsAreFound() throws IOException {
        fill(WI, 0);
        assertTold(only(), Stage.STATISTICS, WI + "'", "never read or never written");
        fill(WI, 0.02f);
        assertTold(only(), Stage.STATISTICS, "1 weight constant", "never read");
        tiny = new TinyMt3(models);
        change(WI, values -> {
            values[5] = Float.NaN;
            values[6] = Float.POSITIVE_INFINITY;
            return values;
        });
        Finding broken = only();
        assertTold(broken, Stage.STATISTICS, "with NaN or infinities", "16 bits overflowed");
        assertEquals("the first has 1 NaN and 1 infinite of 1536", broken.evidence());
    }

    @Test
    void normsThatWereNeverReadAreFound() throws IOException {
        tiny.weights.keySet().stream()
                .filter(name -> name.endsWith(".scale"))
                .toList()
                .forEach(name -> fill(name, 1));
        assertTold(only(), Stage.STATISTICS, "22 weights all 1", "the scales of the norms were not read");
        tiny = new TinyMt3(models);
        fill(NORM, 1);
        assertTold(only(), Stage.STATISTICS, NORM, "untrained or never read");
    }

    /** By 1000 or by what attention is divided by: 8 of its siblings; 5.7 would be in the family. */
    @ParameterizedTest
    @CsvSource({"1000, 1000 times", "0.125, 1/8", "0.001, 1/1000"})
    void aFactorIsFound(float factor, String evidence) throws IOException {
        tiny.put(WI, tiny.get(WI).times(factor));
        Finding finding = only();
        assertTold(finding, Stage.STATISTICS, "out of its family: '" + WI, "a factor");
        double times = Double.parseDouble(finding.evidence().replaceFirst(".*, (1/)?([\\d.]+) (times|of).*", "$2"));
        double expected = factor > 1 ? factor : 1 / factor;
        // The median sibling is another one, with its own seeded size.
        assertEquals(expected, times, 0.4 * expected, finding.evidence());
    }

    @Test
    void aFactorOnAWeightWithoutSiblingsIsFound() throws IOException {
        tiny.put(LOGITS, tiny.get(LOGITS).times(1000));
        assertTold(only(), Stage.STATISTICS, "far larger or smaller than all others: '" + LOGITS, "a factor");
    }

    @Test
    void queriesAndKeysThatWereExchangedAreFound() throws IOException {
        TinyMt3.Weight q = tiny.get(Q);
        tiny.put(Q, tiny.get(K)).put(K, q);
        Diagnosis diagnosis = examine();
        assertEquals(2, diagnosis.findings().size(), diagnosis.text());
        assertTold(diagnosis.findings().get(0), Stage.STATISTICS, Q, "exchanged with '" + K);
    }

    /** What nothing but another checkpoint would tell is not guessed. */
    @Test
    void aTransposedSquareMatrixIsNotAccused() throws IOException {
        tiny.put(K, tiny.get(K).transposed());
        assertTrue(examine().healthy(), examine().text());
    }

    @Test
    void aCopiedLayerAndATiedOutputAreFound() throws IOException {
        tiny.put(WO, tiny.get("encoder.layer2.mlp.wo.weight"));
        assertTold(only(), Stage.STATISTICS, "is the same as '" + WO + "'", "a layer was copied");
        tiny = new TinyMt3(models);
        tiny.put(LOGITS, tiny.get(EMBEDDING).transposed());
        assertTold(only(), Stage.STATISTICS, "is the same, transposed, as", "the output matrix is the embedding");
    }

    @Test
    void aHeadThatIsMissingIsFound() throws IOException {
        change(K, values -> {
            for (int i = 0; i < values.length; i++) {
                values[i] = i % 32 / 8 == 1 ? 0 : values[i];
            }
            return values;
        });
        Finding finding = only();
        assertTold(finding, Stage.STATISTICS, "with empty rows or columns", "a head of attention");
        assertTrue(finding.evidence().endsWith("8 of 32 columns are all zero"), finding.evidence());
    }

    @Test
    void aNetworkOfRandomNumbersIsFound() throws IOException {
        Random random = new Random(5);
        tiny.weights.keySet().stream()
                .filter(name -> name.startsWith("encoder") && name.endsWith("weight"))
                .toList()
                .forEach(name -> change(name, values -> {
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) random.nextGaussian() * (name.endsWith(".q.weight") ? 0.02f : 0.17f);
                    }
                    return values;
                }));
        assertTold(only(), Stage.STATISTICS, "like fresh random numbers, in 'encoder'", "untrained");
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void reducedPrecisionIsNoFault(DType type) throws IOException {
        Path file = tiny.write();
        Path reduced = models.resolve("reduced.safetensors");
        try (Checkpoint whole = Checkpoints.builtIn().open(file)) {
            Checkpoint rounded = new NamesOfMt3(whole).canonical().cast(type).asCheckpoint();
            write(rounded, reduced);
        }
        Diagnosis diagnosis = clinic.examine(reduced, "tiny", null, null);
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(1, diagnosis.remarks().size(), diagnosis.remarks().toString());
        assertTrue(
                diagnosis.remarks().get(0).startsWith("reduced precision: "),
                diagnosis.remarks().toString());
        assertTrue(
                diagnosis.remarks().get(0).contains("than " + type),
                diagnosis.remarks().toString());
    }

    /** Rounded on the way, stored in 32 bits again. */
    @Test
    void reducedPrecisionIsSeenInTheValues() throws IOException {
        for (String name : List.copyOf(tiny.weights.keySet())) {
            change(name, values -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
                }
                return values;
            });
        }
        Diagnosis diagnosis = examine();
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertTrue(
                diagnosis.remarks().get(0).contains("than BF16"),
                diagnosis.remarks().toString());
    }

    /** As a port stored it: positions of i/256 for i/255. The model here computes its own, so that it is no fault. */
    @Test
    void positionsThatAreStoredOtherwiseAreTold() throws IOException {
        Path torch = models.resolve("torch.safetensors");
        try (Checkpoint whole = Checkpoints.builtIn().open(tiny.write())) {
            float[] frequencies = new float[16];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = (float) Math.pow(10000, -i / 16.0);
            }
            write(
                    new NamesOfMt3(whole).torch(),
                    torch,
                    SafetensorsWriter.Tensor.of("encoder.pos_emb.inv_freq", frequencies, 16));
        }
        Diagnosis diagnosis = clinic.examine(torch, "tiny", null, null);
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(1, diagnosis.remarks().size(), diagnosis.text());
        assertTrue(
                diagnosis.remarks().get(0).contains("the code that wrote it computes 10000^(-i/16)"), diagnosis.text());
    }

    /** The names that checkpoints of MT3 come in. */
    private record NamesOfMt3(Checkpoint checkpoint) {
        MappedWeights canonical() {
            return NameRules.choose(new Mt3Family().nameRules(), checkpoint).apply(checkpoint, "mt3");
        }

        Checkpoint torch() {
            NameRules torch = NameRules.read(new Mt3Family().nameRules().get(1));
            return torch.inverse().apply(checkpoint, "mt3").asCheckpoint();
        }
    }

    private static void write(Checkpoint checkpoint, Path file, SafetensorsWriter.Tensor... more) throws IOException {
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        checkpoint.tensors().values().forEach(tensor -> {
            ByteBuffer bytes = checkpoint.read(tensor.name()).order(ByteOrder.LITTLE_ENDIAN);
            tensors.add(new SafetensorsWriter.Tensor(tensor.name(), tensor.dtype(), tensor.shape(), bytes));
        });
        tensors.addAll(List.of(more));
        try (var out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
    }

    /** What a decoder does wrong with what it should remember is named; nothing of it shows in the weights. */
    @ParameterizedTest
    @CsvSource({
        "LOST_CACHE, the cache holds only the newest key, in 4 of 4 layers",
        "BEGINS_ANEW, the position stands still, in 4 of 4 layers",
        "NOT_FED_BACK, the id that was chosen is not fed back, again and again",
        "MIXED_UP, no known cause fits, no known cause fits"
    })
    void aDecoderThatForgetsIsFound(IllMt3.Illness illness, String cause, String more) throws IOException {
        Path file = tiny.write();
        Path audio = Clinic.wav(models.resolve("noise.wav"), noise(), 16000);
        try (Clinic ill = new Clinic(new IllMt3(illness), models)) {
            Diagnosis diagnosis = ill.examine(file, "tiny", audio, null);
            assertEquals(1, diagnosis.findings().size(), diagnosis.text());
            assertTold(diagnosis.findings().get(0), Stage.DECODER, "departs at step 1", cause);
            assertTrue(diagnosis.findings().get(0).cause().contains(more), diagnosis.text());
        }
        Diagnosis healthy = clinic.examine(file, "tiny", audio, null);
        assertTrue(healthy.examined().contains(Stage.NOTES), healthy.text());
        assertTrue(
                healthy.findings().stream().allMatch(finding -> finding.stage().compareTo(Stage.TOKENS) >= 0),
                healthy.text());
    }

    /** What shows in nothing else is found beside a recording of the healthy model. */
    @Test
    void aTransposedSquareMatrixIsFoundByAReference() throws IOException {
        Path reference = models.resolve("reference.safetensors");
        try (Checkpoint healthy = Checkpoints.builtIn().open(tiny.write());
                Model model = new Mt3Family()
                        .load(tiny.definition, new NamesOfMt3(healthy).canonical(), new Execution("cpu", "cpu", 1))) {
            new Tracer(model)
                    .trace(new TraceInput.Samples(noise(), List.of(0)), NameGlob.ALL, Cancellation.NONE)
                    .write(reference, false);
        }
        Diagnosis before = clinic.examine(tiny.write(), "tiny", null, reference);
        assertTrue(before.healthy(), before.text());
        assertTrue(before.examined().contains(Stage.LAYERS), before.text());
        tiny.put(K, tiny.get(K).transposed());
        Diagnosis after = clinic.examine(tiny.write(), "tiny", null, reference);
        assertEquals(1, after.findings().size(), after.text());
        Finding finding = after.findings().get(0);
        assertTold(finding, Stage.LAYERS, "1 tensor departs: decoder.layer2.self_attention.k", "transposed");
        assertTrue(finding.next().startsWith("luthier layer:isolate "), finding.next());
    }

    private static float[] noise() {
        Random random = new Random(9);
        float[] samples = new float[3 * 16000];
        for (int i = 0; i < samples.length; i++) {
            samples[i] = (float) (0.1 * random.nextGaussian());
        }
        return samples;
    }

    @Test
    void anotherFamilysCheckpointIsNotDiagnosedAsThisOnes() {
        Path basicPitch = Clinic.ROOT.resolve("models/basic-pitch/basic-pitch.safetensors");
        Diagnosis diagnosis = clinic.examine(basicPitch, "tiny", null, null);
        assertEquals(1, diagnosis.findings().size(), diagnosis.text());
        assertTold(
                diagnosis.findings().get(0),
                Stage.FAMILY,
                "it is a checkpoint of basic-pitch, not of tiny",
                "another file");
        assertEquals(List.of(Stage.FORMAT, Stage.FAMILY), diagnosis.examined());
    }
}
