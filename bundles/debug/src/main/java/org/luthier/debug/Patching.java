package org.luthier.debug;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Model;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Replaces tensors of a model by a reference's and looks at its outputs: the posteriorgrams, or the logits for the recorded ids and the
 * tokens of a free run. The free run is fed what is replaced before the decoder's steps, not what is replaced in them.
 */
public final class Patching {
    private static final String UNREACHED = "a free run, in which nothing of the decoder's steps is replaced";

    private final Model model;
    private final Tracer tracer;
    private final Reference reference;
    private final List<Integer> segments;
    private final TraceSegments cut;
    private final Thresholds thresholds;
    private final Cancellation cancellation;
    private final List<String> outputs;
    /** What tensors are replaced by. */
    private Reference replacing;

    private int runs;

    /**
     * Prepares runs.
     *
     * @param model stays open
     * @param reference what was recorded, with inputs to run the model on; stays open
     * @param segments which of its segments; null for all
     * @throws LuthierException if the inputs do not fit, or it holds none of the model's outputs
     */
    public Patching(
            Model model,
            Reference reference,
            List<Integer> segments,
            Thresholds thresholds,
            Cancellation cancellation) {
        this.model = model;
        this.tracer = new Tracer(model);
        this.reference = reference;
        this.replacing = reference;
        this.segments = segments;
        this.cut = TraceSegments.of(new TraceInput.Recorded(reference, segments), model);
        this.thresholds = thresholds;
        this.cancellation = cancellation;
        List<String> made = outputs(model);
        this.outputs = made.stream()
                .filter(reference::has)
                .filter(name -> model instanceof FrameModel || name.equals(Tracer.TOKENS) || cut.ids() != null)
                .toList();
        if (outputs.isEmpty()) {
            throw new LuthierException(reference.title() + " holds no output of "
                    + model.definition().id()
                    + " to judge by: expected " + String.join(" or ", made)
                    + (reference.has(made.get(0)) ? ", with " + Tracer.IDS : "") + ", got "
                    + String.join(", ", reference.names()));
        }
    }

    private static List<String> outputs(Model model) {
        if (model instanceof FrameModel frames) {
            return frames.outputTaps();
        }
        List<String> taps = LayerTree.of(model).allTaps();
        return List.of(taps.get(taps.size() - 1), Tracer.TOKENS);
    }

    /**
     * Replaces some tensors.
     *
     * @throws LuthierException if the reference has none of that name that the model makes
     */
    public Patched patch(NameGlob layers) {
        List<String> replaced = replaceable(layers);
        List<TensorDiff> before = run(List.of());
        return patched(replaced, before, run(replaced));
    }

    /**
     * Searches for few tensors that heal the outputs. First among those that depart when each is judged by itself: leaving out the earliest
     * first, since a later one may keep the fault of an earlier one from the output. Where these do not heal, because not everything that is
     * needed was recorded, among all that are recorded: leaving out the latest first, since what is close to an output always heals it.
     *
     * @param layers which tensors may be replaced
     * @throws LuthierException if the reference has none of that name that the model makes
     */
    public Patched bisect(NameGlob layers) {
        List<String> all = replaceable(layers);
        List<TensorDiff> before = run(List.of());
        if (Patched.agrees(before.stream()
                .filter(output -> judged().contains(output.name()))
                .toList())) {
            return patched(List.of(), before, before);
        }
        List<String> suspects = suspects(layers);
        if (!suspects.isEmpty() && heals(suspects)) {
            List<String> found = new HealingSearch(suspects, this::heals).run();
            return patched(found, before, run(found));
        }
        if (!heals(all)) {
            return patched(List.of(), before, before);
        }
        List<String> latestFirst = new ArrayList<>(all);
        Collections.reverse(latestFirst);
        List<String> found = new HealingSearch(latestFirst, this::heals).run();
        Collections.reverse(found);
        return patched(found, before, run(found));
    }

    private List<String> suspects(NameGlob layers) {
        runs++;
        try {
            Tracer.Isolation isolation = tracer.isolate(reference, segments, layers, thresholds, cancellation);
            replacing = isolation.expected();
            return isolation.diff().departed();
        } catch (CancelledException e) {
            throw e;
        } catch (LuthierException e) {
            // Nothing can be judged by itself.
            return List.of();
        }
    }

    /** What the model makes and the reference has, in order of execution. */
    private List<String> replaceable(NameGlob layers) {
        Set<String> taps = new HashSet<>(LayerTree.of(model).allTaps());
        List<String> names = reference.names().stream()
                .filter(taps::contains)
                .filter(layers::matches)
                .toList();
        if (names.isEmpty()) {
            throw new LuthierException("no tensor of " + reference.title() + " that "
                    + model.definition().id() + " makes matches '" + layers + "'; it has "
                    + String.join(", ", reference.names()));
        }
        return names;
    }

    private boolean heals(Collection<String> replaced) {
        return Patched.agrees(run(replaced, judged()));
    }

    /** What all replacements reach: the free run is left out. */
    private List<String> judged() {
        return outputs.stream()
                .filter(name -> outputs.size() == 1 || !name.equals(Tracer.TOKENS))
                .toList();
    }

    private List<TensorDiff> run(Collection<String> replaced) {
        return run(replaced, outputs);
    }

    private List<TensorDiff> run(Collection<String> replaced, List<String> judged) {
        runs++;
        ComparingProbe comparing = new ComparingProbe(reference, judged, thresholds);
        Set<String> names = Set.copyOf(replaced);
        tracer.run(
                cut,
                new PatchingProbe(replacing, names, comparing),
                new BeforeSteps(new PatchingProbe(replacing, names, Probe.NONE)),
                cancellation);
        return comparing.tensors();
    }

    private Patched patched(List<String> replaced, List<TensorDiff> before, List<TensorDiff> after) {
        boolean reached = replaced.stream().noneMatch(this::isOfSteps);
        List<TensorDiff> judged = after.stream()
                .map(output -> reached || !output.name().equals(Tracer.TOKENS)
                        ? output
                        : output.with(Verdict.NOT_JUDGED, UNREACHED))
                .toList();
        return new Patched(reference.title(), replaced, before, judged, runs);
    }

    /** Whether ids are needed to make a tensor. */
    private boolean isOfSteps(String name) {
        return tracer.graph().inherits(name, List.of(Tracer.IDS));
    }

    /** Lets a probe see what does not belong to a decoder's steps. */
    private record BeforeSteps(Probe probe) implements Probe {
        @Override
        public boolean wants(String name) {
            return probe.wants(name);
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            if (at.step() < 0) {
                probe.tap(name, at, tensor);
            }
        }
    }
}
