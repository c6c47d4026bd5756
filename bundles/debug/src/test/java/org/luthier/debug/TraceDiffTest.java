package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;

class TraceDiffTest {
    private static final List<Integer> SHAPE = List.of(2, 3, 4);

    private final float[] values = random(24);

    @Test
    void equalTensorsAreTheSame() {
        TraceDiff diff = diff(reference(tensor("a", values)), reference(tensor("a", values.clone())));
        TensorDiff a = diff.tensors().get(0);
        assertTrue(diff.clean());
        assertNull(diff.first());
        assertEquals(Verdict.SAME, a.verdict());
        assertEquals(0, a.maxAbs());
        assertEquals(0, a.relL2());
        assertEquals(1, a.cosine(), 1e-15);
        assertEquals(1, a.ratio());
        assertEquals(1, a.argmax());
        assertNull(a.firstIndex());
    }

    @Test
    void theFirstDepartureIsToldFromWhatInheritsIt() {
        float[] wrong = changed(7, 0.5f);
        TraceDiff diff = diff(
                reference(tensor("a", values), tensor("b", wrong), tensor("c", values), tensor("d", wrong)),
                reference(tensor("a", values), tensor("b", values), tensor("c", values), tensor("d", values)));
        assertFalse(diff.clean());
        assertEquals("b", diff.first());
        assertEquals(
                List.of(Verdict.SAME, Verdict.DEPARTED, Verdict.SAME, Verdict.INHERITED),
                diff.tensors().stream().map(TensorDiff::verdict).toList());
        assertEquals(List.of(0, 1, 3), diff.tensors().get(1).firstIndex());
        assertEquals(0.5, diff.tensors().get(1).maxAbs(), 1e-6);
    }

    @Test
    void executionOrderIsTheReferences() {
        float[] wrong = changed(0, 0.5f);
        TraceDiff diff = diff(
                reference(tensor("late", wrong), tensor("early", wrong)),
                reference(tensor("early", values), tensor("late", values)));
        assertEquals("early", diff.first());
    }

    @Test
    void aWrongScaleDepartsThoughTheCosineIsPerfect() {
        float[] scaled = mapped(value -> value * 1.0005f);
        TensorDiff a = diff(reference(tensor("a", scaled)), reference(tensor("a", values)))
                .tensors()
                .get(0);
        // Every difference is far below 5e-3, the cosine is 1, and still it is no rounding.
        assertTrue(a.maxAbs() < 2e-3);
        assertEquals(1, a.cosine(), 1e-6);
        assertEquals(1.0005, a.ratio(), 1e-6);
        assertEquals(Verdict.DEPARTED, a.verdict());
        assertEquals(3, a.firstIndex().size());
    }

    @Test
    void largeValuesMayDifferMore() {
        float[] large = mapped(value -> 6000 + value);
        float[] rounded = large.clone();
        rounded[5] += 0.01f;
        assertTrue(diff(reference(tensor("a", rounded)), reference(tensor("a", large)))
                .clean());
    }

    @Test
    void measuredNoiseIsTheMeasure() {
        RecordedTensor noisy = new RecordedTensor("a", SHAPE, values, List.of(), 0.01);
        RecordedTensor quiet = new RecordedTensor("a", SHAPE, values, List.of(), 1e-5);
        assertTrue(diff(reference(tensor("a", changed(3, 0.04f))), reference(noisy))
                .clean());
        assertFalse(diff(reference(tensor("a", changed(3, 0.06f))), reference(noisy))
                .clean());
        assertFalse(diff(reference(tensor("a", changed(3, 1e-4f))), reference(quiet))
                .clean());
    }

    /** Noise was measured on the same features; from sound, the front end's rounding comes on top. */
    @Test
    void noiseIsNoMeasureForARunOnFeaturesOfItsOwn() {
        RecordedTensor quiet = new RecordedTensor("a", SHAPE, values, List.of(), 1e-6);
        Reference trace = reference(tensor("a", changed(3, 1e-4f)));
        assertFalse(diff(trace, reference(quiet)).clean());
        assertTrue(diff(trace.onOwnFeatures(), reference(quiet)).clean());
    }

