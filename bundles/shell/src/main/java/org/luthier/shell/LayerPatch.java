package org.luthier.shell;

import org.luthier.debug.NameGlob;
import org.luthier.debug.Patched;
import org.luthier.debug.Patching;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code layer:patch}: what becomes of the output when tensors are replaced. */
@Component(service = ShellCommand.class)
public final class LayerPatch extends WorkbenchCommand<LayerPatch.Options> {
    @Activate
    public LayerPatch(
            @org.osgi.service.component.annotations.Reference Surroundings surroundings,
            @org.osgi.service.component.annotations.Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "layer:patch",
            description = {
                "Runs a model with some tensors replaced by the reference's, and shows what its output becomes.",
                "With --bisect it looks for the fewest that heal the output. Exits with 0 if the output then agrees with the reference, with"
                        + " 3 if it still departs."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:patch reference.safetensors --model mt3 --layers encoder.layer3.out",
                "  luthier layer:patch reference.safetensors --checkpoint converted.safetensors --bisect"
            })
    static final class Options extends RecordedOptions {
        @Option(
                names = "--bisect",
                description =
                        "Look for the fewest tensors, among those of --layers, whose replacement heals the output.")
        boolean bisect;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        try (Reference reference = options.reference(workbench);
                ModelLease lease = options.open(workbench, reference)) {
            Patching patching =
                    new Patching(lease.model(), reference, options.segments, Thresholds.FLOAT32, new Interruption());
            NameGlob layers = NameGlob.of(options.layers);
            Patched patched = options.bisect ? patching.bisect(layers) : patching.patch(layers);
            options.json.print(console, patched::asMap, patched::table, VerdictColours::paint);
            return patched.healed() ? DONE : FOUND;
        }
    }
}
