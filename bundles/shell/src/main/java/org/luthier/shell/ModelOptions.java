package org.luthier.shell;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.model.ModelDefinition;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import picocli.CommandLine.Option;

/** The options of the commands that run a model. */
class ModelOptions extends CommonOptions {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "Model (default: the one that --checkpoint fits, else basic-pitch).")
    String model;

    @Option(
            names = "--checkpoint",
            paramLabel = "CHECKPOINT",
            description = "Weights to use in place of the model's own.")
    Path checkpoint;

    @Option(
            names = "--kernels",
            paramLabel = "KERNELS",
            description =
                    "Arithmetic: cpu is fast, nd4j runs everywhere, plain is the oracle (default: the backend's).")
    String kernels;

    /** Loads the model. */
    final ModelLease open(Workbench workbench) {
        return workbench.openModel(model, checkpoint, execution(workbench.execution(), kernels));
    }

    /** Values for completion by what the help calls them. */
    static List<String> candidates(String label, Workbench workbench) {
        return switch (label) {
            case "MODEL" ->
                workbench.catalog().models().stream().map(ModelDefinition::id).toList();
            case "KERNELS" -> List.of("cpu", "nd4j", "plain");
            default -> List.of();
        };
    }
}
