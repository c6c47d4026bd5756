package org.luthier.shell;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.debug.Origin;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.cause.WeightSource;
import org.luthier.workbench.Workbench;

/** The weights that a trace was made with, under their canonical names, for testing causes. */
final class TracedWeights {
    private final Workbench workbench;
    private final String family;

    /** @param family id of the model family */
    TracedWeights(Workbench workbench, String family) {
        this.workbench = workbench;
        this.family = family;
    }

    /**
     * Adds the likely causes of what departs.
     *
     * @param given where the weights are; null to take them from where the trace says that they were, if they are still the same
     * @param causes looks for causes with the weights
     */
    TraceDiff explain(TraceDiff diff, Path given, Origin origin, Function<WeightSource, List<Cause>> causes) {
        if (diff.clean()) {
            return diff;
        }
        Path checkpoint = given == null ? origin.checkpoint() : given;
        if (checkpoint == null || !Files.exists(checkpoint)) {
            return diff.with(causes.apply(WeightSource.NONE))
                    .with(untested(
                            checkpoint == null
                                    ? "the trace does not say where they are"
                                    : "there is no " + checkpoint));
        }
        try (Checkpoint opened = Checkpoints.builtIn().open(checkpoint)) {
            if (given == null && !opened.sha256().equals(origin.sha256())) {
                return diff.with(causes.apply(WeightSource.NONE))
                        .with(untested(checkpoint + " has changed since the trace was made"));
            }
            return diff.with(causes.apply(WeightSource.of(Families.with(workbench, families -> rules(families, opened))
                    .survey(opened)
                    .asCheckpoint())));
        }
    }

    private NameRules rules(List<ModelFamily> families, Checkpoint checkpoint) {
        return NameRules.choose(
                families.stream()
                        .filter(each -> each.id().equals(family))
                        .flatMap(each -> each.nameRules().stream())
                        .toList(),
                checkpoint);
    }

    private static String untested(String why) {
        return "causes that need the weights were not tested: " + why
                + "; say with --checkpoint or --model what they are";
    }
}