    /** Read from a file, as a reference comes: the noise of one tensor says nothing of the other. */
    @Test
    void noiseOfAReferenceFileDecides(@TempDir Path folder) {
        RecordedTensor noisy = new RecordedTensor("noisy", SHAPE, values, List.of(), 0.01);
        Path file = folder.resolve("reference.safetensors");
        reference(noisy, tensor("usual", values)).write(file, false);
        float[] within = changed(3, 0.04f);
        try (Reference read = Reference.open(file, List.of())) {
            TraceDiff diff = diff(reference(tensor("noisy", within), tensor("usual", within)), read);
            assertEquals(
                    List.of(Verdict.SAME, Verdict.DEPARTED),
                    diff.tensors().stream().map(TensorDiff::verdict).toList());
            assertEquals("usual", diff.first());
        }
    }

    /** Noise that was measured as nothing, as of a tensor that is only copied, does not make rounding a fault: 3e-6 of the scale. */
    @Test
    void noNoiseStillAllowsTheRoundingOfFloat32() {
        RecordedTensor copied = new RecordedTensor("a", SHAPE, values, List.of(), 0);
        double scale = 1;
        for (float value : values) {
            scale = Math.max(scale, Math.abs(value));
        }
        float[] below = changed(3, (float) (2.5e-6 * scale));
        float[] above = changed(3, (float) (4e-6 * scale));
        assertTrue(diff(reference(tensor("a", below)), reference(copied)).clean());
        assertFalse(diff(reference(tensor("a", above)), reference(copied)).clean());
    }

    @Test
    void valuesThatAreNoNumbers() {
        float[] reference = values.clone();
        reference[2] = Float.NEGATIVE_INFINITY;
        assertTrue(diff(reference(tensor("a", reference.clone())), reference(tensor("a", reference)))
                .clean());
        float[] broken = reference.clone();
        broken[9] = Float.NaN;
        TensorDiff a = diff(reference(tensor("a", broken)), reference(tensor("a", reference)))
                .tensors()
                .get(0);
        assertEquals(Verdict.DEPARTED, a.verdict());
        assertEquals(List.of(0, 2, 1), a.firstIndex());
        assertEquals("1 of 24 values are NaN or infinite in one of the two only", a.note());
        assertEquals(0, a.maxAbs());
    }

    /** Scores that a mask forbids: how negative they are is a matter of taste, and their size is no measure for the others. */
    @Test
    void maskedScoresAreNotJudged() {
        float[] reference = values.clone();
        reference[2] = -1e10f;
        reference[3] = -1e9f;
        float[] other = values.clone();
        other[2] = -3.4e38f;
        other[3] = Float.NEGATIVE_INFINITY;
        TensorDiff a = diff(reference(tensor("a", other)), reference(tensor("a", reference)))
                .tensors()
                .get(0);
        assertEquals(Verdict.SAME, a.verdict());
        assertEquals(0, a.maxAbs());
        assertEquals(1, a.ratio());
        other[9] += 0.1f;
        assertFalse(diff(reference(tensor("a", other)), reference(tensor("a", reference)))
                .clean());
        // A mask where the reference has none is a fault.
        TensorDiff masked = diff(reference(tensor("a", reference)), reference(tensor("a", values)))
                .tensors()
                .get(0);
        assertEquals(List.of(0, 0, 2), masked.firstIndex());
        // An infinity is a mask only against a mask: else it may be the logarithm of nothing.
        reference[3] = Float.NEGATIVE_INFINITY;
        other[9] = values[9];
        other[3] = -1e10f;
        assertTrue(diff(reference(tensor("a", other)), reference(tensor("a", reference)))
                .clean());
        other[3] = -11.5f;
        assertFalse(diff(reference(tensor("a", other)), reference(tensor("a", reference)))
                .clean());
        float[] all = mapped(value -> -1e10f);
        TensorDiff nothing = diff(
                        reference(tensor("a", values), tensor("b", values)),
                        reference(tensor("a", all), tensor("b", values)))
                .tensors()
                .get(0);
        assertEquals(Verdict.NOT_JUDGED, nothing.verdict());
        assertEquals("every value is masked or was never computed", nothing.note());
    }

