package org.luthier.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.luthier.api.model.Computation;

/**
 * How tensors are judged in a run that was fed what its own front end made of the sound, where that makes much of rounding: all that comes
 * from the features has their difference too, and a network makes it larger.
 */
final class OwnFeatures {
    /** How many times the relative error of the features a layer may have; up to 11 times was measured, without any fault. */
    private static final double PASSED_ON = 20;

    private static final Set<String> ROUNDED = Set.of(Computation.LOGARITHM_OF_SUM, Computation.RANGE);

    private final boolean fed;
    private final Thresholds thresholds;
    private final TensorGraph graph;
    private final List<String> features = new ArrayList<>();
    private Thresholds behind;
    private String remark;

    /** @param fed whether the network was fed them, or else recorded ones */
    OwnFeatures(boolean fed, Thresholds thresholds, TensorGraph graph) {
        this.fed = fed;
        this.thresholds = thresholds;
        this.graph = graph;
        behind = thresholds;
    }

    /** The limits of a tensor, once those before it are judged. */
    Thresholds limits(String name) {
        return graph.inherits(name, features) ? behind : thresholds;
    }

    /** Takes the verdict on a tensor. */
    void judged(TensorDiff diff, double scale) {
        Computation made = graph.computation(diff.name());
        if (!fed || diff.verdict() != Verdict.SAME || made == null || !ROUNDED.contains(made.operation())) {
            return;
        }
        features.add(diff.name());
        Thresholds wider = behind.atLeast(PASSED_ON * diff.maxAbs() / scale, PASSED_ON * diff.relL2());
        if (!wider.equals(behind)) {
            behind = wider;
            remark = String.format(
                    Locale.ROOT,
                    "fed its own %s, which differs by rounding (rel L2 %.1e): what comes from it is allowed %.0f times that;"
                            + " layer:trace --input REFERENCE feeds the recorded one, and is judged as usual",
                    diff.name(),
                    diff.relL2(),
                    PASSED_ON);
        }
    }

    /** What to say of it; null if nothing was judged otherwise than usual. */
    String remark() {
        return remark;
    }
}
