package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.converter.Conversion;
import org.luthier.converter.Converter;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code checkpoint:convert}: any checkpoint to safetensors with canonical names. */
@Component(service = ShellCommand.class)
public final class CheckpointConvert extends WorkbenchCommand<CheckpointConvert.Options> {
    @Activate
    public CheckpointConvert(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "checkpoint:convert",
            customSynopsis = "luthier checkpoint:convert [OPTIONS] CHECKPOINT -o=WEIGHTS",
            description = {
                "Converts a checkpoint to safetensors with canonical names.",
                "A ledger beside it, WEIGHTS with the ending .ledger.json, accounts for every tensor. The same input gives the same bytes."
            },
            footerHeading = "%nExamples:%n",
            footer = {"  luthier checkpoint:convert model.json -o weights.safetensors"})
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "CHECKPOINT", description = "What to convert; its format is told by its content.")
        Path source;

        @Option(
                names = {"-o", "--output"},
                required = true,
                paramLabel = "WEIGHTS",
                description = "Safetensors file to write.")
        Path target;

        @Option(
                names = "--family",
                paramLabel = "FAMILY",
                description = "Model family whose names are used (default: the one that recognises the checkpoint).")
        String family;

        @Option(names = "--force", description = "Replace files that exist.")
        boolean force;
    }

    @Override
    protected int run(Options options, Console console) {
        Conversion conversion = Families.with(
                workbench,
                families -> new Converter(Checkpoints.builtIn(), families)
                        .convert(
                                options.source,
                                options.family,
                                options.target,
                                Converter.ledgerBeside(options.target),
                                options.force));
        console.print(conversion.table().stripTrailing());
        console.print(conversion.target() + " sha256 " + conversion.sha256());
        return DONE;
    }
}
