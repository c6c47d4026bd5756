package org.luthier.shell;

import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code layer:tree}: the layers of a model. */
@Component(service = ShellCommand.class)
public final class LayerTree extends WorkbenchCommand<LayerTree.Options> {
    @Activate
    public LayerTree(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
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
        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        try (ModelLease lease = options.open(workbench)) {
            org.luthier.debug.LayerTree tree = org.luthier.debug.LayerTree.of(lease.model());
            options.json.print(console, tree::asMap, tree::table);
            return DONE;
        }
    }
}
