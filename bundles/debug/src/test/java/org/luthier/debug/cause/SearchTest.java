package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;

/** Where the search looks: between recorded tensors, on either side, without weights. */
class SearchTest {
    private static final int POSITIONS = 24;
    private static final int WIDTH = 32;
    private static final float[] X = Bench.random(1, POSITIONS * WIDTH);
    private static final float[] W = Bench.random(2, WIDTH * WIDTH, 0.2);
    private static final float[] V = Bench.random(3, WIDTH * WIDTH, 0.2);
    private static final String GELU = "gelu_tanh";

    private static float[] activated(float[] pre) {
        return Bench.each(pre, x -> 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))));
    }

    private static Bench twoLayers() {
        return new Bench()
                .projection("hidden", "x", "w", GELU)
                .projection("y", "hidden", "v", "none")
                .given("x", X, 1, POSITIONS, WIDTH);
    }

    /** The reference has the ends of a block only; what is wrong is in its midst. */
    @Test
    void aFaultBetweenRecordedTensorsIsFoundAndItsLayerNamed() {
        float[] wrong = Bench.transposed(W, WIDTH, WIDTH);
        float[] hidden = activated(Bench.product(X, wrong, WIDTH));
        float[] y = Bench.product(activated(Bench.product(X, W, WIDTH)), V, WIDTH);
        Cause inWeight = twoLayers()
                .weight("w", wrong, WIDTH, WIDTH)
                .weight("v", V, WIDTH, WIDTH)
                .run("hidden", hidden, 1, POSITIONS, WIDTH)
                .made("y", Bench.product(hidden, V, WIDTH), y, 1, POSITIONS, WIDTH)
                .assertCause("transposed", "y");
        assertEquals("hidden", inWeight.layer());
        Cause inCode = twoLayers()
                .weight("w", W, WIDTH, WIDTH)
                .weight("v", V, WIDTH, WIDTH)
                .run("hidden", hidden, 1, POSITIONS, WIDTH)
                .made("y", Bench.product(hidden, V, WIDTH), y, 1, POSITIONS, WIDTH)
                .assertCause("transposed", "y");
        assertEquals("hidden", inCode.layer());
    }

    /** Two faults at once, each layer fed what the reference recorded. */
    @Test
    void isolatedTensorsAreComputedFromTheReference() {
        float[] hidden = activated(Bench.product(X, W, WIDTH));
        List<Cause> causes = twoLayers()
                .weight("w", Bench.each(W, v -> -v), WIDTH, WIDTH)
                .weight("v", Bench.transposed(V, WIDTH, WIDTH), WIDTH, WIDTH)
                .made("hidden", activated(Bench.product(X, Bench.each(W, v -> -v), WIDTH)), hidden, 1, POSITIONS, WIDTH)
                .made(
                        "y",
                        Bench.product(hidden, Bench.transposed(V, WIDTH, WIDTH), WIDTH),
                        Bench.product(hidden, V, WIDTH),
                        1,
                        POSITIONS,
                        WIDTH)
                .isolated("hidden", "y");
        assertEquals(List.of("hidden", "y"), causes.stream().map(Cause::layer).toList());
        assertTrue(causes.get(0).cause().startsWith("sign"), causes.toString());
        assertTrue(causes.get(1).cause().startsWith("transposed"), causes.toString());
    }

    /** Only what two tensors tell. */
    @Test
    void withoutWeightsAndComputationsOutputsStillTell() {
        Bench bench = new Bench();
        bench.made("y", Bench.each(X, v -> v / 255), X, 1, POSITIONS, WIDTH)
                .assertCause("missing or doubled scale: this run has the tensor times 1/255", "y");
        bench.made("y", Bench.each(X, v -> -v), X, 1, POSITIONS, WIDTH).assertCause("sign", "y");
        bench.made("y", Bench.from(X, i -> (i + WIDTH) % X.length), X, 1, POSITIONS, WIDTH)
                .assertCause("positions shifted", "y");
        bench.made("y", Bench.from(X, i -> i / WIDTH * WIDTH + i % WIDTH * 5 % WIDTH), X, 1, POSITIONS, WIDTH)
                .assertCause("order of entries", "y");
        bench.made("y", Bench.random(9, X.length), X, 1, POSITIONS, WIDTH).assertNone("y");
        bench.made("y", X, X, 1, POSITIONS, WIDTH).assertNone("y");
    }

    @Test
    void swappedNamesAreNamed() {
        float[] other = Bench.random(5, X.length);
        new Bench()
                .projection("k", "x", "wk", "none")
                .projection("v", "x", "wv", "none")
                .made("k", other, X, 1, POSITIONS, WIDTH)
                .made("v", X, other, 1, POSITIONS, WIDTH)
                .assertCause("names swapped", "k");
    }

    /** Numbers for the report, in the order of the fields. */
    @Test
    void aCauseIsAnObjectForJson() {
        assertEquals(
                Map.of("cause", "sign", "layer", "y", "before", 2.0, "after", 0.0, "try", "add it"),
                new Cause("sign", "y", 2, 0, "add it").asMap());
    }

    /** A family's own word is left alone. */
    @Test
    void anOperationThatNobodyKnowsIsNoTrouble() {
        new Bench()
                .computation("y", "family-word", List.of("x"), Map.of(), Map.of())
                .given("x", X, 1, POSITIONS, WIDTH)
                .made("y", Bench.random(9, X.length), X, 1, POSITIONS, WIDTH)
                .assertNone("y");
        assertEquals(
                null,
                Operations.of(new Task(
                        new Computation("y", "family-word", List.of("x"), Map.of(), Map.of()),
                        List.of(),
                        WeightSource.NONE,
                        List.of())));
    }
}
