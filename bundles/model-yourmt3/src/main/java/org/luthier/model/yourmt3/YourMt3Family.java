package org.luthier.model.yourmt3;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

/**
 * YourMT3+ (Chang, Benetos, Kirchhoff, Dixon; arXiv 2407.04822): a spectrogram through a Perceiver-TF, T5 or Conformer encoder, and a T5
 * decoder that writes tokens in one or in thirteen channels.
 *
 * <p>Its checkpoints are those of Lightning: training state is left where it is, what only training needs is dropped by rule.
 */
@Component(service = ModelFamily.class)
public final class YourMt3Family implements ModelFamily {
    static final String ID = "yourmt3";

    /**
     * A naming scheme of checkpoints.
     *
     * @param rules resource of its name rules
     * @param window beginning of the names of what the front end has
     * @param embedding name of the vectors of the ids [ids, model]
     * @param logits name of the weight that yields the ids, with the sizes of the other in either order
     * @param decoder name of the first weight of the decoder
     */
    private record Naming(String rules, String window, String embedding, String logits, String decoder) {
        boolean fits(Map<String, TensorInfo> tensors) {
            TensorInfo ids = tensors.get(embedding);
            TensorInfo out = tensors.get(logits);
            TensorInfo first = tensors.get(decoder);
            return ids != null
                    && out != null
                    && first != null
                    && ids.shape().size() == 2
                    && out.shape().size() == 2
                    && out.shape().containsAll(ids.shape())
                    && first.shape().contains(ids.shape().get(1))
                    && tensors.keySet().stream().anyMatch(name -> name.startsWith(window));
        }
    }

    private static final List<Naming> NAMINGS = List.of(
            new Naming(
                    "names.torch.json",
                    "spectrogram.",
                    "embed_tokens.weight",
                    "lm_head.lm_head.weight",
                    "decoder.decoder.block.0.layer.0.SelfAttention.q.weight"),
            new Naming(
                    "names.canonical.json",
                    "frontend.",
                    "decoder.token_embedding.weight",
                    "decoder.logits.weight",
                    "decoder.layer0.self_attention.q.weight"));

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String description() {
        return "YourMT3+: the notes of many instruments and of voices, by channels of a T5 behind a Perceiver";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        return NAMINGS.stream().anyMatch(naming -> naming.fits(checkpoint.tensors()));
    }

    /** The arguments that a checkpoint was trained with decide; shapes, where it has lost them. */
    @Override
    public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
        return recognises(checkpoint) && new Described(checkpoint).fits(definition);
    }

    @Override
    public Optional<ModelDefinition> definition(Checkpoint checkpoint, Path path) {
        return new Described(checkpoint).definition(path);
    }

    @Override
    public List<URL> nameRules() {
        return NAMINGS.stream()
                .map(Naming::rules)
                .map(YourMt3Family.class::getResource)
                .toList();
    }

    @Override
    public List<URL> referenceAdapters() {
        return Stream.of("reference-adapter.golden.json", "reference-adapter.torch.json")
                .map(YourMt3Family.class::getResource)
                .toList();
    }

    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution execution) {
        YourMt3Configuration configuration = YourMt3Configuration.of(definition);
        Contradictions.refuse(definition.id(), configuration, weights);
        return new YourMt3Model(definition, configuration, weights, Kernels.of(execution));
    }
}
