package org.luthier.shell;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Part;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.files.text.TextTable;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Leases;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code model:info}: what a model is made of. */
@Component(service = ShellCommand.class)
public final class ModelInfo extends WorkbenchCommand<ModelInfo.Options> {
    @Activate
    public ModelInfo(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "model:info",
            description = "Shows what a model is made of, what it needs, where its weights come from and its licence.",
            footerHeading = "%nExamples:%n",
            footer = {"  luthier model:info basic-pitch", "  luthier model:info mt3"})
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "MODEL", description = "Id of a model, as model:list shows it.")
        String model;
    }

    @Override
    protected int run(Options options, Console console) {
        ModelDefinition model = workbench.catalog().get(options.model);
        String state = ModelList.state(model, workbench);
        TextTable table = new TextTable()
                .row("id", model.id())
                .row("title", model.title())
                .row("state", state)
                .row("family", model.family())
                .row("tokenizer", otherwise(model.tokenizer()))
                .row("decoder", choice(model.decoder(), Decoder.class))
                .row("assembler", model.assembler())
                .row("MIDI writer", model.midiWriter());
        if (workbench.parts().ids(Tokenizer.class).contains(model.tokenizer())) {
            vocabulary(model.tokenizer(), table);
        }
        table.row("weights", workbench.catalog().weights(model));
        if (state.equals(ModelList.NO_WEIGHTS)) {
            table.row(
                    "to run it", "luthier model:install " + model.id() + ", or say with --checkpoint PATH where it is");
        }
        for (ModelDefinition.Source source : model.sources()) {
            String size = source.bytes() == 0 ? "" : String.format(Locale.ROOT, " (%,d bytes)", source.bytes());
            table.row("source", source.url() + size);
            table.row("", source.sha256() == null ? "no sha256 is known" : "sha256 " + source.sha256());
        }
        table.row("licence", model.licence()).row("cite", otherwise(model.citation()));
        configuration("", model.configuration(), table);
        if (state.equals(ModelList.READY)) {
            for (Parameter parameter :
                    workbench.parameters(TranscriptionRequest.of(null).withModel(model.id()))) {
                table.row("parameter", "--" + parameter.name() + ": " + parameter.description());
            }
        }
        console.print(table.toString());
        return DONE;
    }

    /** A part and those that could stand in its place. */
    private <T extends Part> String choice(String id, Class<T> kind) {
        List<String> others = workbench.parts().ids(kind).stream()
                .filter(other -> !other.equals(id))
                .toList();
        return id == null || others.isEmpty() ? otherwise(id) : id + " (or " + String.join(", ", others) + ")";
    }

    private void vocabulary(String tokenizer, TextTable table) {
        try (Leases leases = workbench.parts().acquire(new Want(Tokenizer.class, tokenizer))) {
            Tokenizer part = leases.get(Tokenizer.class, tokenizer);
            Vocabulary ids = part.vocabulary();
            table.row(
                    "vocabulary",
                    ids.size() + " ids of task " + ids.task() + ", padding " + ids.pad() + ", end " + ids.end()
                            + ", segments of " + part.segmentSeconds() + " s in steps of 1/" + part.stepsPerSecond()
                            + " s");
            for (Vocabulary.Range range : ids.ranges()) {
                table.row(
                        "",
                        span(range.firstId(), range.count()) + " " + range.type() + " "
                                + span(range.firstValue(), range.count()));
            }
        }
    }

    private static String span(int first, int count) {
        return count == 1 ? Integer.toString(first) : first + " to " + (first + count - 1);
    }

    /** Settings inside settings have dotted names; of lists their length is enough. */
    private static void configuration(String prefix, Map<?, ?> settings, TextTable table) {
        settings.forEach((name, value) -> {
            if (value instanceof Map<?, ?> inner) {
                configuration(prefix + name + ".", inner, table);
            } else {
                table.row(
                        "configuration",
                        prefix + name + " = " + (value instanceof List<?> list ? list.size() + " entries" : value));
            }
        });
    }

    private static String otherwise(String value) {
        return value == null ? "none" : value;
    }
}
