package org.luthier.shell;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.luthier.debug.Reference;
import org.luthier.debug.TensorGraph;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Causes;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
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
                "Shows the tensors that depart, those that only inherit it, and likely causes, which are tested on the tensors themselves."
                        + " Exits with 0 if nothing departs, with 3 if something does."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:diff mine.trace reference.safetensors",
                "  luthier layer:diff mine.trace golden.npz --json",
                "  luthier layer:diff mine.trace reference.safetensors --html page.html"
            })
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "TRACE", description = "What layer:trace wrote.")
        Path trace;

        @Parameters(
                index = "1",
                paramLabel = "REFERENCE",
                description = "A trace, a reference, or a golden that an adapter of the family explains.")
        Path reference;

        @Option(
                names = "--model",
                paramLabel = "MODEL",
                description = "Model that the trace was made with (default: the one that the trace names).")
        String model;

        @Option(
                names = "--checkpoint",
                paramLabel = "CHECKPOINT",
                description = "Weights that the trace was made with (default: those that the trace names).")
        Path checkpoint;

        @Mixin
        NamesOption names;

        @Mixin
        JsonOption json;

        @Mixin
        PageOption html;

        /** Where the weights are said to be; null if nothing is said. */
        private Path weights(Workbench workbench) {
            return checkpoint != null || model == null
                    ? checkpoint
                    : workbench.catalog().weights(workbench.catalog().get(model));
        }
    }

    @Override
    protected int run(Options options, Console console) {
        options.html.check();
        List<URL> adapters = options.names.adapters(workbench);
        try (Reference trace = Reference.open(options.trace, adapters);
                Reference reference = Reference.open(options.reference, adapters)) {
            TensorGraph graph = graph(options, trace, reference);
            SaidNotes said = SaidNotes.of(
                    workbench,
                    options.model,
                    options.checkpoint,
                    TraceDiff.compare(trace, reference, Thresholds.FLOAT32, graph),
                    trace,
                    reference,
                    console);
            TraceDiff compared = said.diff();
            TraceDiff diff = new TracedWeights(workbench, trace.header().model())
                    .explain(
                            compared,
                            options.weights(workbench),
                            trace.origin(),
                            source -> new Causes(graph.computations(), source, Thresholds.FLOAT32)
                                    .of(compared.departed(), trace, reference));
            options.html.write(diff, trace, reference, said.rolls());
            options.json.print(console, diff::asMap, diff::table, VerdictColours::paint);
            return diff.clean() ? DONE : FOUND;
        }
    }

    /** As the trace tells it, or the reference, or the model that was named. */
    private TensorGraph graph(Options options, Reference trace, Reference reference) {
        if (trace.graph().isKnown()) {
            return trace.graph();
        }
        if (reference.graph().isKnown() || options.model == null && options.checkpoint == null) {
            return reference.graph();
        }
        try (ModelLease lease = workbench.openModel(options.model, options.checkpoint, null)) {
            return new Tracer(lease.model()).graph();
        }
    }
}
