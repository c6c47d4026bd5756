package org.luthier.shell;

import java.util.List;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code layer:tree}: the layers of a model. */
@Component(service = ShellCommand.class)
public final class LayerTree extends ShellCommand<LayerTree.Options> {
    private final Workbench workbench;

    @Activate
    public LayerTree(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings);
        this.workbench = workbench;
    }

    @Command(
            name = "layer:tree",
            description = {
                "Shows the layers of a model.",
                "Each with its weights, their shapes and their names in the checkpoint, and the tensors that can be traced, marked with >."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:tree --model basic-pitch",
                "  luthier layer:tree --checkpoint weights.safetensors --json"
            })
    static final class Options extends ModelOptions {
        @Option(names = "--json", description = "Print one JSON object.")
        boolean json;
    }

    @Override
    protected Options options() {
        return new Options();
    }

    @Override
    protected List<String> candidates(String label) {
        return ModelOptions.candidates(label, workbench);
    }

    @Override
    protected int run(Options options, Console console) {
        try (ModelLease lease = options.open(workbench)) {
            org.luthier.debug.LayerTree tree = org.luthier.debug.LayerTree.of(lease.model());
            if (options.json) {
                console.json(tree.asMap());
            } else {
                console.print(tree.table().stripTrailing());
            }
            return DONE;
        }
    }
}
