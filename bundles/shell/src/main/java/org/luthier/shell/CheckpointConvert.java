package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.api.checkpoint.DType;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.converter.Conversion;
import org.luthier.converter.Converter;
import org.luthier.converter.Request;
import org.luthier.converter.Target;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code checkpoint:convert}: any checkpoint to safetensors with canonical names, a T5X folder or a PyTorch file. */
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
                "Converts a checkpoint: to safetensors with canonical names, a T5X folder, or a PyTorch file.",
                "A ledger, WEIGHTS.ledger.json, accounts for every tensor. The same input gives the same bytes."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier checkpoint:convert mt3.pth -o mt3.safetensors --dtype f16",
                "  luthier checkpoint:convert mt3.safetensors -o checkpoint_1000000",
                "  luthier checkpoint:convert fork.ckpt -o mt3.safetensors --rules fork.names.json"
            })
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "CHECKPOINT", description = "What to convert; its format is told by its content.")
        Path source;

        @Option(
                names = {"-o", "--output"},
                required = true,
                paramLabel = "WEIGHTS",
                description = "What to write: .safetensors, .pth, .pt, .bin, or no suffix for a T5X folder.")
        Path target;

        @Option(
                names = "--to",
                paramLabel = "FORMAT",
                description = "safetensors, t5x or torch (default: what WEIGHTS is named for).")
        String format;

        @Option(
                names = "--dtype",
                paramLabel = "TYPE",
                description = "f32, f16 or bf16 (default: each weight keeps its type).")
        Type type;

        @Option(
                names = "--rules",
                paramLabel = "FILE",
                description = "Own name rules, which come before those of the family (docs/name-rules.md).")
        Path rules;

        @Option(
                names = "--family",
                paramLabel = "FAMILY",
                description = "Model family whose names are used (default: the one that recognises the checkpoint).")
        String family;

        @Option(
                names = "--ledger",
                paramLabel = "FILE",
                description = "Where the ledger goes (default: WEIGHTS.ledger.json).")
        Path ledger;

        @Option(names = "--force", description = "Replace files that exist.")
        boolean force;
    }

    /** Types as they are written on the command line. */
    enum Type {
        f32(DType.F32),
        f16(DType.F16),
        bf16(DType.BF16);

        final DType dtype;

        Type(DType dtype) {
            this.dtype = dtype;
        }
    }

    @Override
    protected int run(Options options, Console console) {
        Request request = new Request(
                options.source,
                options.target,
                options.format == null ? Target.of(options.target) : Target.named(options.format),
                options.family,
                options.type == null ? null : options.type.dtype,
                options.rules,
                options.ledger == null ? Converter.ledgerBeside(options.target) : options.ledger,
                options.force);
        Conversion conversion;
        try (ProgressLine progress = console.progress(options.source.toString())) {
            conversion = Families.with(
                    workbench,
                    families -> new Converter(Checkpoints.builtIn(), families)
                            .convert(request, workbench.execution().workers(), progress, new Interruption()));
        }
        conversion.warnings().forEach(console::warn);
        console.print(conversion.table().stripTrailing());
        console.print(conversion.target() + " sha256 " + conversion.sha256());
        return DONE;
    }
}