    @Test
    void wholeNumbersAreEqualOrNot() {
        float[] ids = {0, 1390, 1134, 700, 3, 1};
        float[] one = ids.clone();
        one[1] = 1391;
        TensorDiff same = diff(reference(ids("a", ids, 2, 3)), reference(ids("a", ids.clone(), 2, 3)))
                .tensors()
                .get(0);
        assertEquals(Verdict.SAME, same.verdict());
        assertNull(same.asMap().get("argmax"));
        // One in a thousand would be nothing among numbers.
        TensorDiff different = diff(reference(ids("a", one, 2, 3)), reference(ids("a", ids, 2, 3)))
                .tensors()
                .get(0);
        assertEquals(Verdict.DEPARTED, different.verdict());
        assertEquals(List.of(0, 1), different.firstIndex());
        assertNull(different.asMap().get("step"));
        // Only where they are steps may one be longer.
        assertFalse(diff(
                        reference(ids("a", new float[] {0, 1, 0}, 1, 3)), reference(ids("a", new float[] {0, 1}, 1, 2)))
                .clean());
    }

    @Test
    void aValueThatWasNeverComputedIsNotJudged() {
        float[] some = values.clone();
        some[5] = RecordedTensor.ABSENT;
        assertTrue(diff(reference(tensor("a", some)), reference(tensor("a", values)))
                .clean());
        assertTrue(diff(reference(tensor("a", values)), reference(tensor("a", some)))
                .clean());
        some[6] = Float.NaN;
        assertFalse(diff(reference(tensor("a", some)), reference(tensor("a", values)))
                .clean());
    }

    @Test
    void silence() {
        float[] zero = new float[24];
        assertTrue(
                diff(reference(tensor("a", zero)), reference(tensor("a", zero))).clean());
        TensorDiff a = diff(reference(tensor("a", values)), reference(tensor("a", zero)))
                .tensors()
                .get(0);
        assertEquals(Verdict.DEPARTED, a.verdict());
        assertNull(a.asMap().get("relL2"));
        assertNull(a.asMap().get("ratio"));
        assertEquals(0.0, a.asMap().get("cosine"));
    }

    @Test
    void argmaxAgreementIsCountedByRows() {
        float[] other = values.clone();
        int row = 8;
        int largest = row;
        for (int i = row; i < row + 4; i++) {
            largest = other[i] > other[largest] ? i : largest;
        }
        other[largest] = -5;
        assertEquals(
                5.0 / 6,
                diff(reference(tensor("a", other)), reference(tensor("a", values)))
                        .tensors()
                        .get(0)
                        .argmax());
    }

    @Test
    void shapesAndMissingTensors() {
        TraceDiff diff = diff(
                reference(
                        RecordedTensor.of("b", values, List.of(2, 4, 3)), tensor("c", values), tensor("extra", values)),
                reference(tensor("a", values), tensor("b", values), tensor("c", values)));
        assertEquals(
                List.of(Verdict.NOT_JUDGED, Verdict.DEPARTED, Verdict.SAME, Verdict.NOT_JUDGED),
                diff.tensors().stream().map(TensorDiff::verdict).toList());
        assertEquals("not in the trace", diff.tensors().get(0).note());
        assertEquals(
                "shape differs: trace [2, 4, 3], reference [2, 3, 4]",
                diff.tensors().get(1).note());
        assertEquals("not in the reference", diff.tensors().get(3).note());
        assertEquals("b", diff.first());
    }

