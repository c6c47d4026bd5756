package org.luthier.model.yourmt3;

import java.util.LinkedHashMap;
import java.util.Map;
import org.luthier.model.yourmt3.YourMt3Configuration.Audio;
import org.luthier.model.yourmt3.YourMt3Configuration.Conformer;
import org.luthier.model.yourmt3.YourMt3Configuration.Encoder;
import org.luthier.model.yourmt3.YourMt3Configuration.FeedForward;
import org.luthier.model.yourmt3.YourMt3Configuration.Joining;
import org.luthier.model.yourmt3.YourMt3Configuration.Nonlinearity;
import org.luthier.model.yourmt3.YourMt3Configuration.Perceiver;
import org.luthier.model.yourmt3.YourMt3Configuration.Positions;
import org.luthier.model.yourmt3.YourMt3Configuration.PreEncoding;
import org.luthier.model.yourmt3.YourMt3Configuration.Projection;
import org.luthier.model.yourmt3.YourMt3Configuration.Rotation;
import org.luthier.model.yourmt3.YourMt3Configuration.T5;
import org.luthier.nn.Kernels;

/** Whole models of a few numbers with weights of a seed: each kind of part is in one at least. */
final class SmallModels {
    private static final int BANDS = 16;
    private static final int FRAMES = 5;
    private static final int LATENT = 4;
    private static final int VOCABULARY = 596;

    private SmallModels() {}

    static Map<String, YourMt3Configuration> all() {
        Map<String, YourMt3Configuration> all = new LinkedHashMap<>();
        all.put(
                "mixtures, rotated, 13 channels that know distances",
                latent(
                        PreEncoding.CONV,
                        Positions.ROPE,
                        FeedForward.MOE,
                        new Projection(Joining.MC_SHARED_LINEAR, 0),
                        13,
                        t5(6, true, true)));
        all.put(
                "13 channels that take latents as they are",
                latent(
                        PreEncoding.CONV1D_F,
                        Positions.TKD,
                        FeedForward.MLP,
                        new Projection(Joining.MC_SHARED_LINEAR, 0),
                        13,
                        t5(LATENT, false, false)));
        all.put(
                "windows, filters",
                latent(
                        PreEncoding.HFTT,
                        Positions.KDT,
                        FeedForward.GMLP,
                        new Projection(Joining.CONV, 4),
                        1,
                        t5(9, false, true)));
        all.put(
                "windows of blocks, distances, matrices and norms",
                latent(
                        PreEncoding.RES3B_HFTT,
                        Positions.ALIBIT,
                        FeedForward.MLP,
                        new Projection(Joining.MLP_GELU, 0),
                        1,
                        t5(6, true, false)));
        all.put(
                "groups",
                latent(
                        PreEncoding.CONV1D_T,
                        Positions.ALIBI,
                        FeedForward.MOE,
                        new Projection(Joining.GROUP_LINEAR, 0),
                        1,
                        t5(26, false, false)));
        all.put("T5 by distances", framed(t5(BANDS, true, false)));
        all.put("T5 with positions", framed(t5(BANDS, false, true)));
        all.put("Conformer by distances", framed(new Conformer(BANDS, 6, 2, 2, true, 3)));
        all.put("Conformer, rotated", framed(new Conformer(BANDS, 6, 2, 2, false, 3)));
        return all;
    }

    static YourMt3Model load(YourMt3Configuration configuration, Kernels kernels) {
        return new YourMt3Model(null, configuration, new SeededWeights(-0.5f), kernels);
    }

    private static YourMt3Configuration latent(
            PreEncoding preEncoder,
            Positions positions,
            FeedForward feedForward,
            Projection projection,
            int channels,
            T5 decoder) {
        int frequencies = preEncoder == PreEncoding.HFTT ? BANDS : BANDS / 8;
        Perceiver encoder = new Perceiver(
                13,
                LATENT,
                frequencies,
                8,
                4,
                2,
                2,
                2,
                1,
                1,
                true,
                true,
                positions == Positions.ALIBI,
                1e-5,
                feedForward,
                Nonlinearity.SILU,
                6,
                4,
                2,
                positions,
                Rotation.PIXEL,
                Rotation.LANG,
                Rotation.LANG,
                true,
                2);
        return model(preEncoder, encoder, projection, channels, decoder);
    }

    private static YourMt3Configuration framed(Encoder encoder) {
        return model(PreEncoding.NONE, encoder, new Projection(Joining.NONE, 0), 1, t5(BANDS, false, false));
    }

    private static YourMt3Configuration model(
            PreEncoding preEncoder, Encoder encoder, Projection projection, int channels, T5 decoder) {
        boolean perceiver = encoder instanceof Perceiver;
        return new YourMt3Configuration(
                channels == 1 ? "mt3_full_plus" : "mc13_256",
                new Audio(!perceiver, 16000, 16 * (FRAMES - 1), 32, 16, BANDS),
                preEncoder,
                3,
                encoder,
                projection,
                decoder,
                channels,
                VOCABULARY,
                true);
    }

    private static T5 t5(int model, boolean relative, boolean mixture) {
        return new T5(model, 2, 3, 2, 2 * model, relative, 9, mixture);
    }
}
