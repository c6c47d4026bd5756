package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Computation;

/** Faults of a projection, in its weight and in the code that multiplies with it; the faults are made here, not by what finds them. */
class ProjectionCausesTest {
    private static final int POSITIONS = 24;
    private static final int WIDTH = 32;
    private static final int HEADS = 4;
    private static final float[] X = Bench.random(1, POSITIONS * WIDTH);
    private static final float[] W = Bench.random(2, WIDTH * WIDTH, 0.2);
    private static final float[] OTHER = Bench.random(3, WIDTH * WIDTH, 0.2);

    /** The layer's attention is there for its number of heads. */
    private static Bench bench(String activation) {
        return new Bench()
                .computation(
                        "a.layer0.context", Computation.MIXTURE, List.of("p", "v"), Map.of(), Map.of("heads", (long)
                                HEADS))
                .projection("a.layer0.out", "a.layer0.context", "a.layer0.out.weight", activation)
                .given("a.layer0.context", X, 1, POSITIONS, WIDTH);
    }

    private static float[] activated(float[] pre, String activation) {
        DoubleUnaryOperator gelu = x -> 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
        return Bench.each(pre, activation.equals("none") ? x -> x : gelu);
    }

    private static int row(int i) {
        return i / WIDTH;
    }

    private static int column(int i) {
        return i % WIDTH;
    }

    private static Arguments fault(String cause, UnaryOperator<float[]> change) {
        return Arguments.of(cause, change);
    }

    private static UnaryOperator<float[]> rows(java.util.function.IntUnaryOperator from) {
        return w -> Bench.from(w, i -> from.applyAsInt(row(i)) * WIDTH + column(i));
    }

