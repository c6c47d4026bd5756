package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Faults of an RMS norm. */
class NormCausesTest {
    private static final int POSITIONS = 24;
    private static final int WIDTH = 32;
    /** Small, so that an epsilon shows. */
    private static final float[] X = Bench.each(Bench.random(1, POSITIONS * WIDTH), v -> 0.01 * (v + 0.5));

    private static final float[] SCALE = Bench.each(Bench.random(2, WIDTH), v -> 1 + 0.3 * v);

    private static Bench bench() {
        return new Bench()
                .computation(
                        "layer0.norm",
                        Computation.RMS_NORM,
                        List.of("x"),
                        Map.of("scale", "layer0.norm.scale"),
                        Map.of("epsilon", 1e-6))
                .computation(
                        "layer1.norm",
                        Computation.RMS_NORM,
                        List.of("z"),
                        Map.of("scale", "layer1.norm.scale"),
                        Map.of("epsilon", 1e-6))
                .given("x", X, 1, POSITIONS, WIDTH);
    }

    private static float[] norm(float[] scale, double epsilon, boolean centred, double added) {
        float[] y = new float[X.length];
        for (int row = 0; row < POSITIONS; row++) {
            double mean = 0;
            for (int i = 0; i < WIDTH; i++) {
                mean += centred ? X[row * WIDTH + i] / (double) WIDTH : 0;
            }
            double sum = 0;
            for (int i = 0; i < WIDTH; i++) {
                sum += Math.pow(X[row * WIDTH + i] - mean, 2);
            }
            for (int i = 0; i < WIDTH; i++) {
                y[row * WIDTH + i] =
                        (float) ((X[row * WIDTH + i] - mean) / Math.sqrt(sum / WIDTH + epsilon) * (scale[i] + added));
            }
        }
        return y;
    }

    private static float[] norm(float[] scale) {
        return norm(scale, 1e-6, false, 0);
    }

    private static float[] ones() {
        return Bench.each(SCALE, v -> 1);
    }

    @Test
    void theOracleIsTheKernel() {
        INDArray x = Nd4j.create(X, new long[] {POSITIONS, WIDTH}, 'c');
        INDArray y = Nd4j.create(DataType.FLOAT, POSITIONS, WIDTH);
        Kernels.named("plain").rmsNorm(x, Nd4j.createFromArray(SCALE), 1e-6f, y);
        // Rounding of float32.
        assertEquals(
                0,
                bench().weight("layer0.norm.scale", SCALE, WIDTH)
                        .run("layer0.norm", y.dup('c').data().asFloat(), 1, POSITIONS, WIDTH)
                        .oracleError("layer0.norm"),
                1e-6);
    }

    private static Cause found(String cause, float[] weight, float[] run, float[] reference) {
        float[] other = cause.equals("layers swapped") ? SCALE : Bench.random(9, WIDTH);
        return bench().weight("layer0.norm.scale", weight, WIDTH)
                .weight("layer1.norm.scale", other, WIDTH)
                .made("layer0.norm", run, reference, 1, POSITIONS, WIDTH)
                .assertCause(cause, "layer0.norm");
    }

    @Test
    void faultsOfTheCodeAreNamed() {
        found("mean subtracted", SCALE, norm(SCALE, 1e-6, true, 0), norm(SCALE));
        found("weight applied as 1 + w", SCALE, norm(SCALE, 1e-6, false, 1), norm(SCALE));
        found("weight not applied", SCALE, norm(ones()), norm(SCALE));
        found("missing or doubled scale", SCALE, Bench.each(norm(SCALE), v -> v * Math.sqrt(WIDTH)), norm(SCALE));
        for (double epsilon : new double[] {1e-8, 1e-5, 1e-3}) {
            Cause cause = found("wrong epsilon", SCALE, norm(SCALE, epsilon, false, 0), norm(SCALE));
            assertTrue(
                    epsilon < 1e-6 || cause.cause().contains("this run has " + (epsilon == 1e-5 ? "1e-05" : "1e-03")),
                    cause.cause());
        }
    }

    @Test
    void faultsOfTheWeightAreNamed() {
        found("weight not applied", ones(), norm(ones()), norm(SCALE));
        float[] less = Bench.each(SCALE, v -> v - 1);
        found("weight applied as 1 + w", less, norm(less), norm(SCALE));
        float[] other = Bench.each(Bench.random(5, WIDTH), v -> 1 + 0.3 * v);
        found("layers swapped", other, norm(other), norm(SCALE));
    }

    /** The reference may be what is odd. */
    @Test
    void aReferenceWithAnotherEpsilonIsSaidToHaveIt() {
        Cause cause = found("wrong epsilon", SCALE, norm(SCALE), norm(SCALE, 1e-5, false, 0));
        assertTrue(cause.cause().endsWith("this run has 1e-06, the reference 1e-05"), cause.cause());
    }
}
