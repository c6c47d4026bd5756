package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.api.model.Model;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Causes;
import org.luthier.debug.html.Rolls;
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

/** {@code layer:isolate}: every layer judged by itself. */
@Component(service = ShellCommand.class)
public final class LayerIsolate extends WorkbenchCommand<LayerIsolate.Options> {
    @Activate
    public LayerIsolate(
            @org.osgi.service.component.annotations.Reference Surroundings surroundings,
            @org.osgi.service.component.annotations.Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "layer:isolate",
            description = {
                "Runs a model with every layer fed the reference's inputs, and compares what each makes.",
                "Several faults are all found, and none is blamed for another's. A tensor whose inputs the reference does not hold is not"
                        + " judged. Exits with 0 if nothing departs, with 3 if something does."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:isolate reference.safetensors --checkpoint converted.safetensors",
                "  luthier layer:isolate reference.safetensors --model mt3 --layers 'encoder.layer0.*' --json"
            })
    static final class Options extends RecordedOptions {
        @Mixin
        JsonOption json;

        @Mixin
        PageOption html;
    }

    @Override
    protected int run(Options options, Console console) {
        options.html.check();
        try (Reference reference = options.reference(workbench);
                ModelLease lease = options.open(workbench, reference)) {
            Model model = lease.model();
            Tracer tracer = new Tracer(model);
            Tracer.Isolation isolation = tracer.isolate(
                    reference, options.segments, NameGlob.of(options.layers), Thresholds.FLOAT32, new Interruption());
            Path weights = options.weights(workbench, model);
            TraceDiff diff = new TracedWeights(workbench, model.definition().family())
                    .explain(
                            isolation.diff(),
                            weights,
                            isolation.made().origin(),
                            source -> new Causes(tracer.graph().computations(), source, Thresholds.FLOAT32)
                                    .isolated(isolation, reference));
            options.html.write(diff, isolation.made(), isolation.expected(), Rolls.NONE);
            options.json.print(console, diff::asMap, diff::table, VerdictColours::paint);
            return diff.clean() ? DONE : FOUND;
        }
    }
}
