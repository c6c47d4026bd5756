package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.model.yourmt3.YourMt3Configuration.Conformer;
import org.luthier.model.yourmt3.YourMt3Configuration.FeedForward;
import org.luthier.model.yourmt3.YourMt3Configuration.Joining;
import org.luthier.model.yourmt3.YourMt3Configuration.Perceiver;
import org.luthier.model.yourmt3.YourMt3Configuration.Positions;
import org.luthier.model.yourmt3.YourMt3Configuration.T5;

/**
 * The tensors by which a model is told from others of its family: how many there are of a kind, and their sizes in either order, under the
 * names of PyTorch and under Luthier's own.
 */
final class Outline {
    private record Kind(Pattern names, int count, long[] sizes) {
        boolean agrees(Map<String, TensorInfo> tensors) {
            List<TensorInfo> found = tensors.values().stream()
                    .filter(tensor -> names.matcher(tensor.name()).matches())
                    .toList();
            return found.size() == count
                    && found.stream()
                            .allMatch(tensor -> Arrays.equals(
                                    sizes,
                                    tensor.shape().stream()
                                            .mapToLong(Long::longValue)
                                            .sorted()
                                            .toArray()));
        }
    }

    /** Of distances, in a stack of T5. */
    private static final int BUCKETS = 32;

    private final List<Kind> kinds = new ArrayList<>();

    Outline(YourMt3Configuration configuration) {
        decoder(configuration);
        YourMt3Configuration.Audio audio = configuration.audio();
        kind(
                "spectrogram.mel_stft.mel_scale.fb",
                "frontend.mel.filters",
                audio.mel() ? 1 : 0,
                audio.window() / 2 + 1,
                audio.bands());
        stack(configuration.encoder() instanceof T5 stack ? stack : null);
        conformer(configuration.encoder() instanceof Conformer conformer ? conformer : null);
        perceiver(configuration.encoder() instanceof Perceiver perceiver ? perceiver : null);
        projection(configuration);
    }

    /** Whether tensors are those of the model, as far as they tell. */
    boolean agrees(Map<String, TensorInfo> tensors) {
        return kinds.stream().allMatch(kind -> kind.agrees(tensors));
    }

    /** A star in names stands for a number. */
    private void kind(String torch, String canonical, int count, int... sizes) {
        kinds.add(new Kind(
                Pattern.compile((torch + "|" + canonical).replace(".", "\\.").replace("*", "[0-9]+")),
                count,
                Arrays.stream(sizes).asLongStream().sorted().toArray()));
    }

    private void decoder(YourMt3Configuration configuration) {
        T5 decoder = configuration.decoder();
        kind("embed_tokens.weight", "decoder.token_embedding.weight", 1, configuration.vocabulary(), decoder.model());
        kind(
                "decoder.decoder.block.*.layer.0.SelfAttention.q.weight",
                "decoder.layer*.self_attention.q.weight",
                decoder.layers(),
                decoder.heads() * decoder.headSize(),
                decoder.model());
        kind(
                "decoder.decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                "decoder.position_bias.table",
                decoder.relative() ? 1 : 0,
                BUCKETS,
                decoder.heads());
    }

    private void stack(T5 stack) {
        String torch = "encoder.encoder.block.*.layer.0.SelfAttention.q.weight";
        String canonical = "encoder.layer*.attention.q.weight";
        if (stack == null) {
            kind(torch, canonical, 0);
        } else {
            kind(torch, canonical, stack.layers(), stack.heads() * stack.headSize(), stack.model());
        }
    }

    private void conformer(Conformer conformer) {
        String torch = "encoder.layers.*.self_attn.linear_q.weight";
        String canonical = "encoder.layer*.self_attention.q.weight";
        if (conformer == null) {
            kind(torch, canonical, 0);
        } else {
            kind(torch, canonical, conformer.layers(), conformer.width(), conformer.width());
            kind(
                    "encoder.layers.*.self_attn.pos_bias_u",
                    "encoder.layer*.self_attention.content_bias",
                    conformer.relative() ? conformer.layers() : 0,
                    conformer.heads(),
                    conformer.width() / conformer.heads());
        }
    }

    private void perceiver(Perceiver perceiver) {
        String latents = "encoder.latent_array.latents";
        if (perceiver == null) {
            kind(latents, "encoder.latents", 0);
            return;
        }
        kind(latents, "encoder.latents", 1, perceiver.latents(), perceiver.width());
        int local = perceiver.blocks() * perceiver.local();
        int temporal = perceiver.blocks() * perceiver.temporal();
        kind(
                "encoder.blocks.*.local_transformer.*.attention.self.query.weight",
                "encoder.block*.local*.attention.q.weight",
                local,
                perceiver.queries(),
                perceiver.width());
        kind(
                "encoder.blocks.*.temporal_transformer.*.attention.self.query.weight",
                "encoder.block*.temporal*.attention.q.weight",
                temporal,
                perceiver.queries(),
                perceiver.width());
        kind(
                "encoder.blocks.*.local_transformer.*.mlp.experts.*.w1.weight",
                "encoder.block*.local*.mlp.expert*.gate.weight",
                perceiver.feedForward() == FeedForward.MOE ? local * perceiver.experts() : 0,
                perceiver.hidden(),
                perceiver.width());
        kind(
                "encoder.rotary_emb_sca.freqs",
                "encoder.rotary_spectral.frequencies",
                perceiver.positions() == Positions.ROPE ? 1 : 0,
                perceiver.rotated() / 2);
    }

    private void projection(YourMt3Configuration configuration) {
        if (configuration.encoder() instanceof Perceiver latent) {
            Joining joining = configuration.projection().joining();
            int all = latent.latents() * latent.width();
            int model = configuration.decoder().model();
            kind(
                    "pre_decoder.0.projection_layer.weight",
                    "pre_decoder.linear.weight",
                    joining == Joining.LINEAR ? 1 : 0,
                    all,
                    model);
            int each = all / configuration.channels();
            kind(
                    "pre_decoder.0.linear.weight",
                    "pre_decoder.shared_linear.weight",
                    joining == Joining.MC_SHARED_LINEAR && each != model ? 1 : 0,
                    each,
                    model);
        }
    }
}
