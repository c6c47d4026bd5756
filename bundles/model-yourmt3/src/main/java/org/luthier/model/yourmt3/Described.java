package org.luthier.model.yourmt3;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelDefinition;

/** What a checkpoint tells of its own model: the arguments that it was trained with, and otherwise the shapes of its tensors. */
final class Described {
    /**
     * Of a configuration: whether the published checkpoint has what shifts the pitch in training. Models that are equal otherwise are told
     * apart by it; no argument tells it.
     */
    private static final String PITCH_SHIFT = "pitchshift";

    private static final String ARGUMENTS = "hyper_parameters.model_cfg.";

    private final Checkpoint checkpoint;

    Described(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    private boolean tells() {
        return checkpoint.metadata().keySet().stream().anyMatch(name -> name.startsWith(ARGUMENTS));
    }

    private boolean shiftsPitch() {
        return checkpoint.tensors().keySet().stream().anyMatch(name -> name.contains(PITCH_SHIFT));
    }

    /** The definition of the model, if the checkpoint tells enough.
     *
     * @param path of the checkpoint
     * @throws LuthierException that names what cannot be run */
    Optional<ModelDefinition> definition(Path path) {
        if (!tells()) {
            return Optional.empty();
        }
        Map<String, String> arguments = YourMt3Configuration.arguments(checkpoint.metadata());
        YourMt3Configuration configuration = YourMt3Configuration.of(arguments);
        TaskVocabulary task = TaskVocabulary.of(configuration.task());
        Path file = path.toAbsolutePath();
        return Optional.of(new ModelDefinition(
                YourMt3Family.ID,
                title(configuration),
                YourMt3Family.ID,
                task.vocabulary().task(),
                "yourmt3-greedy",
                "yourmt3-reference",
                "yourmt3-midi",
                ArgumentTree.of(arguments),
                file.getFileName().toString(),
                List.of(),
                "not known",
                null,
                file.getParent()));
    }

    /** {@code YourMT3+ by its checkpoint: perceiver, 13 channels, task mc13_full_plus_256}. */
    private static String title(YourMt3Configuration configuration) {
        return "YourMT3+ by its checkpoint: "
                + configuration.encoder().getClass().getSimpleName().toLowerCase(Locale.ROOT) + ", "
                + (configuration.channels() == 1 ? "one channel" : configuration.channels() + " channels") + ", task "
                + configuration.task();
    }

    /** Whether the model is that of a definition. */
    boolean fits(ModelDefinition definition) {
        if (definition.configuration().get(PITCH_SHIFT) instanceof Boolean shifts && shifts != shiftsPitch()) {
            return false;
        }
        YourMt3Configuration expected = YourMt3Configuration.of(definition);
        if (!tells()) {
            return new Outline(expected).agrees(checkpoint.tensors());
        }
        try {
            return expected.equals(YourMt3Configuration.of(checkpoint.metadata()));
        } catch (LuthierException e) {
            // It is none that can be run.
            return false;
        }
    }
}
