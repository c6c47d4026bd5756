package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.debug.cause.Rearrangement;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Judges every computation by itself, in one run: compares what it made with the reference's tensor, then puts that into its place, so
 * that what follows is fed as in the reference. May be tapped by several workers.
 *
 * <p>A tensor is judged if all that its computation reads is in the reference; else it is not judged, whatever it looks like. What only
 * moves the numbers of a recorded tensor counts as recorded too.
 */
public final class IsolatingProbe implements Probe {
    /** How a note begins that tells what kept a tensor from being judged. */
    static final String MISSING = "input not recorded: ";
    /** Note on tensors of which the reference holds what their numbers are moved from. */
    static final String MOVED = "recorded before their numbers are moved";

    private final Reference reference;
    private final Thresholds thresholds;
    private final TensorGraph graph;
    private final NameGlob layers;
    private final RecordingProbe made = new RecordingProbe(NameGlob.ALL);
    private final Map<String, RecordedTensor> expected = new ConcurrentHashMap<>();
    /** Of {@link #expected}, in order of execution. */
    private final List<String> names;

    private final Map<String, RecordedTensor> moved = new LinkedHashMap<>();
    private final Map<String, Judgement> judgements = new LinkedHashMap<>();
    private final Set<String> offered = new LinkedHashSet<>();

    private record Judgement(TensorComparison comparison, List<String> missing) {}

    /**
     * Prepares a run.
     *
     * @param reference stays open while the model runs
     * @param graph how the model's tensors are made
     * @param layers which tensors to judge; the others are put into their places all the same
     */
    public IsolatingProbe(Reference reference, TensorGraph graph, NameGlob layers, Thresholds thresholds) {
        this.reference = reference;
        this.thresholds = thresholds;
        this.graph = graph;
        this.layers = layers;
        this.names = new ArrayList<>(reference.names());
        for (String name : names) {
            expected.put(name, reference.tensor(name));
        }
    }

    @Override
    public boolean wants(String name) {
        synchronized (offered) {
            offered.add(name);
        }
        // A free run is fed nothing of the reference.
        return (expected.containsKey(name) || isMoved(name)) && !name.equals(Tracer.TOKENS);
    }

    /** Whether it is nothing but the numbers of a tensor that the reference holds whole, in other places. */
    private boolean isMoved(String name) {
        Computation computation = graph.computation(name);
        return !Boolean.getBoolean("p10off")
                && Rearrangement.is(computation)
                && isWhole(computation.inputs().get(0));
    }

    /** What a tensor should be; null where sizes do not fit. */
    private RecordedTensor expected(String name, Tap tap) {
        synchronized (moved) {
            if (!expected.containsKey(name)) {
                Computation computation = graph.computation(name);
                String from = computation.inputs().get(0);
                RecordedTensor tensor = Rearrangement.of(
                        computation, expected.get(from), tap.copy().shape());
                if (tensor == null) {
                    return null;
                }
                names.add(names.indexOf(from) + 1, name);
                moved.put(name, tensor);
                expected.put(name, tensor);
            }
            return expected.get(name);
        }
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        Tap tap = Tap.of(name, at, tensor);
        RecordedTensor recorded = expected(name, tap);
        if (recorded == null) {
            return;
        }
        if (!recorded.integers() && !tap.copy().integers()) {
            Judgement judgement = judgement(name, steps(recorded, tap));
            synchronized (judgement) {
                judgement.comparison().add(tap.copy(), tap.slots());
            }
            if (layers.matches(name)) {
                made.keep(name, at, tap);
            }
            tap.overwrite(recorded, reference.header().segments());
        }
    }

    /** A recording made elsewhere need not say which of its tensors are of a decoder. */
    private static RecordedTensor steps(RecordedTensor recorded, Tap tap) {
        return recorded.steps() || !tap.copy().steps()
                ? recorded
                : new RecordedTensor(
                        recorded.name(),
                        recorded.shape(),
                        recorded.values(),
                        recorded.slices(),
                        recorded.noise(),
                        recorded.integers(),
                        true);
    }

    private Judgement judgement(String name, RecordedTensor recorded) {
        synchronized (judgements) {
            return judgements.computeIfAbsent(name, any -> {
                Sources sources = sources(name, recorded);
                return new Judgement(
                        new TensorComparison(
                                sources.judged(), reference.header().segments(), thresholds),
                        sources.missing());
            });
        }
    }

    private Sources sources(String name, RecordedTensor recorded) {
        if (recorded.steps() && !isWhole(Tracer.IDS)) {
            // The decoder is fed other ids, perhaps more or fewer.
            return new Sources(recorded, List.of(Tracer.IDS));
        }
        Computation computation = graph.computation(name);
        return computation == null
                ? Sources.of(recorded, before(name), expected)
                : Sources.of(recorded, computation, expected);
    }

    private boolean isWhole(String name) {
        return expected.containsKey(name) && expected.get(name).slices().isEmpty();
    }

    private List<String> before(String name) {
        synchronized (offered) {
            return offered.stream().takeWhile(other -> !other.equals(name)).toList();
        }
    }

    /**
     * What was found, once the model has run. Nothing is inherited here: each tensor that departs does so by itself.
     *
     * @param given names of the tensors that the run was given and did not make
     * @throws org.luthier.api.LuthierException if nothing of the reference could be judged
     */
    TraceDiff result(Set<String> given) {
        List<TensorDiff> tensors = new ArrayList<>();
        List<String> unexplained = new ArrayList<>();
        for (String name : names) {
            if (!layers.matches(name)) {
                continue;
            }
            TensorDiff diff = judged(name, tensors.size(), given);
            tensors.add(diff);
            if (diff.verdict() == Verdict.NOT_JUDGED && diff.firstIndex() != null) {
                unexplained.add(name);
            }
        }
        TraceDiff diff = TraceDiff.isolated(reference.title(), tensors);
        return unexplained.isEmpty()
                ? diff
                : diff.with("not judged, but different: " + String.join(", ", unexplained)
                        + "; through an input that was not recorded, or by themselves");
    }

    private TensorDiff judged(String name, int order, Set<String> given) {
        RecordedTensor recorded = expected.get(name);
        if (given.contains(name)) {
            return TensorDiff.notJudged(name, order, recorded.shape(), "given to the run");
        }
        if (name.equals(Tracer.TOKENS)) {
            return TensorDiff.notJudged(
                    name, order, recorded.shape(), "said by a free run, which inherits whatever is wrong");
        }
        Judgement judgement = judgements.get(name);
        if (judgement == null) {
            return TensorDiff.notJudged(name, order, recorded.shape(), "not in the model");
        }
        TensorDiff diff = judgement.comparison().result(order);
        if (moved.containsKey(name)) {
            return diff.with(diff.verdict(), MOVED);
        }
        return judgement.missing().isEmpty()
                ? diff
                : diff.with(Verdict.NOT_JUDGED, MISSING + String.join(", ", judgement.missing()));
    }

    /** The reference, and with it what its numbers were moved to. */
    Reference expected() {
        return moved.isEmpty() ? reference : reference.with(moved, names);
    }

    /** What the layers made before it was replaced: the outputs of computations that were fed the reference's inputs. */
    Reference made(String model) {
        return made.recorded("this run", model);
    }
}
