package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.Norm;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * All latents of a time end to end, through two matrices of half that width, each with a norm and a nonlinearity, and a last one. Taps:
 * {@code pre_decoder.hidden0} and {@code pre_decoder.hidden1} [rows, time, half], after the nonlinearity; {@code pre_decoder.out} [rows,
 * time, model].
 */
final class MlpPreDecoder implements PreDecoder {
    private static final Norm.Kind NORM = new Norm.Kind(false, 1e-5);

    private final String input;
    private final Kernels kernels;
    private final Activation activation;
    private final List<Projection> projections = new ArrayList<>();
    private final List<Norm> norms = new ArrayList<>();
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param input name of the latents
     * @param activation after each norm
     */
    MlpPreDecoder(
            String input, Kernels kernels, Weights weights, Activation activation, int latents, int width, int model) {
        this.input = input;
        this.kernels = kernels;
        this.activation = activation;
        TakenWeights taking = new TakenWeights(weights);
        int inputs = latents * width;
        int half = inputs / 2;
        int[] widths = {inputs, half, half, model};
        for (int i = 0; i < 3; i++) {
            int from = widths[i];
            int to = widths[i + 1];
            String linear = linear(i);
            projections.add(kernels.projection(
                    taking.take(linear + ".weight", from, to), taking.take(linear + ".bias", to), from, to));
            if (i < 2) {
                norms.add(new Norm(norm(i), linear, kernels, weights, half, NORM));
            }
        }
        this.weights = taking.list();
    }

    private static String linear(int number) {
        return NAME + ".linear" + number;
    }

    private static String norm(int number) {
        return NAME + ".norm" + number;
    }

    private static String hidden(int number) {
        return NAME + ".hidden" + number;
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        long rows = x.size(0);
        long time = x.size(1);
        INDArray from = x.reshape('c', rows * time, projections.get(0).inputs());
        for (int i = 0; i < 2; i++) {
            int half = projections.get(i).outputs();
            INDArray to = work.tensor(i == 0 ? Work.Slot.ARRANGED : Work.Slot.GROUP, rows, time, half);
            INDArray flat = to.reshape('c', rows * time, half);
            projections.get(i).apply(from, flat, work.scratch());
            probe.offer(linear(i), at, to);
            norms.get(i).forward(to, to, at, probe);
            kernels.activate(activation, to);
            probe.offer(hidden(i), at, to);
            from = flat;
        }
        projections
                .get(2)
                .apply(from, y.reshape('c', rows * time, projections.get(2).outputs()), work.scratch());
        probe.offer(OUT, at, y);
    }

    @Override
    public List<Layer> children() {
        return List.copyOf(norms);
    }

    @Override
    public List<String> taps() {
        return List.of(linear(0), hidden(0), linear(1), hidden(1), OUT);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                projected(linear(0), Computation.ARRANGED_PROJECTION, input, 0),
                activated(0),
                projected(linear(1), Computation.PROJECTION, hidden(0), 1),
                activated(1),
                projected(OUT, Computation.PROJECTION, hidden(1), 2));
    }

    private Computation activated(int number) {
        return new Computation(
                hidden(number),
                Computation.ACTIVATION,
                List.of(norm(number)),
                Map.of(),
                Map.of("activation", activation.word()));
    }

    private static Computation projected(String output, String operation, String from, int number) {
        return new Computation(
                output,
                operation,
                List.of(from),
                Map.of("weight", linear(number) + ".weight", "bias", linear(number) + ".bias"),
                operation.equals(Computation.PROJECTION)
                        ? Map.of("activation", Activation.NONE.word())
                        : Map.of("activation", Activation.NONE.word(), "pattern", "b t k d -> b t (k d)"));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        projections.forEach(Projection::close);
        norms.forEach(Norm::close);
    }
}