    static Stream<Arguments> faults() {
        int size = WIDTH / HEADS;
        return Stream.of(
                fault("transposed", w -> Bench.transposed(w, WIDTH, WIDTH)),
                fault("order of inputs", rows(i -> WIDTH - 1 - i)),
                fault("rows shifted", rows(i -> (i + 1) % WIDTH)),
                fault("rows shifted", rows(i -> (i + WIDTH - 3) % WIDTH)),
                fault("heads split or ordered otherwise", rows(i -> i % size * HEADS + i / size)),
                fault("heads split or ordered otherwise", rows(i -> i % HEADS * size + i / HEADS)),
                fault("heads split or ordered otherwise", rows(i -> (HEADS - 1 - i / size) * size + i % size)),
                fault("heads split or ordered otherwise", rows(i -> i < size ? i + size : i < 2 * size ? i - size : i)),
                fault("sign", w -> Bench.each(w, v -> -v)),
                fault("missing or doubled scale", w -> Bench.each(w, v -> 2 * v)),
                fault("missing or doubled scale", w -> Bench.each(w, v -> v / Math.sqrt(WIDTH))));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aFaultInTheWeightIsNamed(String cause, UnaryOperator<float[]> change) {
        for (String activation : List.of("none", "gelu_tanh")) {
            float[] wrong = change.apply(W);
            bench(activation)
                    .weight("a.layer0.out.weight", wrong, WIDTH, WIDTH)
                    .made(
                            "a.layer0.out",
                            activated(Bench.product(X, wrong, WIDTH), activation),
                            activated(Bench.product(X, W, WIDTH), activation),
                            1,
                            POSITIONS,
                            WIDTH)
                    .assertCause(cause, "a.layer0.out");
        }
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aFaultInTheCodeIsNamed(String cause, UnaryOperator<float[]> change) {
        for (String activation : List.of("none", "gelu_tanh")) {
            Cause found = bench(activation)
                    .weight("a.layer0.out.weight", W, WIDTH, WIDTH)
                    .made(
                            "a.layer0.out",
                            activated(Bench.product(X, change.apply(W), WIDTH), activation),
                            activated(Bench.product(X, W, WIDTH), activation),
                            1,
                            POSITIONS,
                            WIDTH)
                    .assertCause(cause, "a.layer0.out");
            assertEquals("a.layer0.out", found.layer());
            // Left over is the rounding of float32.
            assertTrue(found.after() < 1e-6 && found.before() > 0.05, found.toString());
        }
    }

    @Test
    void aHeadThatIsLeftOutIsNamedWithItsNumber() {
        float[] without = W.clone();
        Arrays.fill(without, 2 * WIDTH / HEADS * WIDTH, 3 * WIDTH / HEADS * WIDTH, 0);
        Cause found = bench("none")
                .weight("a.layer0.out.weight", W, WIDTH, WIDTH)
                .made("a.layer0.out", Bench.product(X, without, WIDTH), Bench.product(X, W, WIDTH), 1, POSITIONS, WIDTH)
                .assertCause("a head missing", "a.layer0.out");
        assertTrue(found.cause().contains("head 2"), found.cause());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aMatrixThatIsNotSquareMayHaveBeenReshaped(boolean inWeight) {
        int outputs = 48;
        float[] w = Bench.random(4, WIDTH * outputs, 0.2);
        // Stored as [outputs, inputs], read in order as [inputs, outputs].
        float[] wrong = Bench.transposed(w, WIDTH, outputs);
        new Bench()
                .projection("y", "x", "w", "none")
                .given("x", X, 1, POSITIONS, WIDTH)
                .weight("w", inWeight ? wrong : w, WIDTH, outputs)
                .made("y", Bench.product(X, wrong, WIDTH), Bench.product(X, w, WIDTH), 1, POSITIONS, outputs)
                .assertCause("reshaped instead of transposed", "y");
    }

    /** In this run's names the weights of two computations are exchanged. */
    private static Cause exchanged(String cause, String first, String second, String activation) {
        return new Bench()
                .projection(first, "x", first + ".weight", activation)
                .projection(second, "x", second + ".weight", "none")
                .given("x", X, 1, POSITIONS, WIDTH)
                .weight(first + ".weight", OTHER, WIDTH, WIDTH)
                .weight(second + ".weight", W, WIDTH, WIDTH)
                .made(
                        first,
                        activated(Bench.product(X, OTHER, WIDTH), activation),
                        activated(Bench.product(X, W, WIDTH), activation),
                        1,
                        POSITIONS,
                        WIDTH)
                .assertCause(cause, first);
    }

    @Test
    void exchangedWeightsAreNamedByWhatTheyAre() {
        exchanged("gate and up swapped", "mlp.wi_0", "mlp.wi_1", "gelu_tanh");
        exchanged("q and k swapped", "attention.q", "attention.k", "none");
        exchanged("v and k swapped", "attention.v", "attention.k", "none");
        exchanged("layers swapped", "encoder.layer0.mlp.wo", "encoder.layer3.mlp.wo", "none");
        exchanged("names swapped", "encoder.layer0.mlp.wo", "decoder.layer3.self_attention.out", "none");
    }

    @Test
    void theEmbeddingAsOutputIsNamed() {
        int ids = 40;
        float[] table = Bench.random(5, ids * WIDTH);
        float[] w = Bench.random(6, WIDTH * ids);
        for (double factor : new double[] {1, 1 / Math.sqrt(WIDTH)}) {
            float[] tied = Bench.each(Bench.transposed(table, ids, WIDTH), v -> factor * v);
            new Bench()
                    .computation(
                            "embedding",
                            Computation.LOOKUP,
                            List.of("ids"),
                            Map.of("table", "embedding.weight"),
                            Map.of())
                    .projection("logits", "x", "logits.weight", "none")
                    .given("x", X, 1, POSITIONS, WIDTH)
                    .weight("embedding.weight", table, ids, WIDTH)
                    .weight("logits.weight", w, WIDTH, ids)
                    .made("logits", Bench.product(X, tied, WIDTH), Bench.product(X, w, WIDTH), 1, POSITIONS, ids)
                    .assertCause("tied output", "logits");
        }
    }

    /** What the weight should be is lost; what it is tells all the same. */
    @Test
    void aWeightThatIsAnothersOrHasAHoleIsNamed() {
        float[] table = Bench.random(5, WIDTH * WIDTH);
        new Bench()
                .computation(
                        "embedding", Computation.LOOKUP, List.of("ids"), Map.of("table", "embedding.weight"), Map.of())
                .projection("logits", "x", "logits.weight", "none")
                .given("x", X, 1, POSITIONS, WIDTH)
                .weight("embedding.weight", table, WIDTH, WIDTH)
                .weight("logits.weight", Bench.transposed(table, WIDTH, WIDTH), WIDTH, WIDTH)
                .made(
                        "logits",
                        Bench.product(X, Bench.transposed(table, WIDTH, WIDTH), WIDTH),
                        Bench.product(X, W, WIDTH),
                        1,
                        POSITIONS,
                        WIDTH)
                .assertCause("tied output", "logits");
        float[] hole = W.clone();
        Arrays.fill(hole, 2 * WIDTH / HEADS * WIDTH, 3 * WIDTH / HEADS * WIDTH, 0);
        bench("none")
                .weight("a.layer0.out.weight", hole, WIDTH, WIDTH)
                .made("a.layer0.out", Bench.product(X, hole, WIDTH), Bench.product(X, W, WIDTH), 1, POSITIONS, WIDTH)
                .assertCause("a head missing", "a.layer0.out");
    }

    @Test
    void eightBitsAreSaidToBeSo() {
        float largest = 0;
        for (float value : W) {
            largest = Math.max(largest, Math.abs(value));
        }
        float step = largest / 127;
        float[] rounded = Bench.each(W, v -> Math.rint(v / step) * step);
        for (float[] known : List.of(W, rounded)) {
            bench("none")
                    .weight("a.layer0.out.weight", known, WIDTH, WIDTH)
                    .made(
                            "a.layer0.out",
                            Bench.product(X, rounded, WIDTH),
                            Bench.product(X, W, WIDTH),
                            1,
                            POSITIONS,
                            WIDTH)
                    .assertCause("reduced precision", "a.layer0.out");
        }
    }

    /** The two GELUs differ by less than a thousandth, and by less where the gate is small. */
    @Test
    void theExactGeluIsNamedEvenWhereItHardlyShows() {
        float[] small = Bench.each(W, v -> v / 8);
        float[] pre = Bench.product(X, small, WIDTH);
        // Abramowitz and Stegun 7.1.26, to 1.5e-7.
        float[] exact = Bench.each(pre, v -> {
            double z = Math.abs(v) / Math.sqrt(2);
            double t = 1 / (1 + 0.3275911 * z);
            double erf = 1
                    - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592)
                            * t
                            * Math.exp(-z * z);
            return 0.5 * v * (1 + Math.signum(v) * erf);
        });
        bench("gelu_tanh")
                .weight("a.layer0.out.weight", small, WIDTH, WIDTH)
                .made("a.layer0.out", exact, activated(pre, "gelu_tanh"), 1, POSITIONS, WIDTH)
                .assertCause("other GELU", "a.layer0.out");
    }

    @Test
    void aForgottenBiasIsNamed() {
        float[] bias = Bench.random(7, WIDTH);
        float[] plain = Bench.product(X, W, WIDTH);
        for (String activation : List.of("none", "gelu_tanh", "relu")) {
            DoubleUnaryOperator function = activation.equals("relu") ? v -> Math.max(0, v) : v -> v;
            float[] with = Bench.each(
                    activated(biased(plain, bias), activation.equals("relu") ? "none" : activation), function);
            float[] without = Bench.each(activated(plain, activation.equals("relu") ? "none" : activation), function);
            for (float[] known : List.of(bias, new float[WIDTH])) {
                new Bench()
                        .computation(
                                "y",
                                Computation.PROJECTION,
                                List.of("x"),
                                Map.of("weight", "w", "bias", "b"),
                                Map.of("activation", activation))
                        .given("x", X, 1, POSITIONS, WIDTH)
                        .weight("w", W, WIDTH, WIDTH)
                        .weight("b", known, WIDTH)
                        .made("y", without, with, 1, POSITIONS, WIDTH)
                        .assertCause("missing bias", "y");
            }
        }
    }

    private static float[] biased(float[] plain, float[] bias) {
        float[] with = plain.clone();
        for (int i = 0; i < with.length; i++) {
            with[i] += bias[i % WIDTH];
        }
        return with;
    }

    @ParameterizedTest
    @ValueSource(strings = {"other GELU", "other activation"})
    void anotherActivationIsNamed(String cause) {
        float[] pre = Bench.product(X, W, WIDTH);
        boolean gelu = cause.equals("other GELU");
        // The sigmoid's GELU, and SiLU.
        float[] other = Bench.each(pre, v -> v / (1 + Math.exp(-(gelu ? 1.702 : 1) * v)));
        Cause found = bench("gelu_tanh")
                .weight("a.layer0.out.weight", W, WIDTH, WIDTH)
                .made("a.layer0.out", other, activated(pre, "gelu_tanh"), 1, POSITIONS, WIDTH)
                .assertCause(cause, "a.layer0.out");
        assertTrue(found.cause().contains("this run has " + (gelu ? "gelu_sigmoid" : "silu")), found.cause());
    }

    @Test
    void aWeightThatIsNoNumberOrNothingIsNamed() {
        float[] broken = W.clone();
        broken[5] = Float.NaN;
        for (float[] weight : List.of(broken, new float[W.length])) {
            bench("none")
                    .weight("a.layer0.out.weight", weight, WIDTH, WIDTH)
                    .made(
                            "a.layer0.out",
                            Bench.product(X, weight, WIDTH),
                            Bench.product(X, W, WIDTH),
                            1,
                            POSITIONS,
                            WIDTH)
                    .assertCause(weight == broken ? "NaN or infinity in a weight" : "weight missing", "a.layer0.out");
        }
    }

    @Test
    void roundedWeightsAreSaidToBeSo() {
        for (Precision precision : Precision.values()) {
            // Rounding by the bits of float32, for numbers that are not subnormal.
            int dropped = precision == Precision.BFLOAT16 ? 16 : 13;
            float[] rounded = Bench.each(W, v -> {
                int bits = Float.floatToRawIntBits((float) v);
                return Float.intBitsToFloat((bits + (1 << (dropped - 1))) >> dropped << dropped);
            });
            for (float[] known : List.of(W, rounded)) {
                Cause found = bench("none")
                        .weight("a.layer0.out.weight", known, WIDTH, WIDTH)
                        .made(
                                "a.layer0.out",
                                Bench.product(X, rounded, WIDTH),
                                Bench.product(X, W, WIDTH),
                                1,
                                POSITIONS,
                                WIDTH)
                        .assertCause("reduced precision", "a.layer0.out");
                assertTrue(found.cause().contains(precision.toString()), found.cause());
            }
        }
    }

    @Test
    void noiseOnAWeightIsSaidToBeSo() {
        float[] noise = Bench.random(8, W.length, 0.002);
        float[] wrong = W.clone();
        for (int i = 0; i < wrong.length; i++) {
            wrong[i] += noise[i];
        }
        bench("none")
                .weight("a.layer0.out.weight", wrong, WIDTH, WIDTH)
                .made("a.layer0.out", Bench.product(X, wrong, WIDTH), Bench.product(X, W, WIDTH), 1, POSITIONS, WIDTH)
                .assertCause("noise", "a.layer0.out");
    }

    /** Another matrix altogether, single numbers of it, and nothing at all. */
    @Test
    void whatNobodyKnowsHasNoName() {
        float[] single = W.clone();
        single[77] += 3;
        float[] column = W.clone();
        for (int i = 5; i < column.length; i += WIDTH) {
            column[i] = OTHER[i];
        }
        for (float[] wrong : List.of(OTHER, single, column, W)) {
            bench("none")
                    .weight("a.layer0.out.weight", wrong, WIDTH, WIDTH)
                    .made(
                            "a.layer0.out",
                            Bench.product(X, wrong, WIDTH),
                            Bench.product(X, W, WIDTH),
                            1,
                            POSITIONS,
                            WIDTH)
                    .assertNone("a.layer0.out");
        }
    }
}
