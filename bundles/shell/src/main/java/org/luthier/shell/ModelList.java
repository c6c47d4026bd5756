package org.luthier.shell;

import java.nio.file.Files;
import java.util.List;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.files.text.TextTable;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;

/** {@code model:list}: what can be run. */
@Component(service = ShellCommand.class)
public final class ModelList extends WorkbenchCommand<ModelList.Options> {
    static final String READY = "ready";
    static final String NO_WEIGHTS = "no weights";

    @Activate
    public ModelList(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "model:list",
            description = "Lists the models and whether they can be run.",
            footerHeading = "%nExamples:%n",
            footer = "  luthier model:list")
    static final class Options extends CommonOptions {}

    @Override
    protected int run(Options options, Console console) {
        List<ModelCatalog.Item> models = workbench.catalog().items();
        if (models.isEmpty()) {
            console.remark("no models found; luthier env shows the folders that are looked at");
            return DONE;
        }
        TextTable table = new TextTable().row("ID", "FAMILY", "STATE", "LICENCE", "TITLE");
        for (ModelCatalog.Item item : models) {
            ModelDefinition definition = item.definition();
            if (definition == null) {
                table.row(item.id(), "", "broken", "", item.trouble());
            } else {
                table.row(
                        item.id(),
                        definition.family(),
                        state(definition, workbench),
                        definition.licence(),
                        definition.title());
            }
        }
        console.print(table.toString());
        return DONE;
    }

    /** Whether a model can be run, in a word or two. */
    static String state(ModelDefinition definition, Workbench workbench) {
        if (!Files.exists(workbench.catalog().weights(definition))) {
            return NO_WEIGHTS;
        }
        return workbench.parts().ids(ModelFamily.class).contains(definition.family()) ? READY : "no family";
    }
}
