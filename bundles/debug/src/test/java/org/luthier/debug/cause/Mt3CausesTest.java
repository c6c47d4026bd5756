package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.model.mt3.Mt3Family;

/** Faults in the real weights of MT3, against what PyTorch recorded: most of that is parts of tensors, and of most layers only the ends. */
@Tag("full")
class Mt3CausesTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path CHECKPOINT = ROOT.resolve("../shared/checkpoints/mt3");
    private static final Path GOLDEN = ROOT.resolve("../shared/reference/mt3/golden_compact.safetensors");
    private static final ModelFamily FAMILY = new Mt3Family();
    private static final int WIDTH = 512;
    private static final int INNER = 384;
    private static final int SIZE = 64;

    @BeforeEach
    void needsTheCheckpoint() {
        Assumptions.assumeTrue(
                Files.isDirectory(CHECKPOINT) && Files.exists(GOLDEN), "no checkpoint beside the working copy");
    }

    /** Weights of which some are changed. */
    private record Changed(Weights weights, Map<String, UnaryOperator<float[]>> changes) implements Weights {
        @Override
        public float[] take(String name, long... shape) {
            return changes.getOrDefault(name, values -> values).apply(weights.take(name, shape));
        }

        @Override
        public String sourceName(String name) {
            return weights.sourceName(name);
        }

        @Override
        public void finish() {
            weights.finish();
        }

        @Override
        public Ledger ledger() {
            return weights.ledger();
        }
    }

    private static Arguments fault(String weight, UnaryOperator<float[]> change, String cause, String layer) {
        return Arguments.of(weight, change, cause, layer);
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                fault(
                        "encoder.input_projection.weight",
                        w -> Bench.transposed(w, WIDTH, WIDTH),
                        "transposed",
                        "encoder.input_projection"),
                fault(
                        "encoder.layer0.pre_attention_norm.scale",
                        w -> Bench.each(w, v -> 1),
                        "weight not applied",
                        "encoder.layer0.pre_attention_norm"),
                fault(
                        "encoder.layer0.attention.q.weight",
                        w -> Bench.each(w, v -> v / 8),
                        "missing or doubled scale",
                        "encoder.layer0.attention.q"),
                fault(
                        "encoder.layer0.attention.k.weight",
                        w -> Bench.from(w, i -> {
                            int j = i % INNER;
                            return i / INNER * INNER + (j % 6 * SIZE + j / 6);
                        }),
                        "heads split or ordered otherwise",
                        "encoder.layer0.attention.k"),
                fault(
                        "encoder.layer4.attention.out.weight",
                        w -> Bench.from(w, i -> (i / WIDTH + SIZE) % INNER * WIDTH + i % WIDTH),
                        "heads split or ordered otherwise",
                        "encoder.layer4.attention.out"),
                fault(
                        "encoder.layer5.mlp.wi_0.weight",
                        w -> Bench.transposed(w, WIDTH, 1024),
                        "reshaped instead of transposed",
                        "encoder.layer5.mlp.wi_0_act"),
                fault(
                        "decoder.token_embedding.weight",
                        w -> Bench.from(w, i -> Math.floorMod(i - 3 * WIDTH, w.length)),
                        "rows shifted",
                        "decoder.embedded"),
                fault(
                        "decoder.layer0.self_attention.v.weight",
                        w -> Bench.each(w, v -> -v),
                        "sign",
                        "decoder.layer0.self_attention.v"),
                fault(
                        "decoder.layer2.cross_attention.k.weight",
                        w -> Bench.transposed(w, INNER, WIDTH),
                        "reshaped instead of transposed",
                        "decoder.layer2.cross_attention.k"),
                fault(
                        "decoder.layer6.mlp.wo.weight",
                        w -> {
                            float[] noisy = w.clone();
                            float[] noise = Bench.random(1, w.length, 0.01);
                            for (int i = 0; i < noisy.length; i++) {
                                noisy[i] += noise[i];
                            }
                            return noisy;
                        },
                        "noise",
                        "decoder.layer6.out"),
                fault(
                        "decoder.logits.weight",
                        w -> Bench.from(w, i -> i / 1536 * 1536 + (i + 3) % 1536),
                        "rows shifted",
                        "decoder.logits"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aFaultIsNamedFromTheGolden(String weight, UnaryOperator<float[]> change, String cause, String layer)
            throws Exception {
        named(Map.of(weight, change), cause, layer);
    }

    private static void named(Map<String, UnaryOperator<float[]>> changes, String expected, String layer)
            throws Exception {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(CHECKPOINT);
                Reference golden = Reference.open(GOLDEN, FAMILY.referenceAdapters())) {
            WeightSource sound = WeightSource.of(NameRules.choose(FAMILY.nameRules(), checkpoint)
                    .apply(checkpoint, FAMILY.id())
                    .asCheckpoint());
            WeightSource wrong = name -> {
                WeightSource.Weight weight = sound.weight(name);
                return changes.containsKey(name)
                        ? new WeightSource.Weight(
                                weight.shape(), () -> changes.get(name).apply(weight.values()))
                        : weight;
            };
            try (Model model = RealModelsTest.load(
                    FAMILY,
                    ROOT.resolve("models/mt3"),
                    new Changed(
                            NameRules.choose(FAMILY.nameRules(), checkpoint).apply(checkpoint, FAMILY.id()),
                            changes))) {
                Reference trace =
                        new Tracer(model).trace(new TraceInput.Recorded(golden, null), NameGlob.ALL, Cancellation.NONE);
                TraceDiff diff = TraceDiff.compare(trace, golden, Thresholds.FLOAT32);
                // The weights at hand may be the faulty ones, or those that the run should have had.
                for (WeightSource weights : List.of(wrong, sound)) {
                    List<Cause> causes = new Causes(
                                    RealModelsTest.computations(model.root()), weights, Thresholds.FLOAT32)
                            .of(List.of(diff.first()), trace, golden);
                    assertEquals(1, causes.size(), diff.first());
                    assertTrue(causes.get(0).cause().startsWith(expected), causes.toString());
                    assertEquals(layer, causes.get(0).layer());
                }
            }
        }
    }
}
