package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Model;

class IsolatingTest {
    private static final TraceInput SOUND =
            new TraceInput.Samples(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, List.of(0, 1, 2));

    private static Reference trace(Model model) {
        return new Tracer(model).trace(SOUND, NameGlob.ALL, Cancellation.NONE);
    }

    private static Tracer.Isolation isolate(Model model, Reference reference) {
        return new Tracer(model).isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE);
    }

    private static TensorDiff of(TraceDiff diff, String name) {
        return diff.tensors().stream()
                .filter(tensor -> tensor.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** The reference with some of its tensors. */
    private static Reference only(Reference reference, List<RecordedTensor> tensors) {
        return Reference.of("part", reference.header(), tensors);
    }

    private static Reference without(Reference reference, String... names) {
        Set<String> left = Set.of(names);
        return only(
                reference,
                reference.names().stream()
                        .filter(name -> !left.contains(name))
                        .map(reference::tensor)
                        .toList());
    }

    @Test
    void aHealthyModelIsClean() {
        for (Model model : List.of(new TinyModel(), new TinyTokenModel(), new TinyTokenModel(3))) {
            TraceDiff diff = isolate(model, trace(model)).diff();
            assertTrue(diff.clean(), diff.table());
            List<String> judged = diff.tensors().stream()
                    .filter(tensor -> tensor.verdict() == Verdict.SAME)
                    .map(TensorDiff::name)
                    .toList();
            List<String> made = new ArrayList<>(LayerTree.of(model).allTaps());
            assertEquals(made, judged, diff.table());
            assertEquals("given to the run", of(diff, "frontend.in").note());
        }
    }

    /** Each of them departs by itself, none of those between, and what it made is kept. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "encoder",
                "decoder.scores",
                "decoder.logits",
                "encoder decoder.logits",
                "decoder.embedded decoder.probs",
                "encoder decoder.embedded decoder.out",
                "decoder.scores decoder.probs decoder.out"
            })
    void severalFaultsAreAllFoundAndNoneIsBlamedForAnothers(String faults) {
        List<String> faulty = List.of(faults.split(" "));
        Reference reference = trace(new TinyTokenModel());
        Tracer.Isolation isolation = isolate(new TinyTokenModel().faulty(faulty.toArray(String[]::new)), reference);
        TraceDiff diff = isolation.diff();
        assertEquals(faulty, diff.departed(), diff.table());
        assertTrue(diff.tensors().stream().noneMatch(tensor -> tensor.verdict() == Verdict.INHERITED), diff.table());
        for (String name : faulty) {
            assertEquals(1.5, of(diff, name).ratio(), 1e-6, "spoilt by a half, to float32");
            RecordedTensor made = isolation.made().tensor(name);
            RecordedTensor recorded = reference.tensor(name);
            assertEquals(recorded.shape(), made.shape());
            assertEquals(1.5f * recorded.values()[0], made.values()[0], Math.abs(recorded.values()[0]) * 1e-6f);
        }
    }

    @Test
    void faultsInParallelBranchesAreBothFirst() {
        Reference reference = trace(new TinyModel());
        TinyModel changed = new TinyModel().with("narrow.weight", 0.7f).with("wide.weight", 1);
        assertEquals(
                List.of("narrow", "wide"), isolate(changed, reference).diff().departed());
        Reference recorded =
                new Tracer(changed).trace(new TraceInput.Recorded(reference, null), NameGlob.ALL, Cancellation.NONE);
        TraceDiff diff = TraceDiff.compare(recorded, reference, Thresholds.FLOAT32);
        assertEquals(List.of("narrow", "wide"), diff.departed(), diff.table());
        assertEquals(Verdict.INHERITED, of(diff, "out.in").verdict());
        assertTrue(diff.table().contains("first departure: narrow at"), diff.table());
        assertTrue(diff.table().contains("; also wide; "), diff.table());
        // Where nobody tells how the tensors are made, what comes later inherits.
        TraceDiff untold = TraceDiff.compare(recorded, reference, Thresholds.FLOAT32, TensorGraph.UNKNOWN);
        assertEquals(List.of("narrow"), untold.departed(), untold.table());
    }

    @Test
    void whatWasNotRecordedKeepsItsConsumersFromBeingJudged() {
        Reference reference = trace(new TinyTokenModel());
        TraceDiff diff = isolate(
                        new TinyTokenModel().faulty("decoder.scores", "decoder.logits"),
                        without(reference, "decoder.scores", "encoder"))
                .diff();
        assertEquals(List.of("decoder.logits"), diff.departed(), diff.table());
        TensorDiff probs = of(diff, "decoder.probs");
        assertEquals(Verdict.NOT_JUDGED, probs.verdict());
        assertEquals("input not recorded: decoder.scores", probs.note());
        assertTrue(probs.maxAbs() > 0.01, diff.table());
        assertEquals("input not recorded: encoder", of(diff, "decoder.out").note());
        assertTrue(diff.table().contains("\ninput not recorded: decoder.probs decoder.out\n"), diff.table());
        assertTrue(diff.table().contains("not judged, but different: decoder.probs;"), diff.table());
        // Without the ids nothing of the decoder can be.
        TraceDiff unfed =
                isolate(new TinyTokenModel(), without(reference, Tracer.IDS)).diff();
        assertEquals(
                "input not recorded: decoder.input_ids",
                of(unfed, "decoder.logits").note());
        assertEquals(Verdict.SAME, of(unfed, "encoder").verdict());
    }

    /** What works entry by entry is judged where its inputs were kept; what reads all of them is not. */
    @Test
    void partsAreJudgedAsFarAsTheyGo() {
        Reference reference = trace(new TinyModel());
        List<RecordedTensor> tensors = reference.names().stream()
                .map(name -> name.equals("narrow")
                        ? reference.tensor(name).keep(Slice.range(1, 1, 2))
                        : reference.tensor(name))
                .toList();
        TinyModel changed = new TinyModel().with("narrow.weight", 0.7f).with("out.weight", 2);
        TraceDiff diff = isolate(changed, only(reference, tensors)).diff();
        assertEquals(List.of("narrow", "out"), diff.departed(), diff.table());
        TensorDiff meeting = of(diff, "out.in");
        assertEquals(Verdict.SAME, meeting.verdict(), diff.table());
        assertEquals(List.of(3, 2, 2), meeting.shape(), "frames 1 and 2 of 4");
        List<RecordedTensor> sliced = reference.names().stream()
                .map(name -> name.equals("out.in")
                        ? reference.tensor(name).keep(Slice.range(1, 1, 2))
                        : reference.tensor(name))
                .toList();
        TraceDiff weighed = isolate(changed, only(reference, sliced)).diff();
        assertEquals("input not recorded: out.in", of(weighed, "out").note());
        assertEquals(List.of("narrow"), weighed.departed(), weighed.table());
    }

    @Test
    void layersAndSegmentsCanBeChosen() {
        Reference reference = trace(new TinyTokenModel());
        Tracer tracer = new Tracer(new TinyTokenModel().faulty("encoder", "decoder.logits"));
        TraceDiff diff = tracer.isolate(
                        reference, List.of(2), NameGlob.of("decoder.*"), Thresholds.FLOAT32, Cancellation.NONE)
                .diff();
        assertEquals(List.of("decoder.logits"), diff.departed());
        assertEquals(2, of(diff, "decoder.logits").firstIndex().get(0), "the row of segment 2");
        assertEquals(
                Set.of("decoder"),
                diff.tensors().stream()
                        .map(tensor -> tensor.name().split("\\.")[0])
                        .collect(Collectors.toSet()));
        assertTrue(assertThrows(
                        LuthierException.class,
                        () -> tracer.isolate(
                                reference, null, NameGlob.of("nothing"), Thresholds.FLOAT32, Cancellation.NONE))
                .getMessage()
                .startsWith("nothing to compare"));
    }
}