    @Test
    void nothingInCommonIsNotClean() {
        LuthierException e = assertThrows(
                LuthierException.class, () -> diff(reference(tensor("a", values)), reference(tensor("b", values))));
        assertTrue(
                e.getMessage().startsWith("nothing to compare in made here and made here: b (not in the trace)"),
                e.getMessage());
        Reference other =
                Reference.of("x", new Reference.Header("mt3", "luthier", "float32", "none", List.of()), List.of());
        assertThrows(LuthierException.class, () -> diff(reference(tensor("a", values)), other));
    }

    @Test
    void keptPartsAreComparedWhereTheyLieInTheWhole() {
        RecordedTensor whole = tensor("a", changed(2 * 4 + 1, 1f));
        RecordedTensor middle = tensor("a", values).keep(slice(1, 1, 2));
        TensorDiff diff = diff(reference(whole), reference(middle)).tensors().get(0);
        assertEquals(List.of(0, 2, 1), diff.firstIndex());
        assertEquals(List.of(2, 2, 4), diff.shape());
        // The other way round, and part against part: only entry 1 is common, which is right.
        assertFalse(diff(reference(whole.keep(slice(1, 2))), reference(tensor("a", values)))
                .clean());
        assertTrue(
                diff(reference(whole.keep(slice(1, 0, 1))), reference(middle)).clean());
        assertThrows(LuthierException.class, () -> diff(reference(whole.keep(slice(1, 0))), reference(middle)));
        // A part of something larger than the trace has.
        RecordedTensor larger = new RecordedTensor("a", SHAPE, values, List.of(slice(1, 1, 2, 3)), Double.NaN);
        assertEquals(
                Verdict.DEPARTED,
                diff(reference(whole), reference(larger)).tensors().get(0).verdict());
    }

    @Test
    void rowsAreFoundByTheirSegments() {
        float[] swapped = new float[24];
        System.arraycopy(values, 12, swapped, 0, 12);
        System.arraycopy(values, 0, swapped, 12, 12);
        assertTrue(diff(reference(List.of(7, 3), tensor("a", swapped)), reference(List.of(3, 7), tensor("a", values)))
                .clean());
        float[] second = Arrays.copyOfRange(values, 12, 24);
        RecordedTensor one = RecordedTensor.of("a", second, List.of(1, 3, 4));
        assertTrue(diff(reference(List.of(7), one), reference(List.of(3, 7), tensor("a", values)))
                .clean());
        assertFalse(diff(reference(List.of(3), one), reference(List.of(3, 7), tensor("a", values)))
                .clean());
        assertThrows(
                LuthierException.class,
                () -> diff(reference(List.of(5), one), reference(List.of(3, 7), tensor("a", values))));
    }

    /** Of rows that are channels of segments, some. */
    @Test
    void keptRowsAreFoundByTheirSegments() {
        float[] six = random(6 * 4);
        RecordedTensor whole = RecordedTensor.of("a", six, List.of(6, 4));
        RecordedTensor some = whole.keep(slice(0, 3, 5));
        float[] later = Arrays.copyOfRange(six, 12, 24);
        RecordedTensor second = RecordedTensor.of("a", later, List.of(3, 4));
        float[] wrong = later.clone();
        wrong[2 * 4 + 1] += 1;
        for (List<Integer> segments : List.of(List.of(0, 1), List.of(4, 7))) {
            assertTrue(
                    diff(reference(segments, whole), reference(segments, some)).clean());
            List<Integer> last = segments.subList(1, 2);
            assertTrue(diff(reference(last, second), reference(segments, some)).clean());
            TensorDiff departed = diff(
                            reference(last, RecordedTensor.of("a", wrong, List.of(3, 4))), reference(segments, some))
                    .tensors()
                    .get(0);
            assertEquals(List.of(5, 1), departed.firstIndex());
            // Nothing of the first segment was kept.
            List<Integer> first = segments.subList(0, 1);
            assertThrows(LuthierException.class, () -> diff(reference(first, second), reference(segments, some)));
        }
        // Row by row, as a probe is offered them.
        CommonPlaces rows = CommonPlaces.of(second, List.of(3, 4, 5), some, List.of(0, 1));
        assertEquals(List.of(2, 4), rows.sizes());
        assertEquals(5, rows.whole(0, 1));
        assertFalse(diff(
                        reference(whole),
                        reference(new RecordedTensor(
                                "a", List.of(2, 4), Arrays.copyOf(six, 8), List.of(slice(0, 3, 6)), Double.NaN)))
                .clean());
    }

