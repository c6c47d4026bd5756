package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;
import org.luthier.files.AtomicFile;
import org.luthier.files.Sha256;

class NameRulesTest {
    @TempDir
    Path folder;

    private static final String RULES = """
            {"match": "enc.block.*.q", "to": "encoder.layers_{1}.query", "transform": ["transpose 1 0"], "shape": [3, 2]},
            {"match": "head", "to": "head.weight", "transform": ["squeeze"], "shape": [4]},
            {"match": "same"},
            {"match": "maybe", "optional": true},
            {"match": "**.step", "drop": "training state"}
            """;

    @Test
    void everyTensorIsAccountedFor() throws IOException {
        float[] query = {1, 2, 3, 4, 5, 6};
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("opt.state.step", new float[] {9}),
                Tensor.of("enc.block.0.q", query, 2, 3),
                Tensor.of("enc.block.1.q", query, 2, 3),
                Tensor.of("head", new float[] {1, 2, 3, 4}, 1, 4, 1),
                Tensor.of("same", new float[] {5}, 1))) {
            NameRules rules = rules(RULES);
            assertTrue(rules.matches(checkpoint));
            MappedWeights weights = rules.apply(checkpoint, "family");
            assertEquals(
                    List.of("encoder.layers_0.query", "encoder.layers_1.query", "head.weight", "same"),
                    weights.tensors().stream().map(tensor -> tensor.name()).toList());
            assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, weights.take("encoder.layers_0.query", 3, 2));
            assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, weights.take("encoder.layers_1.query", 3, 2));
            assertArrayEquals(new float[] {1, 2, 3, 4}, weights.take("head.weight", 4));
            assertEquals("enc.block.1.q", weights.sourceName("encoder.layers_1.query"));

            CheckpointException left = assertThrows(CheckpointException.class, weights::finish);
            assertEquals("unused-weight", left.rule());
            assertTrue(left.getMessage().contains("'same'"), left.getMessage());
            assertArrayEquals(new float[] {5}, weights.take("same", 1));
            weights.finish();

            Ledger ledger = weights.ledger();
            assertEquals("x.safetensors", ledger.source());
            assertEquals(checkpoint.sha256(), ledger.sourceSha256());
            assertEquals("family", ledger.family());
            assertEquals(
                    List.copyOf(checkpoint.tensors().keySet()),
                    ledger.entries().stream().map(Ledger.Entry::source).toList());

            Ledger.Entry dropped = ledger.entries().get(0);
            assertEquals("drop: training state", dropped.transform());
            assertNull(dropped.target());
            assertNull(dropped.sha256After());
            assertEquals(Sha256.hex(checkpoint.read("opt.state.step")), dropped.sha256Before());

            Ledger.Entry turned = ledger.entries().get(1);
            assertEquals("transpose 1 0", turned.transform());
            assertEquals(List.of(3L, 2L), turned.shape());
            assertEquals(DType.F32, turned.dtype());
            assertEquals(Sha256.hex(checkpoint.read("enc.block.0.q")), turned.sha256Before());
            assertEquals(
                    Sha256.hex(Tensor.of("t", new float[] {1, 4, 2, 5, 3, 6}, 6).bytes()), turned.sha256After());

            Ledger.Entry copied = ledger.entries().get(4);
            assertEquals("copy", copied.transform());
            assertEquals(copied.sha256Before(), copied.sha256After());
        }
    }

    @Test
    void theLedgerIsCompleteWithoutTakingAnything() throws IOException {
        try (Checkpoint checkpoint = complete()) {
            Ledger ledger = rules(RULES).apply(checkpoint, "family").ledger();
            assertEquals(3, ledger.entries().size());
        }
    }

    @Test
    void missingTensorIsToldWithTheNearestName() throws IOException {
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("enc.block.0.q", new float[6], 2, 3),
                Tensor.of("haed", new float[4], 4),
                Tensor.of("same", new float[1], 1))) {
            CheckpointException e = refused(checkpoint, RULES, "missing-tensor");
            assertTrue(e.getMessage().contains("no tensor 'head'; the nearest name is 'haed'"), e.getMessage());
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("head", new float[4], 4),
                Tensor.of("same", new float[1], 1),
                Tensor.of("enc.block.q", new float[6], 2, 3))) {
            refused(checkpoint, RULES, "missing-tensor");
        }
    }

    @Test
    void unusedTensorIsToldWithTheNearestName() throws IOException {
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("enc.block.0.q", new float[6], 2, 3),
                Tensor.of("head", new float[4], 4),
                Tensor.of("same", new float[1], 1),
                Tensor.of("enc.block.0.k", new float[6], 2, 3),
                Tensor.of("more", new float[1], 1))) {
            CheckpointException e = refused(checkpoint, RULES, "unused-tensor");
            assertTrue(
                    e.getMessage().contains("'enc.block.0.k' (and 1 more); the nearest name is 'enc.block.*.q'"),
                    e.getMessage());
        }
    }

    @Test
    void misshapenTensorIsToldWithBothShapes() throws IOException {
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("enc.block.0.q", new float[6], 3, 2),
                Tensor.of("head", new float[4], 4),
                Tensor.of("same", new float[1], 1))) {
            CheckpointException e = refused(checkpoint, RULES, "misshapen-tensor");
            assertTrue(
                    e.getMessage()
                            .contains("'enc.block.0.q': expected [3, 2] for 'encoder.layers_0.query', got [2, 3]"),
                    e.getMessage());
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("enc.block.0.q", new float[6], 6),
                Tensor.of("head", new float[4], 4),
                Tensor.of("same", new float[1], 1))) {
            CheckpointException e = refused(checkpoint, RULES, "misshapen-tensor");
            assertTrue(e.getMessage().contains("'transpose 1 0' does not fit the shape [6]"), e.getMessage());
        }
    }

    @Test
    void twoTensorsForOneNameAreRefused() throws IOException {
        try (Checkpoint checkpoint = checkpoint(Tensor.of("a.w", new float[1], 1), Tensor.of("b.w", new float[1], 1))) {
            CheckpointException e = refused(checkpoint, "{\"match\": \"*.w\", \"to\": \"w\"}", "duplicate-target");
            assertTrue(e.getMessage().contains("'a.w' and 'b.w' would both become 'w'"), e.getMessage());
        }
    }

    @Test
    void weightsAreTakenOnceInTheirShapeAndFinite() throws IOException {
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("w", new float[] {1, Float.NaN}, 2),
                Tensor.of("v", new float[] {1}, 1),
                Tensor.of("u", new float[] {Float.NEGATIVE_INFINITY}, 1))) {
            MappedWeights weights = rules("{\"match\": \"*\"}").apply(checkpoint, "f");
            CheckpointException nan = assertThrows(CheckpointException.class, () -> weights.take("w", 2));
            assertEquals("not-finite", nan.rule());
            assertTrue(nan.getMessage().contains("'w' has a NaN or an infinity at element 1"), nan.getMessage());
            assertEquals(
                    "not-finite",
                    assertThrows(CheckpointException.class, () -> weights.bytes("u"))
                            .rule());
            CheckpointException shape = assertThrows(CheckpointException.class, () -> weights.take("v", 1, 1));
            assertEquals("misshapen-tensor", shape.rule());
            assertTrue(shape.getMessage().contains("[1], the model needs [1, 1]"), shape.getMessage());
            CheckpointException missing = assertThrows(CheckpointException.class, () -> weights.take("x", 1));
            assertEquals("missing-tensor", missing.rule());
            assertTrue(missing.getMessage().contains("nearest"), missing.getMessage());
            weights.take("v", 1);
            assertThrows(IllegalStateException.class, () -> weights.take("v", 1));
        }
    }

    @Test
    void transforms() throws IOException {
        float[] values = new float[24];
        for (int i = 0; i < 24; i++) {
            values[i] = i;
        }
        try (Checkpoint checkpoint = checkpoint(Tensor.of("w", values, 2, 3, 4))) {
            MappedWeights weights = rules(
                            "{\"match\": \"w\", \"transform\": [\"transpose 2 0 1\", \"reshape 4 6\", \"transpose 1 0\"]}")
                    .apply(checkpoint, "f");
            float[] taken = weights.take("w", 6, 4);
            for (int i = 0; i < 6; i++) {
                for (int j = 0; j < 4; j++) {
                    assertEquals(values[i * 4 + j], taken[i * 4 + j]);
                }
            }
            assertEquals(
                    "transpose 2 0 1; reshape 4 6; transpose 1 0",
                    weights.ledger().entries().get(0).transform());
        }
    }

    @Test
    void firstRuleDecides() throws IOException {
        try (Checkpoint checkpoint =
                checkpoint(Tensor.of("a/b.c", new float[1], 1), Tensor.of("a/d", new float[1], 1))) {
            MappedWeights weights = rules(
                            "{\"match\": \"*/b.*\", \"to\": \"{2}.{1}\"}, {\"match\": \"**\", \"to\": \"all/{1}\"}")
                    .apply(checkpoint, "f");
            assertEquals(
                    List.of("c.a", "all/a/d"),
                    weights.tensors().stream().map(tensor -> tensor.name()).toList());
        }
    }

    @Test
    void hostileNamesTakeNoTime() throws IOException {
        try (Checkpoint checkpoint = checkpoint(Tensor.of("a".repeat(NamePattern.LONGEST), new float[1], 1))) {
            refused(checkpoint, "{\"match\": \"**a**a**a**b\", \"optional\": true}", "unused-tensor");
        }
    }

    @Test
    void rulesAreChosenByNames() throws IOException {
        URL other = resource("other", "{\"format\": \"luthier-names/1\", \"recognisedBy\": [\"xyz\"], \"rules\": []}");
        URL mine = resource(
                "mine",
                "{\"format\": \"luthier-names/1\", \"recognisedBy\": [\"same\", \"enc.**\"], \"rules\": [" + RULES
                        + "]}");
        try (Checkpoint checkpoint = complete()) {
            assertFalse(NameRules.read(other).matches(checkpoint));
            assertEquals(
                    3,
                    NameRules.choose(List.of(other, mine), checkpoint)
                            .apply(checkpoint, "f")
                            .tensors()
                            .size());
            assertEquals(
                    "unknown-names",
                    assertThrows(CheckpointException.class, () -> NameRules.choose(List.of(other), checkpoint))
                            .rule());
        }
        try (Checkpoint checkpoint = checkpoint(Tensor.of("same", new float[1], 1))) {
            String message = assertThrows(
                            CheckpointException.class, () -> NameRules.choose(List.of(other, mine), checkpoint))
                    .getMessage();
            assertTrue(message.contains("none of the 2 naming schemes"), message);
            assertTrue(message.contains("for the nearest there is no tensor 'enc.**'"), message);
        }
    }

    private static final String STACKS = """
            {"match": ["a.*.k", "a.*.v"], "stack": 0, "to": "b{1}.kv", "transform": ["transpose 1 0"], "shape": ["two", 3]},
            {"match": "*.ab", "split": 1, "to": ["{1}/a", "{1}/b"]}
            """;

    private Checkpoint stacks() {
        return checkpoint(
                Tensor.of("a.0.v", new float[] {4, 5, 6}, 3, 1),
                Tensor.of("x.ab", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4),
                Tensor.of("a.0.k", new float[] {1, 2, 3}, 3, 1));
    }

    @Test
    void tensorsAreStackedAndSplit() throws IOException {
        try (Checkpoint checkpoint = stacks()) {
            MappedWeights weights = rules(STACKS).apply(checkpoint, "f");
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, weights.take("b0.kv", 2, 3));
            assertArrayEquals(new float[] {1, 2, 5, 6}, weights.take("x/a", 2, 2));
            assertArrayEquals(new float[] {3, 4, 7, 8}, weights.take("x/b", 2, 2));
            weights.finish();
            assertEquals(
                    List.of(
                            "a.0.v: transpose 1 0; stack 0 2/2 -> b0.kv",
                            "x.ab: split 1 1/2 -> x/a",
                            "x.ab: split 1 2/2 -> x/b",
                            "a.0.k: transpose 1 0; stack 0 1/2 -> b0.kv"),
                    weights.ledger().entries().stream()
                            .map(entry -> entry.source() + ": " + entry.transform() + " -> " + entry.target())
                            .toList());
        }
    }

    @Test
    void inverseRulesLeadBack() throws IOException {
        NameRules rules = rules(STACKS);
        try (Checkpoint checkpoint = stacks()) {
            MappedWeights back = rules.inverse().apply(rules.apply(checkpoint, "f"), "f");
            for (String name : checkpoint.tensors().keySet()) {
                assertEquals(
                        checkpoint.tensors().get(name).shape(),
                        back.asCheckpoint().tensors().get(name).shape());
                assertArrayEquals(checkpoint.floats(name), back.asCheckpoint().floats(name), name);
            }
            assertEquals(3, back.tensors().size());
        }
        LuthierException forgotten = assertThrows(
                LuthierException.class,
                () -> rules("{\"match\": \"a*b*\", \"to\": \"{2}\"}").inverse());
        assertTrue(forgotten.getMessage().contains("does not tell what each wildcard"), forgotten.getMessage());
        LuthierException reshaped = assertThrows(
                LuthierException.class,
                () -> rules("{\"match\": \"a\", \"transform\": [\"reshape 2\"]}")
                        .inverse());
        assertTrue(reshaped.getMessage().contains("'reshape 2' cannot be undone"), reshaped.getMessage());
    }

    @Test
    void partsThatDoNotGoTogetherAreRefused() throws IOException {
        try (Checkpoint checkpoint =
                checkpoint(Tensor.of("a.0.k", new float[3], 3, 1), Tensor.of("x.ab", new float[8], 2, 4))) {
            assertTrue(
                    refused(checkpoint, STACKS, "missing-tensor").getMessage().contains("no tensor 'a.*.v'"));
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("a.0.k", new float[3], 3, 1),
                Tensor.of("a.0.v", new float[3], 1, 3),
                Tensor.of("x.ab", new float[8], 2, 4))) {
            assertTrue(
                    refused(checkpoint, STACKS, "misshapen-tensor").getMessage().contains("cannot be stacked"));
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("a.0.k", new float[3], 3, 1),
                Tensor.of("a.0.v", new float[3], 3, 1),
                Tensor.of("x.ab", new float[6], 2, 3))) {
            assertTrue(refused(checkpoint, STACKS, "misshapen-tensor")
                    .getMessage()
                    .contains("cannot be split into 2 equal parts"));
        }
    }

    @Test
    void noLayerMayLackATensorThatOthersHave() throws IOException {
        String rules = "{\"match\": \"l.*.a\"}, {\"match\": \"l.*.b\"}";
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("l.0.a", new float[1], 1),
                Tensor.of("l.1.a", new float[1], 1),
                Tensor.of("l.0.b", new float[1], 1))) {
            assertTrue(refused(checkpoint, rules, "missing-tensor").getMessage().contains("no tensor 'l.1.b'"));
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("l.0.a", new float[1], 1),
                Tensor.of("l.2.a", new float[1], 1),
                Tensor.of("l.0.b", new float[1], 1),
                Tensor.of("l.2.b", new float[1], 1))) {
            assertTrue(refused(checkpoint, rules, "missing-tensor").getMessage().contains("no tensor 'l.1.a'"));
        }
    }

    @Test
    void numberedLayersInLayersAreThereEachWithEach() throws IOException {
        String rules =
                "{\"match\": \"l.*.e.*.a\"}, {\"match\": \"l.*.e.*.b\", \"optional\": true}, {\"match\": \"l.*.q\"}";
        List<Tensor> tensors = new ArrayList<>();
        for (String name : List.of("l.0.q", "l.1.q", "l.0.e.0.a", "l.0.e.1.a", "l.1.e.0.a", "l.1.e.1.a")) {
            tensors.add(Tensor.of(name, new float[1], 1));
        }
        try (Checkpoint checkpoint = checkpoint(tensors.toArray(Tensor[]::new))) {
            assertEquals(6, rules(rules).apply(checkpoint, "f").tensors().size());
        }
        tensors.remove(4);
        try (Checkpoint checkpoint = checkpoint(tensors.toArray(Tensor[]::new))) {
            assertTrue(refused(checkpoint, rules, "missing-tensor").getMessage().contains("no tensor 'l.1.e.0.a'"));
        }
        tensors.add(4, Tensor.of("l.1.e.0.a", new float[1], 1));
        tensors.remove(1);
        try (Checkpoint checkpoint = checkpoint(tensors.toArray(Tensor[]::new))) {
            assertTrue(refused(checkpoint, rules, "missing-tensor").getMessage().contains("no tensor 'l.1.q'"));
        }
    }

    /** A part that only some models have: needed where there is any of it, and what tells two uses of a name apart. */
    @Test
    void rulesCountWhereAPatternFits() throws IOException {
        String rules = """
                {"match": "*.gate", "to": "{1}.router", "where": "*.expert*.in"},
                {"match": "*.expert*.in", "where": "*.expert*.in"},
                {"match": "*.gate", "to": "{1}.branch", "where": "*.in"},
                {"match": "*.in", "where": "*.in"}
                """;
        try (Checkpoint checkpoint =
                checkpoint(Tensor.of("m.gate", new float[1], 1), Tensor.of("m.expert0.in", new float[1], 1))) {
            MappedWeights weights = rules(rules).apply(checkpoint, "f");
            assertEquals(Set.of("m.router", "m.expert0.in"), weights.names());
            // The way back asks for nothing: what is there was complete.
            assertEquals(
                    Set.of("m.gate", "m.expert0.in"),
                    rules(rules).inverse().apply(weights, "f").names());
        }
        try (Checkpoint checkpoint =
                checkpoint(Tensor.of("m.gate", new float[1], 1), Tensor.of("m.in", new float[1], 1))) {
            assertEquals(
                    Set.of("m.branch", "m.in"),
                    rules(rules).apply(checkpoint, "f").names());
        }
        try (Checkpoint checkpoint = checkpoint(Tensor.of("m.expert0.in", new float[1], 1))) {
            assertTrue(refused(checkpoint, rules, "missing-tensor").getMessage().contains("no tensor '*.gate'"));
        }
        try (Checkpoint checkpoint = checkpoint(Tensor.of("m.gate", new float[1], 1))) {
            refused(checkpoint, rules, "unused-tensor");
        }
    }

    @Test
    void everyLayerHasTheSecondName() throws IOException {
        NameRules rules = rules(
                "{\"match\": \"a\"}, {\"match\": \"l.*.t.*.x\"}, {\"match\": \"l.*.t.*.y.a\", \"sameAs\": \"a\"}");
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("a", new float[] {3}, 1),
                Tensor.of("l.0.t.0.x", new float[1], 1),
                Tensor.of("l.0.t.0.y.a", new float[] {3}, 1))) {
            assertEquals(3, rules.apply(checkpoint, "f").ledger().entries().size());
        }
        assertEquals(
                Map.of("l.0.t.0.y.a", "a", "l.1.t.0.y.a", "a"),
                rules.secondNames(List.of("a", "l.0.t.0.x", "l.1.t.0.x", "l.1.x")));
        assertEquals(Map.of(), rules.secondNames(List.of("l.0.t.0.x")));
    }

    @Test
    void sizesOfOneNameAreTheSame() throws IOException {
        String rules = "{\"match\": \"a\", \"shape\": [\"n\", \"m\"]}, {\"match\": \"b\", \"shape\": [\"m\"]}";
        try (Checkpoint checkpoint = checkpoint(Tensor.of("a", new float[6], 2, 3), Tensor.of("b", new float[2], 2))) {
            String message = refused(checkpoint, rules, "misshapen-tensor").getMessage();
            assertTrue(message.contains("expected [m] with m 3 for 'b', got [2]; as in 'a'"), message);
        }
    }

    @Test
    void powersAreRecognisedInEveryTypeAndOthersAreAWarning() throws IOException {
        String rules = "{\"match\": \"p*\", \"drop\": \"computed\", \"expect\": \"10000^(-i/255)\"}";
        float[] right = new float[256];
        float[] wrong = new float[256];
        for (int i = 0; i < right.length; i++) {
            right[i] = (float) Math.pow(10000, -i / 255.0);
            wrong[i] = (float) Math.pow(10000, -i / 256.0);
        }
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("p1", right, 256), Tensor.of("p2", wrong, 256), half("p3", right), half("p4", wrong))) {
            MappedWeights weights = rules(rules).apply(checkpoint, "f");
            assertEquals(4, weights.ledger().entries().size());
            assertEquals(
                    List.of("tensor 'p2' does not hold", "tensor 'p4' does not hold"),
                    weights.warnings().stream()
                            .map(warning -> warning.substring(0, 25))
                            .toList());
        }
    }

    @Test
    void powersOfAsManyStepsAsElements() throws IOException {
        String rules = "{\"match\": \"p*\", \"drop\": \"computed\", \"expect\": \"100^(-i/n)\"}";
        try (Checkpoint checkpoint = checkpoint(
                Tensor.of("p1", new float[] {1, 0.1f}, 2), Tensor.of("p2", new float[] {1, 0.1f, 0.01f}, 3))) {
            MappedWeights weights = rules(rules).apply(checkpoint, "f");
            weights.ledger();
            assertEquals(1, weights.warnings().size());
            assertTrue(
                    weights.warnings().get(0).contains("'p2' does not hold 100^(-i/3)"),
                    weights.warnings().get(0));
        }
    }

    private static Tensor half(String name, float[] values) {
        Tensor exact = Tensor.of(name, values, values.length);
        return new Tensor(
                name,
                DType.BF16,
                exact.shape(),
                Floats.cast(
                        new TensorInfo(name, exact.shape(), DType.F32),
                        exact.bytes().order(ByteOrder.LITTLE_ENDIAN),
                        DType.BF16));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "{'format': 'luthier-names/2', 'recognisedBy': ['a'], 'rules': []}; expected the format luthier-names/1",
                "{'format': 'luthier-names/1', 'recognisedBy': [], 'rules': []}; must not be empty",
                "{'format': 'luthier-names/1', 'rules': []}; recognisedBy",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'to': 'b'}]}; match",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'drop': 'x', 'to': 'b'}]}; cannot both drop",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a*', 'to': '{2}'}]}; wildcard that is not there",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'transform': ['turn']}]}; got 'turn'",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'transform': ['transpose 0 0']}]}; got 'transpose 0 0'",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'transform': ['reshape -1']}]}; got '-1'",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'matsch': 'b'}]}; matsch",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'match': 'b'}]}; uplicate",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': ['a', 'b'], 'to': 'c'}]}; stack goes with several patterns",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'split': 0, 'to': 'c'}]}; split goes with several new names",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'to': ['b', 'c']}]}; split goes with several new names",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': ['a', '*b'], 'stack': 0, 'to': 'c'}]}; as many wildcards",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': ['a', 'c'], 'sameAs': 'b'}]}; a second name is one name",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'drop': 'x', 'expect': 'i'}]}; a formula like 10000^(-i/255)",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [{'match': 'a', 'shape': [1.5]}]}; got 1.5",
                "{'format': 'luthier-names/1', 'recognisedBy': ['a'], 'rules': [null]}; a rule has no match",
                "null; expected an object",
                "nothing; Unrecognized token",
            })
    void brokenRulesAreToldPlainly(String json, String message) throws IOException {
        URL url = resource("rules", json.replace('\'', '"'));
        LuthierException e = assertThrows(LuthierException.class, () -> NameRules.read(url));
        assertTrue(e.getMessage().startsWith("name rules " + url), e.getMessage());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    private CheckpointException refused(Checkpoint checkpoint, String rules, String rule) throws IOException {
        NameRules read = rules(rules);
        CheckpointException e = assertThrows(CheckpointException.class, () -> read.apply(checkpoint, "family"));
        assertEquals(rule, e.rule(), e.getMessage());
        assertEquals("x.safetensors", e.file());
        return e;
    }

    private Checkpoint complete() {
        return checkpoint(
                Tensor.of("enc.block.0.q", new float[6], 2, 3),
                Tensor.of("head", new float[4], 4),
                Tensor.of("same", new float[1], 1));
    }

    private Checkpoint checkpoint(Tensor... tensors) {
        Path file = folder.resolve("x.safetensors");
        AtomicFile.write(file, true, out -> SafetensorsWriter.write(out, Map.of(), List.of(tensors)));
        return new SafetensorsFormat().open(file);
    }

    private NameRules rules(String rules) throws IOException {
        return NameRules.read(resource(
                "names.json",
                "{\"format\": \"luthier-names/1\", \"recognisedBy\": [\"**\"], \"rules\": [" + rules + "]}"));
    }

    private URL resource(String name, String json) throws IOException {
        return Files.writeString(folder.resolve(name), json).toUri().toURL();
    }
}
