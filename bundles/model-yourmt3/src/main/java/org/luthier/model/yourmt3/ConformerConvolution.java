package org.luthier.model.yourmt3;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A gated product, a convolution over time of each column by itself, a norm with constants, and another product (Gulati et al. 2020). Taps:
 * {@code LAYER.conv_glu(B,C,T)}, {@code LAYER.conv_depthwise(B,C,T)}, {@code LAYER.conv_bn(B,C,T)} [rows, width, length], {@code LAYER.conv}
 * [rows, length, width].
 */
final class ConformerConvolution implements Layer, AutoCloseable {
    private static final double EPSILON = 1e-5;

    private final String name;
    private final String input;
    private final String gated;
    private final String convolved;
    private final String normed;
    private final String out;
    private final Kernels kernels;
    private final int width;
    private final Projection first;
    private final INDArray depthwise;
    private final INDArray scale;
    private final INDArray offset;
    private final Projection last;
    private final List<Weight> weights;

    /**
     * Takes the weights.
     *
     * @param layer beginning of all names
     * @param input name of the normalised vectors
     */
    ConformerConvolution(
            String layer, String input, Kernels kernels, Weights weights, YourMt3Configuration.Conformer sizes) {
        this.name = layer + ".convolution";
        this.input = input;
        this.kernels = kernels;
        this.width = sizes.width();
        gated = layer + ".conv_glu(B,C,T)";
        convolved = layer + ".conv_depthwise(B,C,T)";
        normed = layer + ".conv_bn(B,C,T)";
        out = layer + ".conv";
        TakenWeights taking = new TakenWeights(weights);
        int kernel = sizes.kernel();
        first = kernels.projection(
                transposed(taking.take(name + ".pointwise1.weight", 2L * width, width, 1), width), width, 2 * width);
        depthwise = Nd4j.create(
                transposed(taking.take(name + ".depthwise.weight", width, 1, kernel), kernel),
                new long[] {kernel, width},
                'c');
        float[] factors = taking.take(name + ".norm.scale", width).clone();
        float[] added = taking.take(name + ".norm.bias", width).clone();
        float[] mean = taking.take(name + ".norm.mean", width);
        float[] variance = taking.take(name + ".norm.variance", width);
        for (int c = 0; c < width; c++) {
            double factor = factors[c] / Math.sqrt(variance[c] + EPSILON);
            factors[c] = (float) factor;
            added[c] = (float) (added[c] - mean[c] * factor);
        }
        scale = Nd4j.create(factors, new long[] {width}, 'c');
        offset = Nd4j.create(added, new long[] {width}, 'c');
        last = kernels.projection(
                transposed(taking.take(name + ".pointwise2.weight", width, width, 1), width), width, width);
        this.weights = taking.list();
    }

    /** From [lines, columns] to [columns, lines]. */
    private static float[] transposed(float[] matrix, int columns) {
        int lines = matrix.length / columns;
        float[] result = new float[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            result[i % columns * lines + i / columns] = matrix[i];
        }
        return result;
    }

    /**
     * Computes the layer.
     *
     * @param x [rows, length, width], normalised
     * @param y of its shape; overwritten
     */
    void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        INDArray both = work.tensor(Work.Slot.GATE, x.size(0), x.size(1), 2L * width);
        first.apply(Work.flat(x), Work.flat(both), work.scratch());
        INDArray gate = columns(both, width, 2 * width);
        INDArray up = columns(both, 0, width);
        INDArray a = work.tensor(Work.Slot.UP, x.shape());
        kernels.gate(Activation.SIGMOID, gate, up, a);
        probe.offer(gated, at, a.permute(0, 2, 1));
        INDArray b = work.tensor(Work.Slot.CONTEXT, x.shape());
        kernels.depthwise(a, depthwise, b);
        probe.offer(convolved, at, b.permute(0, 2, 1));
        kernels.affine(b, scale, offset, b);
        probe.offer(normed, at, b.permute(0, 2, 1));
        kernels.activate(Activation.GELU_ERF, b);
        last.apply(Work.flat(b), Work.flat(y), work.scratch());
        probe.offer(out, at, y);
    }

    private static INDArray columns(INDArray x, int from, int end) {
        return x.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, end));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(gated, convolved, normed, out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(
                new Computation(
                        gated,
                        Computation.GATED_LINEAR_UNIT,
                        List.of(input),
                        Map.of("weight", name + ".pointwise1.weight"),
                        Map.of()),
                new Computation(
                        convolved,
                        Computation.DEPTHWISE_CONVOLUTION,
                        List.of(gated),
                        Map.of("weight", name + ".depthwise.weight"),
                        Map.of()),
                new Computation(
                        normed,
                        Computation.BATCH_NORM,
                        List.of(convolved),
                        Map.of(
                                "scale",
                                name + ".norm.scale",
                                "offset",
                                name + ".norm.bias",
                                "mean",
                                name + ".norm.mean",
                                "variance",
                                name + ".norm.variance"),
                        Map.of("epsilon", EPSILON)),
                new Computation(
                        out,
                        Computation.ACTIVATION_AND_PROJECTION,
                        List.of(normed),
                        Map.of("weight", name + ".pointwise2.weight"),
                        Map.of("activation", Activation.GELU_ERF.word())));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        first.close();
        depthwise.close();
        scale.close();
        offset.close();
        last.close();
    }
}
