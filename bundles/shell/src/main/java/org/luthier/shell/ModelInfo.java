package org.luthier.shell;

import java.util.Locale;
import java.util.Map;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.plugin.Parameter;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.shell.internal.Table;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code model:info}: what a model is made of. */
@Component(service = ShellCommand.class)
public final class ModelInfo extends WorkbenchCommand<ModelInfo.Options> {
    private static final String READY = "ready";

    @Activate
    public ModelInfo(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "model:info",
            description = "Shows what a model is made of, what it needs, where its weights come from and its licence.",
            footerHeading = "%nExamples:%n",
            footer = "  luthier model:info basic-pitch")
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "MODEL", description = "Id of a model, as model:list shows it.")
        String model;
    }

    @Override
    protected int run(Options options, Console console) {
        ModelDefinition model = workbench.catalog().get(options.model);
        String state = ModelList.state(model, workbench);
        Table table = new Table()
                .row("id", model.id())
                .row("title", model.title())
                .row("state", state)
                .row("family", model.family())
                .row("tokenizer", otherwise(model.tokenizer()))
                .row("decoder", otherwise(model.decoder()))
                .row("assembler", model.assembler())
                .row("weights", workbench.catalog().weights(model));
        for (ModelDefinition.Source source : model.sources()) {
            String size = source.bytes() == 0 ? "" : String.format(Locale.ROOT, " (%,d bytes)", source.bytes());
            table.row("source", source.url() + size);
            table.row("", source.sha256() == null ? "no sha256 is known" : "sha256 " + source.sha256());
        }
        table.row("licence", model.licence()).row("cite", otherwise(model.citation()));
        for (Map.Entry<String, Object> setting : model.configuration().entrySet()) {
            table.row("configuration", setting.getKey() + " = " + setting.getValue());
        }
        if (state.equals(READY)) {
            for (Parameter parameter :
                    workbench.parameters(TranscriptionRequest.of(null).withModel(model.id()))) {
                table.row("parameter", "--" + parameter.name() + ": " + parameter.description());
            }
        }
        console.print(table.toString());
        return DONE;
    }

    private static String otherwise(String value) {
        return value == null ? "none" : value;
    }
}
