package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Norms of both kinds against their formulas, and what they tell. */
class NormTest {
    private static final Position AT = Position.segments(0, 1);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void computesItsFormula(boolean rms) {
        double epsilon = 0.1;
        float[] scales = new SeededWeights().take("w.scale", 3);
        SeededWeights weights = new SeededWeights();
        float[] x = {1, -2, 4, 0, 0, 3};
        try (Norm norm = new Norm("n", "w", "x", Kernels.named("cpu"), weights, 3, new Norm.Kind(rms, epsilon));
                INDArray tensor = Nd4j.create(x.clone(), new long[] {1, 2, 3}, 'c')) {
            List<String> offered = new ArrayList<>();
            norm.forward(tensor, tensor, AT, new Probe() {
                @Override
                public boolean wants(String name) {
                    return offered.add(name);
                }

                @Override
                public void tap(String name, Position at, INDArray seen) {}
            });
            assertEquals(List.of("n"), offered);
            SeededWeights again = new SeededWeights();
            again.take("w.scale", 3);
            float[] biases = rms ? new float[3] : again.take("w.bias", 3);
            float[] got = HostFloats.copy(tensor);
            for (int i = 0; i < x.length; i++) {
                double mean = 0;
                double squares = 0;
                for (int j = i / 3 * 3; j < i / 3 * 3 + 3; j++) {
                    mean += rms ? 0 : x[j] / 3.0;
                }
                for (int j = i / 3 * 3; j < i / 3 * 3 + 3; j++) {
                    squares += (x[j] - mean) * (x[j] - mean) / 3;
                }
                double expected = (x[i] - mean) / Math.sqrt(squares + epsilon) * scales[i % 3] + biases[i % 3];
                assertEquals(expected, got[i], 1e-5);
            }
        }
    }

    @Test
    void whatIsAllTheSameBecomesTheBias() {
        try (Norm norm =
                        new Norm("n", "x", Kernels.named("plain"), new SeededWeights(), 3, new Norm.Kind(false, 1e-5));
                INDArray same = Nd4j.valueArrayOf(new long[] {1, 3}, 4f)) {
            norm.forward(same, same, AT, Probe.NONE);
            SeededWeights again = new SeededWeights();
            again.take("n.scale", 3);
            assertArrayEquals(again.take("n.bias", 3), HostFloats.copy(same), 0);
        }
    }

    @Test
    void tellsItsKind() {
        try (Norm layer = norm(false);
                Norm rms = norm(true)) {
            Computation one = layer.computations().get(0);
            assertEquals(Computation.LAYER_NORM, one.operation());
            assertEquals(Map.of("scale", "w.scale", "offset", "w.bias"), one.weights());
            assertEquals(Map.of("epsilon", 1e-5), one.settings());
            Computation other = rms.computations().get(0);
            assertEquals(Computation.RMS_NORM, other.operation());
            assertEquals(Map.of("scale", "w.scale"), other.weights());
            assertEquals(1, rms.weights().size());
        }
    }

    private static Norm norm(boolean rms) {
        return new Norm("n", "w", "x", Kernels.named("plain"), new SeededWeights(), 3, new Norm.Kind(rms, 1e-5));
    }
}
