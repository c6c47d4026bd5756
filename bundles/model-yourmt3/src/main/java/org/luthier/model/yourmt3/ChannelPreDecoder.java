package org.luthier.model.yourmt3;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Each channel's own latents, which follow each other, times a matrix that all channels share; latents that are as wide as the model are
 * left as they are. Tap: {@code pre_decoder.out} [rows, channels, time, model].
 */
final class ChannelPreDecoder implements PreDecoder {
    private static final String WEIGHT = NAME + ".shared_linear.weight";

    private final String input;
    private final int channels;
    private final int inputs;
    /** Null where there is nothing to multiply with. */
    private final Projection projection;

    private final List<Weight> weights;

    /**
     * Takes the weight, if there is one.
     *
     * @param input name of the latents
     */
    ChannelPreDecoder(String input, Kernels kernels, Weights weights, int channels, int latents, int width, int model) {
        this.input = input;
        this.channels = channels;
        this.inputs = latents / channels * width;
        TakenWeights taking = new TakenWeights(weights);
        projection = inputs == model ? null : kernels.projection(taking.take(WEIGHT, inputs, model), inputs, model);
        this.weights = taking.list();
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long rows = x.size(0);
        long time = x.size(1);
        INDArray byChannel = x.reshape('c', rows, time, channels, inputs).permute(0, 2, 1, 3);
        if (projection == null) {
            y.assign(byChannel);
        } else {
            INDArray arranged = work.tensor(Work.Slot.ARRANGED, rows, channels, time, inputs);
            arranged.assign(byChannel);
            long vectors = rows * channels * time;
            projection.apply(
                    arranged.reshape('c', vectors, inputs),
                    y.reshape('c', vectors, projection.outputs()),
                    work.scratch());
        }
        probe.offer(OUT, at, y);
    }

    @Override
    public List<String> taps() {
        return List.of(OUT);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                OUT,
                projection == null ? Computation.REARRANGEMENT : Computation.ARRANGED_PROJECTION,
                List.of(input),
                projection == null ? Map.of() : Map.of("weight", WEIGHT),
                Map.of("activation", Activation.NONE.word(), "pattern", "b t (c g) d -> b c t (g d)")));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        if (projection != null) {
            projection.close();
        }
    }
}
