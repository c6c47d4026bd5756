package org.luthier.shell;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code layer:diff}: where a run departs from a reference. */
@Component(service = ShellCommand.class)
public final class LayerDiff extends WorkbenchCommand<LayerDiff.Options> {
    @Activate
    public LayerDiff(
            @org.osgi.service.component.annotations.Reference Surroundings surroundings,
            @org.osgi.service.component.annotations.Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "layer:diff",
            description = {
                "Compares a trace with a reference, layer by layer.",
                "Shows the first tensor that departs; those after it inherit. Exits with 0 if nothing departs, with 3 if something does."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:diff mine.trace reference.safetensors",
                "  luthier layer:diff mine.trace golden.npz --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "TRACE", description = "What layer:trace wrote.")
        Path trace;

        @Parameters(
                index = "1",
                paramLabel = "REFERENCE",
                description = "A trace, a reference, or a golden that an adapter of the family explains.")
        Path reference;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        List<URL> adapters = Families.referenceAdapters(workbench);
        try (Reference trace = Reference.open(options.trace, adapters);
                Reference reference = Reference.open(options.reference, adapters)) {
            TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
            options.json.print(console, diff::asMap, diff::table);
            return diff.clean() ? DONE : FOUND;
        }
    }
}
