package org.luthier.model.mt3;

import java.net.URL;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.nn.Kernels;
import org.osgi.service.component.annotations.Component;

/** MT3 (Gardner et al., ICLR 2022): a T5 that hears a log-mel spectrogram and writes the notes of all instruments as tokens. */
@Component(service = ModelFamily.class)
public final class Mt3Family implements ModelFamily {
    static final String ID = "mt3";

    /**
     * A naming scheme of checkpoints.
     *
     * @param rules resource of its name rules
     * @param projection name of the weight that takes in the bands, one of whose sizes they are
     * @param embedding name of the vectors of the ids [ids, model]
     */
    private record Naming(String rules, String projection, String embedding) {
        /** Whether there is a network behind these names that hears the bands of the front end. */
        boolean fits(Map<String, TensorInfo> tensors) {
            TensorInfo in = tensors.get(projection);
            TensorInfo ids = tensors.get(embedding);
            return in != null
                    && ids != null
                    && in.shape().size() == 2
                    && ids.shape().size() == 2
                    && in.shape().contains((long) Mt3Frontend.BANDS)
                    && in.shape().contains(ids.shape().get(1));
        }
    }

    private static final List<Naming> NAMINGS = List.of(
            new Naming(
                    "names.t5x.json",
                    "encoder.continuous_inputs_projection.kernel",
                    "decoder.token_embedder.embedding"),
            new Naming("names.torch.json", "proj.weight", "decoder_embed_tokens.weight"),
            new Naming("names.canonical.json", "encoder.input_projection.weight", "decoder.token_embedding.weight"));

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String description() {
        return "MT3: the notes of many instruments at once, or of a piano, by a T5 that writes tokens";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        return NAMINGS.stream().anyMatch(naming -> naming.fits(checkpoint.tensors()));
    }

    /** The models differ in what their ids mean, so in how many there are. */
    @Override
    public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
        long rows = Mt3Configuration.of(definition).outputRows();
        return NAMINGS.stream()
                .filter(naming -> naming.fits(checkpoint.tensors()))
                .anyMatch(naming ->
                        checkpoint.tensors().get(naming.embedding()).shape().get(0) == rows);
    }

    @Override
    public List<URL> nameRules() {
        return NAMINGS.stream()
                .map(Naming::rules)
                .map(Mt3Family.class::getResource)
                .toList();
    }

    @Override
    public List<URL> referenceAdapters() {
        return Stream.of(
                        "reference-adapter.golden-compact.json",
                        "reference-adapter.torch.json",
                        "reference-adapter.flax.json")
                .map(Mt3Family.class::getResource)
                .toList();
    }

    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution execution) {
        return new Mt3Model(definition, Mt3Configuration.of(definition), weights, Kernels.of(execution));
    }
}
