package org.luthier.debug.doctor;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Model;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.cause.Causes;
import org.luthier.debug.cause.WeightSource;

/** Feeds each layer of the model what a reference was given, and tells those that make something else of it. */
final class LayersStage {
    private final Model model;
    private final Path path;
    private final Notebook notes;

    LayersStage(Model model, Path path, Notebook notes) {
        this.model = model;
        this.path = path;
        this.notes = notes;
    }

    /**
     * @param weights under canonical names
     * @param rounding what the types of the weights lose, relative: a tensor that departs by no more is no fault
     * @param adapters of the model families at hand
     */
    void examine(Path file, Checkpoint weights, double rounding, List<URL> adapters, Cancellation cancellation) {
        notes.examine(Stage.LAYERS);
        try (Reference reference = Reference.open(file, adapters)) {
            Tracer tracer = new Tracer(model);
            Tracer.Isolation alone = tracer.isolate(reference, null, NameGlob.ALL, Thresholds.FLOAT32, cancellation);
            List<String> departed = alone.diff().departed();
            if (!departed.isEmpty()) {
                List<Cause> causes = new Causes(
                                tracer.graph().computations(), WeightSource.of(weights), Thresholds.FLOAT32)
                        .isolated(alone, reference);
                List<String> wrong = alone.diff().tensors().stream()
                        .filter(tensor -> departed.contains(tensor.name()) && !(tensor.relL2() <= rounding))
                        .map(TensorDiff::name)
                        .toList();
                if (wrong.isEmpty()) {
                    notes.remark(Notebook.count(departed.size(), "tensor")
                            + " apart from the reference by no more than the reduced precision of the weights");
                } else {
                    tell(
                            alone.diff(),
                            wrong,
                            file,
                            causes.stream()
                                    .filter(cause -> wrong.contains(cause.layer()))
                                    .toList());
                }
            }
        }
    }

    private void tell(TraceDiff diff, List<String> departed, Path file, List<Cause> causes) {
        TensorDiff first = diff.tensors().stream()
                .filter(tensor -> tensor.name().equals(departed.get(0)))
                .findFirst()
                .orElseThrow();
        String evidence = Notebook.format(
                "of the first, largest difference %.2g, relative norm of the difference %.2g",
                first.maxAbs(), first.relL2());
        if (!causes.isEmpty()) {
            Cause likely = causes.get(0);
            evidence += Notebook.format(
                    "; of %s, %.2g, and %.2g with the cause undone", likely.layer(), likely.before(), likely.after());
        }
        notes.find(
                Stage.LAYERS,
                "fed the reference's inputs, " + Notebook.count(departed.size(), "tensor")
                        + (departed.size() == 1 ? " departs: " : " depart: ")
                        + Notebook.some(departed),
                causes.isEmpty() ? "no known cause fits" : causes.get(0).cause(),
                evidence,
                Notebook.command(
                        "layer:isolate", file, "--model", model.definition().id(), "--checkpoint", path));
    }
}