    @Test
    void scalarsAndEmptyTensors() {
        RecordedTensor scalar = RecordedTensor.of("loss", new float[] {2}, List.of());
        RecordedTensor empty = RecordedTensor.of("empty", new float[0], List.of(2, 0));
        TraceDiff diff = diff(reference(scalar, empty), reference(scalar, empty));
        assertEquals(
                List.of(Verdict.SAME, Verdict.NOT_JUDGED),
                diff.tensors().stream().map(TensorDiff::verdict).toList());
        assertEquals("[]", diff.tensors().get(0).shape().toString());
    }

    @Test
    void printsWhatTheCommandPromises() {
        List<RecordedTensor> many = new ArrayList<>();
        many.add(tensor("encoder.layers_11.pre_self_attention_norm", values));
        many.add(new RecordedTensor("a", List.of(1, 3, 8), values, List.of(), 0.1));
        Reference reference = reference(many.toArray(RecordedTensor[]::new));
        TraceDiff diff = diff(reference(tensor(many.get(0).name(), changed(1, 1f))), reference);
        Map<String, Object> json = diff.asMap();
        assertEquals(List.of("clean", "first", "tensors", "causes"), List.copyOf(json.keySet()));
        assertEquals(
                Set.of(
                        "name",
                        "order",
                        "shape",
                        "maxAbs",
                        "relL2",
                        "cosine",
                        "ratio",
                        "argmax",
                        "firstIndex",
                        "step",
                        "verdict"),
                diff.tensors().get(0).asMap().keySet());
        assertEquals("departed", diff.tensors().get(0).asMap().get("verdict"));
        assertEquals("not-judged", diff.tensors().get(1).asMap().get("verdict"));
        String table = diff.table();
        assertTrue(table.lines().allMatch(line -> line.length() <= 120), table);
        assertTrue(
                table.endsWith("first departure: encoder.layers_11.pre_self_attention_norm at [0, 0, 1]; "
                        + "0 tensors agree, 0 inherit it, 1 not judged\n"),
                table);
    }

    @Test
    void garbageStillFitsTheTable() {
        float[] garbage = mapped(value -> value * 1e37f);
        String table = diff(reference(tensor("a", garbage)), reference(tensor("a", values)))
                .table();
        assertTrue(table.lines().allMatch(line -> line.length() <= 120), table);
        assertTrue(table.contains("1.0e+37"), table);
    }

    private static TraceDiff diff(Reference trace, Reference reference) {
        return TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
    }

    private static Reference reference(RecordedTensor... tensors) {
        return reference(List.of(), tensors);
    }

    private static Reference reference(List<Integer> segments, RecordedTensor... tensors) {
        return Reference.of(
                "made here", new Reference.Header("tiny", "luthier", "float32", "none", segments), List.of(tensors));
    }

    private static RecordedTensor ids(String name, float[] ids, Integer... shape) {
        return new RecordedTensor(name, List.of(shape), ids, List.of(), Double.NaN, true, false);
    }

    private static RecordedTensor tensor(String name, float[] values) {
        return RecordedTensor.of(name, values, SHAPE);
    }

    private static Slice slice(int axis, int... indices) {
        return new Slice(axis, IntLists.immutable.of(indices));
    }

    private float[] mapped(UnaryOperator<Float> function) {
        float[] mapped = new float[values.length];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = function.apply(values[i]);
        }
        return mapped;
    }

    private float[] changed(int at, float by) {
        float[] changed = values.clone();
        changed[at] += by;
        return changed;
    }

    private static float[] random(int count) {
        Random random = new Random(1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
