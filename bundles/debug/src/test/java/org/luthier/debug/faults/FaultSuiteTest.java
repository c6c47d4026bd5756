package org.luthier.debug.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Model;
import org.luthier.debug.LayerTree;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Patched;
import org.luthier.debug.Patching;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.cause.Causes;
import org.luthier.debug.cause.WeightSource;
import org.luthier.debug.faults.Fault.Injection;
import org.luthier.debug.faults.Fault.OfWeights;

/**
 * The debugger on models with known faults. docs/fault-suite.md shows what it finds; with the system property {@code luthier.faults.write}
 * it is written anew.
 */
class FaultSuiteTest {
    /** Parts of the faults that have to be located, and of those with a known cause that have to be named. */
    private static final double LOCATED = 0.95;

    private static final double NAMED = 0.8;

    private static Subject mt3;
    private static Subject basicPitch;
    private static List<Subject> yourMt3;

    @TempDir
    Path folder;

    @BeforeAll
    static void record() {
        mt3 = Subjects.tinyMt3();
        basicPitch = Subjects.basicPitch();
        yourMt3 = YourMt3Subjects.all();
    }

    private static List<Outcome> outcomes(Subject subject, List<Fault> faults) {
        assertEquals(
                faults.size(), faults.stream().map(Fault::id).distinct().count(), "every fault has an id of its own");
        return faults.stream().map(fault -> Outcome.of(subject, fault)).toList();
    }

    private static void judge(ScoreTable score, String part) {
        if (Boolean.getBoolean("luthier.faults.write")) {
            score.write(part);
        }
        assertTrue(score.located() >= LOCATED * score.outcomes().size(), score::toString);
        assertTrue(score.named() >= NAMED * score.listed().size(), score::toString);
    }

    @Test
    void singleFaultsAreLocatedAndNamed() {
        List<Outcome> outcomes = new ArrayList<>(outcomes(mt3, Mt3Faults.of(mt3)));
        outcomes.addAll(outcomes(basicPitch, BasicPitchFaults.all()));
        ScoreTable score = new ScoreTable(outcomes);
        judge(score, "small");
        assertEquals(ScoreTable.onPage("small"), score.toString(), "docs/fault-suite.md says something else");
    }

    @Test
    void singleFaultsOfYourMt3AreLocatedAndNamed() {
        List<Outcome> outcomes = new ArrayList<>();
        for (Subject subject : yourMt3) {
            outcomes.addAll(outcomes(subject, YourMt3Faults.of(subject)));
        }
        ScoreTable score = new ScoreTable(outcomes);
        judge(score, "yourmt3");
        assertEquals(ScoreTable.onPage("yourmt3"), score.toString(), "docs/fault-suite.md says something else");
    }

    @Test
    @Tag("full")
    void singleFaultsOfThePublishedMt3AreLocatedAndNamed() {
        Assumptions.assumeTrue(Files.isDirectory(Subjects.MT3), "no checkpoint beside the working copy");
        Subject published = Subjects.realMt3();
        judge(new ScoreTable(outcomes(published, Mt3Faults.of(published))), "published");
    }

