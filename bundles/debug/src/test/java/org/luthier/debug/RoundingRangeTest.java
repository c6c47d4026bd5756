package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;

/** A front end of logarithms near silence, and a layer behind it that makes the difference larger. */
class RoundingRangeTest {
    private static final int FRAMES = 6;
    private static final int BINS = 65;
    private static final double ADDED = 1e-5;
    private static final double EPSILON = 0.008;
    /** What a float transform gets wrong of a bin, over the norm of its frame: measured: a tenth of what is allowed. */
    private static final double ERROR = 0.1 * 0x1p-25;

    private static final TensorGraph GRAPH = new TensorGraph(List.of(
            made("magnitudes", Computation.CENTRED_MAGNITUDES, "frontend.in", Map.of()),
            made("log", Computation.LOGARITHM_OF_SUM, "magnitudes", Map.of("added", ADDED, "first", 1L)),
            made("spectrogram", Computation.RANGE, "log", Map.of("epsilon", EPSILON)),
            made("layer", Computation.SCALING, "spectrogram", Map.of("factor", 7.0))));

    private static Computation made(String output, String operation, String input, Map<String, Object> settings) {
        return new Computation(output, operation, List.of(input), Map.of(), settings);
    }

    /** Loud bins, and some with nothing but what a transform leaves of rounding. */
    private static double[] magnitudes() {
        Random random = new Random(5);
        double[] m = new double[FRAMES * BINS];
        for (int i = 0; i < m.length; i++) {
            m[i] = i % BINS % 7 == 3 ? 4e-6 * random.nextDouble() : 60 * random.nextDouble();
        }
        return m;
    }

    private static double[] rounded(double[] m, long seed) {
        Random random = new Random(seed);
        double[] other = new double[m.length];
        for (int frame = 0; frame < m.length; frame += BINS) {
            double squares = 0;
            for (int i = frame; i < frame + BINS; i++) {
                squares += m[i] * m[i];
            }
            for (int i = frame; i < frame + BINS; i++) {
                other[i] = Math.max(0, m[i] + ERROR * Math.sqrt(squares) * random.nextGaussian());
            }
        }
        return other;
    }

    private static RecordedTensor tensor(String name, int width, IntToDoubleFunction value) {
        float[] values = new float[FRAMES * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) value.applyAsDouble(i);
        }
        return RecordedTensor.of(name, values, List.of(1, FRAMES, width));
    }

    /** @param fault of the spectrogram */
    private static Reference run(
            double[] m, boolean ownFeatures, DoubleUnaryOperator fault, double factor, boolean all) {
        int width = BINS - 1;
        RecordedTensor log = tensor("log", width, i -> Math.log(m[i / width * BINS + 1 + i % width] + ADDED));
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (float x : log.values()) {
            least = Math.min(least, x);
            most = Math.max(most, x);
        }
        double from = least;
        double range = most - least + EPSILON;
        RecordedTensor spectrogram =
                tensor("spectrogram", width, i -> fault.applyAsDouble((log.values()[i] - from) / range));
        List<RecordedTensor> tensors = new ArrayList<>();
        if (all) {
            tensors.add(tensor("magnitudes", BINS, i -> m[i]));
            tensors.add(log);
        }
        tensors.add(spectrogram);
        tensors.add(tensor("layer", width, i -> factor * spectrogram.values()[i]));
        return Reference.of("run", new Reference.Header("m", "f", "float32", "none", List.of(0), ownFeatures), tensors);
    }

    private static TraceDiff diff(boolean ownFeatures, DoubleUnaryOperator fault, double factor) {
        Reference trace = run(rounded(magnitudes(), 1), ownFeatures, y -> y, 7, true);
        Reference reference = run(rounded(magnitudes(), 2), false, fault, factor, false);
        return TraceDiff.compare(trace, reference, Thresholds.FLOAT32, GRAPH);
    }

    private static TensorDiff of(TraceDiff diff, String name) {
        return diff.tensors().stream()
                .filter(tensor -> tensor.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void roundingNearSilenceIsNoDeparture() {
        TraceDiff diff = diff(true, y -> y, 7);
        TensorDiff spectrogram = of(diff, "spectrogram");
        assertTrue(spectrogram.relL2() > Thresholds.FLOAT32.relativeL2(), diff.table());
        assertEquals(Verdict.SAME, spectrogram.verdict(), diff.table());
        assertEquals(RoundingRange.NOTE, spectrogram.note());
        assertNull(spectrogram.firstIndex());
        assertEquals(Verdict.SAME, of(diff, "layer").verdict(), diff.table());
        assertTrue(diff.clean());
        assertTrue(diff.table().contains("fed its own spectrogram, which differs by rounding"), diff.table());
    }

    @Test
    void whatRoundingCannotMakeDeparts() {
        // 2 % of a loud bin is outside, though a near-silent one may differ by more.
        TraceDiff scaled = diff(true, y -> 1.02 * y, 7);
        assertEquals(List.of("spectrogram"), scaled.departed(), scaled.table());
        assertEquals(Verdict.INHERITED, of(scaled, "layer").verdict());
        TraceDiff shifted = diff(true, y -> y + 0.03, 7);
        assertEquals(List.of("spectrogram"), shifted.departed(), shifted.table());
    }

    /** 5e-4, which magnitudes of other rounding might explain in the reference, but not in the run that has them. */
    @Test
    void whatTheRunDoesWithItsMagnitudesIsNotExcused() {
        Reference trace = run(rounded(magnitudes(), 1), true, y -> 1.0005 * y, 7, true);
        Reference reference = run(rounded(magnitudes(), 2), false, y -> y, 7, false);
        TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32, GRAPH);
        assertEquals(List.of("spectrogram"), diff.departed(), diff.table());
    }

    @Test
    void aFaultBehindTheFeaturesIsFound() {
        TraceDiff diff = diff(true, y -> y, 9);
        assertEquals(List.of("layer"), diff.departed(), diff.table());
    }

    @Test
    void behindRecordedFeaturesTheLimitsAreTheUsualOnes() {
        TraceDiff diff = diff(false, y -> y, 7);
        assertEquals(Verdict.SAME, of(diff, "spectrogram").verdict(), diff.table());
        assertEquals(List.of("layer"), diff.departed(), diff.table());
        assertEquals(List.of(), diff.remarks());
    }

    @Test
    void withoutMagnitudesNothingIsExcused() {
        Reference trace = run(rounded(magnitudes(), 1), true, y -> y, 7, false);
        Reference reference = run(rounded(magnitudes(), 2), false, y -> y, 7, false);
        TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32, GRAPH);
        assertEquals(List.of("spectrogram"), diff.departed(), diff.table());
        assertNull(RoundingRange.of("spectrogram", trace, GRAPH));
        assertNull(RoundingRange.of("layer", trace, GRAPH));
    }
}
