package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.luthier.api.model.Computation;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;

/** A few computations with seeded numbers, and what a run and a reference have recorded of them. */
final class Bench {
    private final Map<String, WeightSource.Weight> weights = new HashMap<>();
    private final List<Computation> computations = new ArrayList<>();
    private final Map<String, RecordedTensor> run = new LinkedHashMap<>();
    private final Map<String, RecordedTensor> reference = new LinkedHashMap<>();

    static float[] random(long seed, int size) {
        return random(seed, size, 1);
    }

    static float[] random(long seed, int size, double deviation) {
        Random random = new Random(seed);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    /** x W with x [.., inputs], summed in double. */
    static float[] product(float[] x, float[] w, int inputs) {
        int outputs = w.length / inputs;
        float[] y = new float[x.length / inputs * outputs];
        for (int row = 0; row < x.length / inputs; row++) {
            for (int j = 0; j < outputs; j++) {
                double sum = 0;
                for (int i = 0; i < inputs; i++) {
                    sum += (double) x[row * inputs + i] * w[i * outputs + j];
                }
                y[row * outputs + j] = (float) sum;
            }
        }
        return y;
    }

    static float[] each(float[] x, java.util.function.DoubleUnaryOperator function) {
        float[] y = new float[x.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = (float) function.applyAsDouble(x[i]);
        }
        return y;
    }

    /** Numbers taken from elsewhere. */
    static float[] from(float[] x, java.util.function.IntUnaryOperator place) {
        float[] y = new float[x.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = x[place.applyAsInt(i)];
        }
        return y;
    }

    static float[] transposed(float[] w, int rows, int columns) {
        return from(w, i -> i % rows * columns + i / rows);
    }

    Bench weight(String name, float[] values, Integer... shape) {
        weights.put(name, new WeightSource.Weight(List.of(shape), () -> values));
        return this;
    }

    Bench computation(
            String output,
            String operation,
            List<String> inputs,
            Map<String, String> roles,
            Map<String, Object> settings) {
        computations.add(new Computation(output, operation, inputs, roles, settings));
        return this;
    }

    Bench projection(String output, String input, String weight, String activation) {
        return computation(
                output,
                Computation.PROJECTION,
                List.of(input),
                Map.of("weight", weight),
                Map.of("activation", activation));
    }

    /** What both sides have. */
    Bench given(String name, float[] values, Integer... shape) {
        return made(name, values, values, shape);
    }

    Bench made(String name, float[] byRun, float[] byReference, Integer... shape) {
        return run(name, byRun, shape).reference(name, byReference, shape);
    }

    Bench run(String name, float[] values, Integer... shape) {
        run.put(name, RecordedTensor.of(name, values, List.of(shape)));
        return this;
    }

    Bench reference(String name, float[] values, Integer... shape) {
        reference.put(name, RecordedTensor.of(name, values, List.of(shape)));
        return this;
    }

    private static Reference recorded(String title, Map<String, RecordedTensor> tensors) {
        return Reference.of(
                title, new Reference.Header("test", "test", "float32", "1", List.of(0)), List.copyOf(tensors.values()));
    }

    List<Cause> causes(String... departed) {
        return new Causes(computations, weights::get, Thresholds.FLOAT32)
                .of(Arrays.asList(departed), recorded("run", run), recorded("reference", reference));
    }

    List<Cause> isolated(String... departed) {
        return new Causes(computations, weights::get, Thresholds.FLOAT32)
                .search(Arrays.asList(departed), recorded("run", run), name -> recorded("reference", reference), true);
    }

    /** That the one cause of a departing tensor begins with some words. */
    Cause assertCause(String expected, String tensor) {
        List<Cause> causes = causes(tensor);
        assertTrue(causes.size() == 1 && causes.get(0).cause().startsWith(expected), expected + " expected: " + causes);
        return causes.get(0);
    }

    /** That no cause is named. */
    void assertNone(String tensor) {
        assertTrue(causes(tensor).isEmpty(), causes(tensor).toString());
    }

    /** Largest error of an oracle against what was made, at all places. */
    double oracleError(String output) {
        Computation computation = computations.stream()
                .filter(candidate -> candidate.output().equals(output))
                .findFirst()
                .orElseThrow();
        Reference recorded = recorded("run", run);
        Rows rows = new Rows(recorded, recorded, output);
        List<Field> inputs = new ArrayList<>();
        computation.inputs().forEach(name -> inputs.add(rows.trace(name)));
        Field plain = Operations.of(new Task(computation, inputs, weights::get, computations))
                .plain();
        Plane made = rows.trace(output);
        Fit fit = Fit.of(plain, made, Places.all(made, Integer.MAX_VALUE));
        assertTrue(fit.count() == made.values().length, fit + " of " + made.values().length);
        return fit.error();
    }

    static int[] range(int count) {
        return IntStream.range(0, count).toArray();
    }
}
