package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Convolutions along the width of each latent, by filters of its own, then one matrix. Taps: {@code pre_decoder.conv} [rows, filters, time,
 * width - depth + 1], {@code pre_decoder.out} [rows, time, model].
 *
 * <p>NOTE: the matrix is given the numbers of a row as they lie, filter by filter, cut into as many vectors as there are times: a vector
 * holds many times of few filters, not the filters of one time. It was trained with that.
 */
final class ConvolutionPreDecoder implements PreDecoder {
    private static final String CONVOLVED = NAME + ".conv";

    private final String input;
    private final List<Convolution> convolutions = new ArrayList<>();
    private final Projection projection;
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param input name of the latents
     * @param depth columns of a latent that a filter sees
     */
    ConvolutionPreDecoder(
            String input, Kernels kernels, Weights weights, int latents, int width, int depth, int model) {
        this.input = input;
        int perLatent = model / width;
        int filters = latents * perLatent;
        TakenWeights taking = new TakenWeights(weights);
        float[] all = taking.take(CONVOLVED + ".weight", 1, depth, 1, filters);
        float[] biases = taking.take(CONVOLVED + ".bias", filters);
        for (int latent = 0; latent < latents; latent++) {
            float[] own = new float[depth * perLatent];
            float[] ownBias = new float[perLatent];
            System.arraycopy(biases, latent * perLatent, ownBias, 0, perLatent);
            for (int i = 0; i < depth; i++) {
                System.arraycopy(all, i * filters + latent * perLatent, own, i * perLatent, perLatent);
            }
            convolutions.add(kernels.convolution(new Convolution.Shape(1, depth, 1, perLatent, 1, 0, 0), own, ownBias));
        }
        int inputs = filters * (width - depth + 1);
        projection = kernels.projection(
                taking.take(OUT + ".weight", inputs, model), taking.take(OUT + ".bias", model), inputs, model);
        this.weights = taking.list();
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long rows = x.size(0);
        long time = x.size(1);
        Convolution.Shape shape = convolutions.get(0).shape();
        long perLatent = shape.outputs();
        long places = shape.outputFrequency((int) x.size(3));
        INDArray convolved = work.tensor(Work.Slot.ARRANGED, rows, convolutions.size() * perLatent, time, places);
        INDArray group = work.tensor(Work.Slot.GROUP, rows, time, places, perLatent);
        for (int latent = 0; latent < convolutions.size(); latent++) {
            INDArray own = x.get(
                    NDArrayIndex.all(),
                    NDArrayIndex.all(),
                    NDArrayIndex.interval(latent, latent + 1),
                    NDArrayIndex.all());
            convolutions
                    .get(latent)
                    .apply(
                            own.permute(0, 1, 3, 2),
                            Activation.NONE,
                            group,
                            work.scratch()); // from [rows, time, width, 1]
            convolved
                    .get(
                            NDArrayIndex.all(),
                            NDArrayIndex.interval(latent * perLatent, (latent + 1) * perLatent),
                            NDArrayIndex.all(),
                            NDArrayIndex.all())
                    .assign(group.permute(0, 3, 1, 2));
        }
        probe.offer(CONVOLVED, at, convolved);
        projection.apply(
                convolved.reshape('c', rows * time, projection.inputs()),
                y.reshape('c', rows * time, projection.outputs()),
                work.scratch());
        probe.offer(OUT, at, y);
    }

    @Override
    public List<String> taps() {
        return List.of(CONVOLVED, OUT);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                new Computation(
                        CONVOLVED,
                        Computation.GROUPED_CONVOLUTION,
                        List.of(input),
                        Map.of("weight", CONVOLVED + ".weight", "bias", CONVOLVED + ".bias"),
                        Map.of()),
                new Computation(
                        OUT,
                        Computation.RESHAPED_PROJECTION,
                        List.of(CONVOLVED),
                        Map.of("weight", OUT + ".weight", "bias", OUT + ".bias"),
                        Map.of("activation", Activation.NONE.word())));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        convolutions.forEach(Convolution::close);
        projection.close();
    }
}
