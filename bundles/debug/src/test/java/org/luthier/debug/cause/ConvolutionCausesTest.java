package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Faults of convolutions and of what stands around them in a convolutional network. */
class ConvolutionCausesTest {
    private static final int TIME = 12;
    private static final int FREQUENCY = 18;
    private static final int KERNEL = 3;
    private static final int CHANNELS = 4;
    private static final float[] X = Bench.random(1, TIME * FREQUENCY * CHANNELS);
    private static final float[] W = Bench.random(2, KERNEL * KERNEL * CHANNELS * CHANNELS, 0.3);
    private static final float[] BIAS = Bench.random(3, CHANNELS);

    private static float[] convolved(float[] x, float[] w, float[] bias, int below, Activation activation) {
        Convolution.Shape shape = new Convolution.Shape(KERNEL, KERNEL, CHANNELS, CHANNELS, 3, 1, below);
        INDArray y = Nd4j.create(DataType.FLOAT, 1, TIME, shape.outputFrequency(FREQUENCY), CHANNELS);
        try (Convolution convolution = Kernels.named("plain").convolution(shape, w, bias);
                Scratch scratch = new Scratch()) {
            INDArray in = Nd4j.create(x, new long[] {1, TIME, FREQUENCY, CHANNELS}, 'c');
            convolution.apply(in, activation, y, scratch);
        }
        return y.dup('c').data().asFloat();
    }

    private static float[] good() {
        return convolved(X, W, BIAS, 1, Activation.RELU);
    }

    private static Bench bench(float[] weight) {
        return new Bench()
                .computation(
                        "y",
                        Computation.CONVOLUTION,
                        List.of("x"),
                        Map.of("weight", "w", "bias", "b"),
                        Map.of("activation", "relu", "frequencyStride", 3L, "timePadding", 1L, "frequencyPadding", 1L))
                .given("x", X, 1, TIME, FREQUENCY, CHANNELS)
                .weight("w", weight, KERNEL, KERNEL, CHANNELS, CHANNELS)
                .weight("b", BIAS, CHANNELS);
    }

    private static int frequencies(float[] y) {
        return y.length / TIME / CHANNELS;
    }

    @Test
    void theOracleIsTheKernel() {
        // Rounding of float32.
        assertEquals(
                0,
                bench(W).run("y", good(), 1, TIME, frequencies(good()), CHANNELS)
                        .oracleError("y"),
                1e-6);
    }

    private static float[] place(Place place) {
        return Bench.from(W, i -> {
            int o = i % CHANNELS;
            int in = i / CHANNELS % CHANNELS;
            int f = i / CHANNELS / CHANNELS % KERNEL;
            return place.of(i / CHANNELS / CHANNELS / KERNEL, f, in, o);
        });
    }

    private interface Place {
        int of(int t, int f, int i, int o);
    }

    private static int at(int t, int f, int i, int o) {
        return ((t * KERNEL + f) * CHANNELS + i) * CHANNELS + o;
    }

    private static void kernel(String cause, float[] wrong) {
        float[] made = convolved(X, wrong, BIAS, 1, Activation.RELU);
        for (float[] known : List.of(W, wrong)) {
            bench(known)
                    .made("y", made, good(), 1, TIME, frequencies(made), CHANNELS)
                    .assertCause(cause, "y");
        }
    }

    @Test
    void faultsOfTheKernelAreNamed() {
        kernel("kernel flipped", place((t, f, i, o) -> at(KERNEL - 1 - t, KERNEL - 1 - f, i, o)));
        kernel("kernel flipped", place((t, f, i, o) -> at(t, KERNEL - 1 - f, i, o)));
        kernel("kernel transposed", place((t, f, i, o) -> at(f, t, i, o)));
        kernel("transposed", place((t, f, i, o) -> at(t, f, o, i)));
        kernel("reshaped instead of transposed", place((t, f, i, o) -> ((o * CHANNELS + i) * KERNEL + t) * KERNEL + f));
        kernel("order of inputs", place((t, f, i, o) -> at(t, f, CHANNELS - 1 - i, o)));
        kernel("sign", Bench.each(W, v -> -v));
    }

    private static void made(String cause, float[] run) {
        bench(W).made("y", run, good(), 1, TIME, frequencies(run), CHANNELS).assertCause(cause, "y");
    }

    @Test
    void faultsAroundTheKernelAreNamed() {
        made("missing bias", convolved(X, W, new float[CHANNELS], 1, Activation.RELU));
        made("other activation", convolved(X, W, BIAS, 1, Activation.SIGMOID));
        float[] more = convolved(X, W, BIAS, 2, Activation.RELU);
        int frequencies = frequencies(good());
        // One frequency more than there should be, at the end.
        float[] run = Bench.from(good(), i -> i);
        for (int i = 0; i < run.length; i++) {
            int line = frequencies * CHANNELS;
            run[i] = more[i / line * frequencies(more) * CHANNELS + i % line];
        }
        made("padding shifted", run);
        made("padding shifted", convolved(X, W, BIAS, 0, Activation.RELU));
    }

    @Test
    void aBatchNormThatIsNotAppliedIsNamed() {
        float[] x = Bench.random(4, TIME * FREQUENCY);
        float[] y = Bench.each(x, v -> v * 1.7f + 0.3f);
        Bench bench = new Bench()
                .computation("y", Computation.AFFINE, List.of("x"), Map.of("scale", "s", "offset", "o"), Map.of())
                .given("x", x, 1, TIME, FREQUENCY)
                .weight("s", new float[] {1.7f}, 1)
                .weight("o", new float[] {0.3f}, 1);
        bench.made("y", x, y, 1, TIME, FREQUENCY).assertCause("batch norm not applied", "y");
        bench.made("y", Bench.each(x, v -> v * 1.1f - 2), y, 1, TIME, FREQUENCY).assertCause("weight not applied", "y");
        bench.made("y", Bench.each(x, v -> v * 1.7f), y, 1, TIME, FREQUENCY).assertCause("missing bias", "y");
    }

    @Test
    void sumsAndProductsAreNamedByWhatIsMissing() {
        float[] a = Bench.random(5, TIME * FREQUENCY);
        float[] b = Bench.random(6, TIME * FREQUENCY);
        float[] sum = new float[a.length];
        float[] difference = new float[a.length];
        float[] twice = new float[a.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = a[i] + b[i];
            difference[i] = a[i] - b[i];
            twice[i] = a[i] + 2 * b[i];
        }
        Bench bench = new Bench()
                .computation("y", Computation.SUM, List.of("a", "b"), Map.of(), Map.of())
                .given("a", a, 1, TIME, FREQUENCY)
                .given("b", b, 1, TIME, FREQUENCY);
        bench.made("y", b, sum, 1, TIME, FREQUENCY).assertCause("addend missing", "y");
        bench.made("y", difference, sum, 1, TIME, FREQUENCY).assertCause("sign", "y");
        bench.made("y", twice, sum, 1, TIME, FREQUENCY).assertCause("addend doubled", "y");
        bench.made("y", Bench.random(7, sum.length), sum, 1, TIME, FREQUENCY).assertNone("y");
    }
}
