package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Each latent times a matrix of its own, the results end to end. Tap: {@code pre_decoder.out} [rows, time, model]. Weight: {@code
 * pre_decoder.group_linear.weight} [latents, model / latents, width].
 */
final class GroupPreDecoder implements PreDecoder {
    private static final String WEIGHT = NAME + ".group_linear.weight";

    private final String input;
    private final int width;
    private final List<Projection> projections = new ArrayList<>();
    private final List<Weight> weights;

    /**
     * Takes the weight.
     *
     * @param input name of the latents
     * @param model a multiple of the latents
     */
    GroupPreDecoder(String input, Kernels kernels, Weights weights, int latents, int width, int model) {
        this.input = input;
        this.width = width;
        int outputs = model / latents;
        TakenWeights taking = new TakenWeights(weights);
        float[] all = taking.take(WEIGHT, latents, outputs, width);
        for (int latent = 0; latent < latents; latent++) {
            float[] own = new float[width * outputs];
            for (int output = 0; output < outputs; output++) {
                for (int i = 0; i < width; i++) {
                    own[i * outputs + output] = all[(latent * outputs + output) * width + i];
                }
            }
            projections.add(kernels.projection(own, width, outputs));
        }
        this.weights = taking.list();
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long vectors = x.size(0) * x.size(1);
        int outputs = projections.get(0).outputs();
        INDArray from = x.reshape('c', vectors, (long) projections.size() * width);
        INDArray to = y.reshape('c', vectors, (long) projections.size() * outputs);
        for (int latent = 0; latent < projections.size(); latent++) {
            projections
                    .get(latent)
                    .apply(
                            columns(from, latent * width, width),
                            columns(to, latent * outputs, outputs),
                            work.scratch());
        }
        probe.offer(OUT, at, y);
    }

    private static INDArray columns(INDArray x, int from, int count) {
        return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + count));
    }

    @Override
    public List<String> taps() {
        return List.of(OUT);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                OUT, Computation.GROUPED_PROJECTION, List.of(input), Map.of("weight", WEIGHT), Map.of()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weight. */
    @Override
    public void close() {
        projections.forEach(Projection::close);
    }
}
