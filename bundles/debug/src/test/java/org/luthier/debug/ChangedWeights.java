package org.luthier.debug;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;

/** Weights of a checkpoint, one of them changed on its way into the model; around each other, several. */
record ChangedWeights(Weights weights, String name, UnaryOperator<float[]> change) implements Weights {
    /**
     * Loads a model as the workbench would.
     *
     * @param folder of its model.json
     */
    static Model load(
            ModelFamily family,
            Path folder,
            Path checkpoint,
            String kernels,
            String weight,
            UnaryOperator<float[]> change)
            throws IOException {
        return load(family, folder, checkpoint, kernels, Map.of(weight, change));
    }

    /** The same with several weights changed. */
    static Model load(
            ModelFamily family,
            Path folder,
            Path checkpoint,
            String kernels,
            Map<String, UnaryOperator<float[]>> changes)
            throws IOException {
        ModelDefinition definition = JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build()
                .readValue(folder.resolve("model.json").toFile(), ModelDefinition.class);
        try (Checkpoint opened = Checkpoints.builtIn().open(checkpoint)) {
            Weights weights = NameRules.choose(family.nameRules(), opened).apply(opened, family.id());
            for (Map.Entry<String, UnaryOperator<float[]>> each : changes.entrySet()) {
                weights = new ChangedWeights(weights, each.getKey(), each.getValue());
            }
            return family.load(definition, weights, new Execution("cpu", kernels, 1));
        }
    }

    @Override
    public float[] take(String taken, long... shape) {
        float[] values = weights.take(taken, shape);
        return taken.equals(name) ? change.apply(values.clone()) : values;
    }

    @Override
    public String sourceName(String taken) {
        return weights.sourceName(taken);
    }

    @Override
    public Ledger ledger() {
        return weights.ledger();
    }

    @Override
    public void finish() {
        weights.finish();
    }
}