    private static List<Fault> faults(List<Fault> all, String ids) {
        return Stream.of(ids.split(" "))
                .map(id -> all.stream()
                        .filter(fault -> fault.id().equals(id))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException(id)))
                .toList();
    }

    private static Tracer.Isolation isolate(Model model, Reference reference) {
        return new Tracer(model).isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, Cancellation.NONE);
    }

    /** Several at once: isolating lists exactly those, and names the causes of most. */
    private static void areFoundApart(Subject subject, List<Fault> faults) {
        List<Injection> injections = faults.stream().map(Fault::injection).toList();
        try (Model model = subject.load(injections)) {
            Tracer.Isolation isolation = isolate(model, subject.reference());
            TraceDiff diff = isolation.diff();
            Set<String> expected = new HashSet<>();
            faults.forEach(fault -> expected.add(fault.located()));
            assertEquals(expected, Set.copyOf(diff.departed()), diff.table());
            List<Cause> causes = Outcome.causes(subject, injections, model).isolated(isolation, subject.reference());
            for (Fault fault : faults) {
                assertTrue(
                        causes.stream()
                                .anyMatch(cause -> cause.layer().equals(fault.located())
                                        && cause.cause().startsWith(fault.cause())),
                        fault.id() + ": " + causes);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "transposed gelu-sigmoid",
                "frequencies scaled-q",
                "power slaney",
                "residual-missing columns-logits",
                "heads-q sign-v",
                "norm-mean scores-scaled",
                "slaney frequencies mask-encoder",
                "interleaved newest-key reshaped-wo",
                "log10 scores-split heads-out",
                "doubled-wo relu norm-unweighted"
            })
    void severalFaultsAreFoundApart(String ids) {
        areFoundApart(mt3, faults(Mt3Faults.of(mt3), ids));
    }

    @ParameterizedTest
    @ValueSource(strings = {"flipped no-bias-pre", "cqt-power kernel-transposed", "no-sigmoid onset-order halved"})
    void severalFaultsOfBasicPitchAreFoundApart(String ids) {
        areFoundApart(basicPitch, faults(BasicPitchFaults.all(), ids));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "router-renormalised rotated-keys latents-minor",
                "rows-of-times norm-rms expert-gate-up logit-factor",
                "channels-frequencies attention-unscaled positions-interleaved"
            })
    void severalFaultsOfAMixtureOfExpertsAreFoundApart(String ids) {
        areFoundApart(yourMt3.get(0), faults(YourMt3Faults.of(yourMt3.get(0)), ids));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bn-epsilon pool-maximum gelu-tanh", "log-epsilon kernel-time-frequency residual-added"})
    void severalFaultsOfAPerceiverAreFoundApart(String ids) {
        areFoundApart(yourMt3.get(1), faults(YourMt3Faults.of(yourMt3.get(1)), ids));
    }

    private static Patched bisect(Subject subject, Model model) {
        return new Patching(model, subject.reference(), null, Thresholds.FLOAT32, Cancellation.NONE)
                .bisect(NameGlob.ALL);
    }

    /** A set that heals, of which none can be left out, found in few runs. */
    private static void areHealed(Subject subject, List<Fault> faults) {
        List<Injection> injections = faults.stream().map(Fault::injection).toList();
        try (Model model = subject.load(injections)) {
            Patched found = bisect(subject, model);
            assertTrue(found.healed(), found.table());
            List<String> located = faults.stream().map(Fault::located).toList();
            assertTrue(located.containsAll(found.replaced()), found.table());
            // Before and after, isolating, whether all suspects heal; then the search.
            double most = 4 + (found.replaced().size() + 1) * (Math.log(located.size() + 1) / Math.log(2) + 1);
            assertTrue(found.runs() <= most, found.table());
            for (String one : found.replaced()) {
                List<String> others = new ArrayList<>(found.replaced());
                others.remove(one);
                if (!others.isEmpty()) {
                    Patched without = new Patching(
                                    model, subject.reference(), null, Thresholds.FLOAT32, Cancellation.NONE)
                            .patch(NameGlob.of(String.join(",", others)));
                    assertFalse(without.healed(), one + " is not needed: " + without.table());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gelu-sigmoid", "transposed scaled-q", "frequencies heads-q columns-logits"})
    void fewReplacementsHeal(String ids) {
        areHealed(mt3, faults(Mt3Faults.of(mt3), ids));
    }

    @Test
    void fewReplacementsHealBasicPitch() {
        areHealed(basicPitch, faults(BasicPitchFaults.all(), "halved reshaped-onset1"));
    }

    private static TraceDiff diff(Model model, Subject subject) {
        Reference trace = new Tracer(model)
                .trace(new TraceInput.Recorded(subject.reference(), null), NameGlob.ALL, Cancellation.NONE);
        return TraceDiff.compare(trace, subject.reference(), Thresholds.FLOAT32);
    }

    @Test
    void nothingIsSaidOfHealthyModels() {
        for (Subject subject : List.of(mt3, basicPitch)) {
            try (Model model = subject.load(List.of())) {
                TraceDiff diff = diff(model, subject);
                assertTrue(diff.clean(), diff.table());
                TraceDiff alone = isolate(model, subject.reference()).diff();
                assertTrue(alone.clean(), alone.table());
                assertEquals(List.of(), bisect(subject, model).replaced());
            }
        }
    }

    @Test
    void nothingIsSaidOfHealthyYourMt3() {
        for (Subject subject : yourMt3) {
            try (Model model = subject.load(List.of())) {
                TraceDiff diff = diff(model, subject);
                assertTrue(diff.clean(), diff.table());
                TraceDiff alone = isolate(model, subject.reference()).diff();
                assertTrue(alone.clean(), alone.table());
            }
        }
    }

    @Test
    void fewerBitsOfYourMt3AreReducedPrecisionAndNoMore() {
        for (Subject subject : yourMt3) {
            areReduced(subject, Wrong::bfloat16);
        }
    }

    private static void areReduced(Subject subject, UnaryOperator<float[]> rounding) {
        List<Injection> rounded = List.of(new OfWeights(values -> values.all(rounding)));
        try (Model model = subject.load(rounded)) {
            Tracer.Isolation isolation = isolate(model, subject.reference());
            List<String> departed = isolation.diff().departed();
            assertFalse(departed.isEmpty());
            List<Cause> causes = Outcome.causes(subject, rounded, model).isolated(isolation, subject.reference());
            assertFalse(causes.isEmpty());
            for (Cause cause : causes) {
                assertTrue(cause.cause().startsWith("reduced precision"), cause.toString());
            }
        }
    }

    /** A checkpoint that was stored in fewer bits is accused of nothing else. */
    @Test
    void fewerBitsAreReducedPrecisionAndNoMore() {
        for (Subject subject : List.of(mt3, basicPitch)) {
            areReduced(subject, Wrong::bfloat16);
            areReduced(subject, Wrong::float16);
        }
    }

    @Test
    @Tag("full")
    void fewerBitsOfThePublishedMt3AreReducedPrecisionAndNoMore() {
        Assumptions.assumeTrue(Files.isDirectory(Subjects.MT3), "no checkpoint beside the working copy");
        Subject published = Subjects.realMt3();
        try (Model model = published.load(List.of())) {
            TraceDiff diff = diff(model, published);
            assertTrue(diff.clean(), diff.table());
        }
        areReduced(published, Wrong::bfloat16);
        areReduced(published, Wrong::float16);
    }

    /** What a port with other frequencies recorded, against a healthy run of ours: no weights are needed, and no score would tell. */
    @Test
    void otherPositionFrequenciesAreNamedFromAReferenceAlone() {
        Path recorded = folder.resolve("port.safetensors");
        List<Injection> port =
                List.of(faults(Mt3Faults.of(mt3), "frequencies").get(0).injection());
        try (Model model = mt3.load(port)) {
            new Tracer(model)
                    .trace(
                            new TraceInput.Recorded(mt3.reference(), null),
                            NameGlob.of("frontend.*,encoder.*"),
                            Cancellation.NONE)
                    .write(recorded, false);
        }
        try (Model model = mt3.load(List.of());
                Reference reference = Reference.open(recorded, List.of())) {
            Reference trace =
                    new Tracer(model).trace(new TraceInput.Recorded(reference, null), NameGlob.ALL, Cancellation.NONE);
            TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
            assertEquals("encoder.embedded", diff.first(), diff.table());
            List<Cause> causes = new Causes(
                            LayerTree.of(model).graph().computations(), WeightSource.NONE, Thresholds.FLOAT32)
                    .of(diff.departed(), trace, reference);
            assertEquals(1, causes.size(), causes.toString());
            assertTrue(causes.get(0).cause().startsWith("position frequencies i/15 for i/16"), causes.toString());
        }
    }
}
