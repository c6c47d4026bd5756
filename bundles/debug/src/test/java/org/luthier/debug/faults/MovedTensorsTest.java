package org.luthier.debug.faults;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Model;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Patched;
import org.luthier.debug.Patching;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.debug.Verdict;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.faults.Fault.Injection;

/** A reference without the tensors that only move numbers, as its authors' code records it. */
class MovedTensorsTest {
    private static final Set<String> MOVED = Set.of(
            "encoder.source",
            "encoder.block0.by_time",
            "encoder.block0.by_latent",
            "encoder.block1.by_time",
            "encoder.block1.by_latent",
            "encoder.out");

    private static Subject subject;

    @BeforeAll
    static void record() {
        subject = YourMt3Subjects.experts();
    }

    private static Reference without(Reference reference) {
        List<RecordedTensor> left = reference.names().stream()
                .filter(name -> !MOVED.contains(name))
                .map(reference::tensor)
                .toList();
        return Reference.of("without", reference.header(), left);
    }

    private static List<Injection> faults(String... ids) {
        return YourMt3Faults.of(subject).stream()
                .filter(fault -> List.of(ids).contains(fault.id()))
                .map(Fault::injection)
                .toList();
    }

    private static Tracer.Isolation isolate(Model model, Reference reference) {
        return new Tracer(model).isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE);
    }

    private static Set<String> judged(Tracer.Isolation isolation) {
        return isolation.diff().tensors().stream()
                .filter(tensor -> tensor.verdict() == Verdict.SAME)
                .map(TensorDiff::name)
                .collect(Collectors.toSet());
    }

    @Test
    void theyAreJudgedAndSoIsWhatReadsThem() {
        Tracer.Isolation all = isolate(subject.model(), subject.reference());
        Tracer.Isolation part = isolate(subject.model(), without(subject.reference()));
        assertTrue(part.diff().clean(), part.diff().table());
        assertEquals(judged(all), judged(part));
        for (String name : MOVED) {
            RecordedTensor recorded = subject.reference().tensor(name);
            RecordedTensor moved = part.expected().tensor(name);
            assertEquals(recorded.shape(), moved.shape());
            assertArrayEquals(recorded.values(), moved.values());
        }
    }

    @Test
    void wrongMovingIsBlamedForItselfAlone() {
        Reference reference = without(subject.reference());
        List<Injection> faults = faults("rows-back", "norm-rms", "channels-frequencies");
        try (Model model = subject.load(faults)) {
            Tracer.Isolation isolation = isolate(model, reference);
            TraceDiff diff = isolation.diff();
            assertEquals(
                    List.of("encoder.source", "encoder.block0.sca.q_norm", "encoder.block1.by_time"),
                    diff.departed(),
                    diff.table());
            List<Cause> causes = Outcome.causes(subject, faults, model).isolated(isolation, reference);
            assertEquals(diff.departed(), causes.stream().map(Cause::layer).toList());
            assertTrue(causes.get(0).cause().startsWith("order of axes"), causes.toString());
            assertTrue(causes.get(1).cause().startsWith("mean not subtracted"), causes.toString());
            assertTrue(causes.get(2).cause().startsWith("reshaped instead of transposed"), causes.toString());
            Patched healed =
                    new Patching(model, reference, null, Thresholds.FLOAT32, Cancellation.NONE).bisect(NameGlob.ALL);
            assertTrue(healed.healed(), healed.table());
            assertTrue(diff.departed().containsAll(healed.replaced()), healed.table());
        }
    }

    /** What reads it departs; the cause says that it is the moving. */
    @Test
    void wrongMovingInTheReferenceIsNamed() {
        Reference recorded;
        try (Model port = subject.load(faults("rows-back"))) {
            recorded = without(new Tracer(port)
                    .trace(new TraceInput.Recorded(subject.reference(), null), NameGlob.ALL, Cancellation.NONE));
        }
        Tracer.Isolation isolation = isolate(subject.model(), recorded);
        TraceDiff diff = isolation.diff();
        assertEquals("encoder.block1.sca.q_norm", diff.departed().get(0), diff.table());
        List<Cause> causes = Outcome.causes(subject, List.of(), subject.model()).isolated(isolation, recorded);
        assertEquals("encoder.block1.by_time", causes.get(0).layer(), causes.toString());
        assertTrue(causes.get(0).cause().startsWith("reshaped instead of transposed"), causes.toString());
    }
}
