package org.luthier.shell;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.CheckpointComparison;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code checkpoint:diff}: how two checkpoints differ. */
@Component(service = ShellCommand.class)
public final class CheckpointDiff extends WorkbenchCommand<CheckpointDiff.Options> {
    @Activate
    public CheckpointDiff(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "checkpoint:diff",
            description = {
                "Compares the tensors of two checkpoints, of whatever format.",
                "Where both are of one model family they are matched by what its name rules make of their names, otherwise by equal names."
                        + " Rounding, transposition, shifted, permuted or padded rows, exchanged tensors and factors are told by their names."
                        + " Exits with 0 if all values are equal, with 3 if something differs."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier checkpoint:diff weights.safetensors model.pth",
                "  luthier checkpoint:diff checkpoint_1000000 weights.safetensors --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "A", description = "File or folder; its format is told by its content.")
        Path a;

        @Parameters(index = "1", paramLabel = "B", description = "Another.")
        Path b;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        try (Checkpoint a = Checkpoints.builtIn().open(options.a);
                Checkpoint b = Checkpoints.builtIn().open(options.b)) {
            List<URL> rules = Families.with(
                    workbench,
                    all -> all.stream()
                            .filter(family -> family.recognises(a) && family.recognises(b))
                            .flatMap(family -> family.nameRules().stream())
                            .toList());
            CheckpointComparison comparison = CheckpointComparison.of(a, b, rules, new Interruption());
            options.json.print(console, comparison::asMap, comparison::text);
            return comparison.equal() ? DONE : FOUND;
        }
    }
}
