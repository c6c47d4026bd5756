package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.api.model.Model;
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

    /** Where the weights of a loaded model are. */
    final Path weights(Workbench workbench, Model loaded) {
        return checkpoint == null ? workbench.catalog().weights(loaded.definition()) : checkpoint;
    }
}
