package org.luthier.model.basicpitch;

import java.net.URL;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.nn.Kernels;
import org.osgi.service.component.annotations.Component;

/** Basic Pitch (Bittner et al., ICASSP 2022): a frame model of 16,702 weights for notes, onsets and pitch contours. */
@Component(service = ModelFamily.class)
public final class BasicPitchFamily implements ModelFamily {
    static final String ID = "basic-pitch";

    /** The first layer's weights under each naming scheme, [kernel time, kernel frequency, harmonics, channels]. */
    private static final List<String> MARKS =
            List.of("contour1.weight", "StatefulPartitionedCall/model_1/conv2d_1/Conv2D_weights");

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String description() {
        return "Basic Pitch: notes, onsets and pitch contours of any one instrument, by a small convolutional network";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        Map<String, TensorInfo> tensors = checkpoint.tensors();
        return MARKS.stream()
                .anyMatch(name -> tensors.containsKey(name)
                        && tensors.get(name).shape().size() == 4
                        && tensors.get(name).shape().get(2) == HarmonicStack.HARMONICS);
    }

    @Override
    public List<URL> nameRules() {
        return resources("names.canonical.json", "names.tfjs.json");
    }

    @Override
    public List<URL> referenceAdapters() {
        return resources("reference-adapter.window0.json");
    }

    private static List<URL> resources(String... names) {
        return Stream.of(names).map(BasicPitchFamily.class::getResource).toList();
    }

    /** The configuration of a definition is empty: there is one Basic Pitch. */
    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution execution) {
        if (!definition.configuration().isEmpty()) {
            throw new LuthierException("model " + definition.id() + ": the family " + ID
                    + " has no configuration, got " + definition.configuration().keySet()
                    + "; remove it from model.json");
        }
        return new BasicPitchModel(definition, weights, Kernels.of(execution));
    }
}
