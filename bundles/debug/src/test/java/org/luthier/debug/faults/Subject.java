package org.luthier.debug.faults;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.debug.NameGlob;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.debug.faults.Fault.Injection;
import org.luthier.debug.faults.Fault.OfWeights;

/**
 * A healthy model, and what was recorded of it.
 *
 * @param name as the table calls it
 * @param model with these weights, for as long as tests run
 * @param reference what it made
 */
record Subject(
        String name, ModelFamily family, ModelDefinition definition, Values weights, Model model, Reference reference) {
    static Subject of(String name, ModelFamily family, ModelDefinition definition, Values weights, TraceInput input) {
        Model healthy = load(family, definition, weights, "cpu");
        try (Model other = load(family, definition, weights, "plain")) {
            Reference reference = new Tracer(healthy).trace(input, NameGlob.ALL, Cancellation.NONE);
            Reference again =
                    new Tracer(other).trace(new TraceInput.Recorded(reference, null), NameGlob.ALL, Cancellation.NONE);
            return new Subject(name, family, definition, weights, healthy, withNoise(reference, again));
        }
    }

    /** The same with the noise of each tensor: the largest difference to another run that is right too. */
    private static Reference withNoise(Reference reference, Reference other) {
        List<RecordedTensor> tensors = new ArrayList<>();
        for (String name : reference.names()) {
            RecordedTensor tensor = reference.tensor(name);
            float[] values = other.tensor(name).values();
            double noise = 0;
            for (int i = 0; i < values.length; i++) {
                double difference = Math.abs(tensor.values()[i] - values[i]);
                noise = Math.max(noise, Double.isNaN(difference) ? 0 : difference);
            }
            tensors.add(new RecordedTensor(
                    name, tensor.shape(), tensor.values(), tensor.slices(), noise, tensor.integers(), tensor.steps()));
        }
        return Reference.of("reference of " + reference.header().model(), reference.header(), tensors);
    }

    /** The definition in a folder. */
    static ModelDefinition definition(Path folder) {
        try {
            return JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build()
                    .readValue(folder.resolve("model.json").toFile(), ModelDefinition.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The weights of a checkpoint in any form that the family knows. */
    static Values weights(ModelFamily family, Path checkpoint) {
        try (Checkpoint opened = Checkpoints.builtIn().open(checkpoint)) {
            return Values.of(NameRules.choose(family.nameRules(), opened)
                    .apply(opened, family.id())
                    .asCheckpoint());
        }
    }

    private static Model load(ModelFamily family, ModelDefinition definition, Values weights, String kernels) {
        return family.load(definition, weights.weights(), new Execution("cpu", kernels, 1));
    }

    /** The weights that the model has with some faults. */
    Values faulty(List<Injection> faults) {
        Values values = weights;
        for (Injection fault : faults) {
            if (fault instanceof OfWeights change) {
                values = change.change().apply(values);
            }
        }
        return values;
    }

    /** The model with some faults. */
    Model load(List<Injection> faults) {
        Values values = faulty(faults);
        if (values == weights) {
            return Tampered.of(model, faults, values, () -> {});
        }
        Model other = load(family, definition, values, "cpu");
        return Tampered.of(other, faults, values, other::close);
    }
}
