package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Model;

class PatchingTest {
    private static final TraceInput SOUND =
            new TraceInput.Samples(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, List.of(0, 1, 2));
    private static final NameGlob ALL = NameGlob.ALL;

    private static Reference trace(Model model) {
        return new Tracer(model).trace(SOUND, ALL, Cancellation.NONE);
    }

    private static Patching patching(Model model, Reference reference) {
        return new Patching(model, reference, null, Thresholds.FLOAT32, Cancellation.NONE);
    }

    @Test
    void theOutputIsShownBeforeAndAfter() {
        Reference reference = trace(new TinyTokenModel());
        TinyTokenModel spoilt = new TinyTokenModel().faulty("encoder");
        Patched patched = patching(spoilt, reference).patch(NameGlob.of("encoder"));
        assertEquals(List.of("encoder"), patched.replaced());
        assertEquals(2, patched.runs());
        assertEquals(
                List.of("decoder.logits", Tracer.TOKENS),
                patched.before().stream().map(TensorDiff::name).toList());
        assertTrue(patched.before().stream().allMatch(output -> output.verdict() == Verdict.DEPARTED), patched.table());
        // The free run too starts from what was replaced.
        assertTrue(patched.after().stream().allMatch(output -> output.verdict() == Verdict.SAME), patched.table());
        assertTrue(patched.healed());
        assertTrue(
                patched.table()
                        .endsWith("replaced: encoder\nhealed: the output agrees with trace of tokens when 1 tensor is"
                                + " replaced; 2 runs\n"),
                patched.table());
        Patched wrong = patching(spoilt, reference).patch(NameGlob.of("decoder.embedded"));
        assertFalse(wrong.healed());
        assertEquals(Verdict.NOT_JUDGED, wrong.after().get(1).verdict(), wrong.table());
        assertEquals(
                List.of("healed", "replaced", "runs", "before", "after"),
                new ArrayList<>(wrong.asMap().keySet()));
    }

    /** What is found is exactly what is wrong and reaches the output, in so many runs and no more. */
    @ParameterizedTest
    @CsvSource({
        // One run as it is, one that isolates, one with all that departs, and the last that shows what was found.
        "encoder, encoder, 4",
        "decoder.logits, decoder.logits, 4",
        "decoder.scores, decoder.scores, 4",
        // A fault of the encoder goes around the scores; two candidates are told apart in two runs, three in three.
        "encoder decoder.scores, encoder decoder.scores, 6",
        "encoder decoder.embedded decoder.scores, encoder decoder.embedded decoder.scores, 7",
        // What replaces the logits keeps every other fault from them.
        "encoder decoder.logits, decoder.logits, 5",
        "decoder.scores decoder.probs, decoder.probs, 5",
        "encoder decoder.embedded decoder.probs decoder.out, decoder.out, 6"
    })
    void theSmallestSetThatHealsIsFound(String faults, String found, int runs) {
        Reference reference = trace(new TinyTokenModel());
        Patched patched = patching(new TinyTokenModel().faulty(faults.split(" ")), reference)
                .bisect(ALL);
        assertEquals(List.of(found.split(" ")), patched.replaced(), patched.table());
        assertEquals(runs, patched.runs(), patched.table());
        assertTrue(patched.healed(), patched.table());
    }

    @Test
    void aLostCacheIsNothingThatCouldBeReplaced() {
        Patched patched = patching(new TinyTokenModel().forgetful(), trace(new TinyTokenModel()))
                .bisect(ALL);
        assertFalse(patched.healed());
        assertEquals(List.of(), patched.replaced());
        assertTrue(patched.table().contains("only the free run departs"), patched.table());
    }

    @Test
    void parallelBranchesAreHealedTogether() {
        Reference reference = trace(new TinyModel());
        TinyModel changed = new TinyModel().with("narrow.weight", 0.7f).with("wide.weight", 1);
        Patched patched = patching(changed, reference).bisect(ALL);
        assertEquals(List.of("narrow", "wide"), patched.replaced(), patched.table());
        assertTrue(patched.healed());
        // Only one of them may be replaced.
        Patched narrow = patching(changed, reference).bisect(NameGlob.of("narrow"));
        assertFalse(narrow.healed());
        assertEquals(List.of(), narrow.replaced());
        assertTrue(narrow.table().contains("not healed: no tensors of trace of tiny"), narrow.table());
    }

    @Test
    void nothingIsLookedForInAHealthyModel() {
        Patched patched = patching(new TinyModel(), trace(new TinyModel())).bisect(ALL);
        assertTrue(patched.healed());
        assertEquals(1, patched.runs());
        assertTrue(patched.table().contains("nothing to heal"), patched.table());
    }

    /** The scores are wrong and were not recorded: what is made of them is the first that heals. */
    @Test
    void whatWasNotRecordedIsHealedBehindIt() {
        Reference reference = trace(new TinyTokenModel());
        Set<String> left = Set.of("decoder.scores", "decoder.embedded");
        Reference part = Reference.of(
                "part",
                reference.header(),
                reference.names().stream()
                        .filter(name -> !left.contains(name))
                        .map(reference::tensor)
                        .toList());
        Patched patched =
                patching(new TinyTokenModel().faulty("decoder.scores"), part).bisect(ALL);
        assertEquals(List.of("decoder.probs"), patched.replaced(), patched.table());
        // As it is, isolated, all, halving the 6 that were recorded twice over, and as found.
        assertTrue(patched.runs() <= 4 + 2 * 3, patched.table());
    }

    /** Of a thousand in a chain, every one of which could be wrong: those that are, in no more runs than was promised. */
    @Test
    void searchesInLogarithmicallyManyRuns() {
        List<String> candidates =
                IntStream.range(0, 1000).mapToObj(Integer::toString).toList();
        Random random = new Random(5);
        for (int faults = 1; faults <= 4; faults++) {
            for (int round = 0; round < 50; round++) {
                Set<String> needed = new TreeSet<>();
                while (needed.size() < faults) {
                    needed.add(candidates.get(random.nextInt(candidates.size())));
                }
                int[] runs = {0};
                List<String> found = new HealingSearch(candidates, some -> {
                            runs[0]++;
                            return some.containsAll(needed);
                        })
                        .run();
                assertEquals(needed, new TreeSet<>(found));
                assertTrue(runs[0] <= (faults + 1) * 10, runs[0] + " runs for " + faults);
            }
        }
    }

    @Test
    void refusesWhatCannotBe() {
        Reference reference = trace(new TinyModel());
        assertEquals(
                "trace of tiny holds no output of tiny to judge by: expected out, got frontend.in, narrow",
                refusal(() -> patching(
                        new TinyModel(),
                        Reference.of(
                                "trace of tiny",
                                reference.header(),
                                List.of(reference.tensor("frontend.in"), reference.tensor("narrow"))))));
        assertTrue(refusal(() -> patching(new TinyModel(), reference).patch(NameGlob.of("narow")))
                .startsWith("no tensor of trace of tiny that tiny makes matches 'narow'; it has frontend.in, "));
    }

    private static String refusal(Runnable what) {
        return assertThrows(LuthierException.class, what::run).getMessage();
    }
}
