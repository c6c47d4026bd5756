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

/** All latents of a time end to end, times one matrix. Tap: {@code pre_decoder.out} [rows, time, model]. */
final class LinearPreDecoder implements PreDecoder {
    private static final String WEIGHT = NAME + ".linear.weight";

    private final String input;
    private final int inputs;
    private final Projection projection;
    private final List<Weight> weights;

    /** @param input name of the latents */
    LinearPreDecoder(String input, Kernels kernels, Weights weights, int latents, int width, int model) {
        this.input = input;
        this.inputs = latents * width;
        TakenWeights taking = new TakenWeights(weights);
        projection = kernels.projection(taking.take(WEIGHT, inputs, model), inputs, model);
        this.weights = taking.list();
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long vectors = x.size(0) * x.size(1);
        projection.apply(
                x.reshape('c', vectors, inputs), y.reshape('c', vectors, projection.outputs()), work.scratch());
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
                Computation.ARRANGED_PROJECTION,
                List.of(input),
                Map.of("weight", WEIGHT),
                Map.of("activation", Activation.NONE.word(), "pattern", "b t k d -> b t (k d)")));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        projection.close();
    }
}
