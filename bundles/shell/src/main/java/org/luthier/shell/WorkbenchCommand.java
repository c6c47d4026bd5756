package org.luthier.shell;

import java.util.List;
import java.util.function.Supplier;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;

/** A command that works with the workbench's models and parts. */
abstract class WorkbenchCommand<O extends CommonOptions> extends ShellCommand<O> {
    final Workbench workbench;

    WorkbenchCommand(Surroundings surroundings, Workbench workbench, Supplier<O> options) {
        super(surroundings, options);
        this.workbench = workbench;
    }

    @Override
    protected List<String> candidates(String label) {
        return switch (label) {
            case "MODEL" ->
                workbench.catalog().models().stream().map(ModelDefinition::id).toList();
            case "KERNELS" -> List.of("cpu", "nd4j", "plain");
            case "FAMILY" -> workbench.parts().ids(ModelFamily.class);
            case "TOKENIZER" -> workbench.parts().ids(Tokenizer.class);
            case "DECODER" -> workbench.parts().ids(Decoder.class);
            case "ASSEMBLER" -> workbench.parts().ids(NoteAssembler.class);
            default -> List.of();
        };
    }
}
