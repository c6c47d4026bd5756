package org.luthier.nn.internal;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution of one channel to one channel along frequency: a digital filter that keeps every stride-th sample.
 *
 * <p>As in {@link BandedConvolution} a run of outputs is the product of a piece of the line with a banded matrix; here the runs of one
 * line are the rows of the product. Their pieces overlap, which BLAS does not allow in one matrix, so every n-th run makes one product.
 *
 * <p>A product adds up tap by tap in ascending order with one rounding each, as onnxruntime does. That matters where a logarithm follows,
 * which makes much of the last bit of a near-silent sample.
 */
final class FilterConvolution implements Convolution {
    private static final int RUN = 32;

    private final Shape shape;
    private final Band band;
    private final FloatPointer matrix;
    private final float bias;
    /** Samples from one run to the next. */
    private final int step;
    /** Runs from one to the next whose piece does not overlap. */
    private final int apart;

    FilterConvolution(Shape shape, float[] weight, float bias) {
        this.shape = shape;
        this.band = Band.of(shape, weight, RUN);
        this.matrix = new FloatPointer(band.values());
        this.bias = bias;
        this.step = RUN * shape.strideFrequency();
        this.apart = (band.depth() + step - 1) / step;
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
        shape.check(input, output);
        int lines = (int) (input.size(0) * input.size(1));
        int length = (int) input.size(2);
        int outputLength = (int) output.size(2);
        int rows = (outputLength + RUN * apart - 1) / (RUN * apart);
        int padded = Math.max(shape.padFrequency() + length, (rows + 1) * apart * step);
        FloatPointer samples = scratch.natives(0, padded);
        FloatPointer sums = scratch.natives(1, (long) rows * apart * RUN);
        float[] values = scratch.array(0, Math.max(padded, outputLength));
        try (HostRows from = HostRows.reading(input);
                HostRows to = HostRows.writing(output)) {
            for (int line = 0; line < lines; line++) {
                Arrays.fill(values, 0, padded, 0);
                from.read((long) line * length, values, shape.padFrequency(), length);
                samples.position(0).put(values, 0, padded);
                for (int run = 0; run < apart; run++) {
                    openblas_nolapack.cblas_sgemm(
                            CblasRowMajor,
                            CblasNoTrans,
                            CblasNoTrans,
                            rows,
                            RUN,
                            band.depth(),
                            1,
                            samples.position((long) run * step),
                            apart * step,
                            matrix,
                            RUN,
                            0,
                            sums.position((long) run * RUN),
                            apart * RUN);
                }
                sums.position(0).get(values, 0, outputLength);
                Loops.affine(values, outputLength, 1, bias);
                Loops.activate(activation, values, outputLength);
                to.write((long) line * outputLength, values, outputLength);
            }
            samples.position(0);
            to.finish();
        }
    }

    @Override
    public void close() {
        matrix.close();
    }
}
