package org.luthier.shell;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.luthier.api.model.ModelDefinition;
import org.luthier.debug.Reference;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options of the commands that run a model on what a reference recorded. */
class RecordedOptions extends ModelOptions {
    @Parameters(
            index = "0",
            paramLabel = "REFERENCE",
            description = "A trace, a reference, or a golden that an adapter of the family explains, with its inputs.")
    Path reference;

    @Option(
            names = "--segment",
            split = ",",
            paramLabel = "N",
            description = "Segments to run (default: all that were recorded).")
    List<Integer> segments;

    @Option(
            names = "--layers",
            paramLabel = "GLOB",
            description = "Tensors to look at: * is any text, ? one letter, a comma separates (default: all).")
    String layers = "*";

    @Mixin
    NamesOption names;

    final Reference reference(Workbench workbench) {
        return Reference.open(reference, names.adapters(workbench));
    }

    /** Loads the model: unless told, the one that was recorded, else the first of its family. */
    final ModelLease open(Workbench workbench, Reference recorded) {
        if (model == null && checkpoint == null) {
            Optional<ModelDefinition> definition = SaidNotes.definition(workbench, recorded);
            model = definition.map(ModelDefinition::id).orElse(null);
            checkpoint =
                    definition.map(one -> SaidNotes.checkpoint(workbench, one)).orElse(null);
        }
        return open(workbench);
    }
}
