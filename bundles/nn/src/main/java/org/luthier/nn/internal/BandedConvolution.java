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

/** A convolution as products with banded matrices, see {@link Band}, straight from a padded input into the output. */
final class BandedConvolution implements Convolution {
    private final Shape shape;
    private final Band band;
    private final FloatPointer matrices;
    private final float[] bias;

    BandedConvolution(Shape shape, float[] weight, float[] bias) {
        this.shape = shape;
        // Measured from 1 to 16: wider runs multiply more zeros, and larger products are packed before they are
        // computed.
        this.band = Band.of(shape, weight, shape.strideFrequency() == 1 ? 2 : 1);
        this.matrices = new FloatPointer(band.values());
        this.bias = bias.clone();
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
        shape.check(input, output);
        int time = (int) input.size(1);
        int line = (int) input.size(2) * shape.inputs();
        int outputTime = (int) output.size(1);
        int outputFrequency = (int) output.size(2);
        int outputLine = outputFrequency * shape.outputs();
        int paddedTime = time + 2 * shape.padTime();
        int paddedLine = line + 2 * shape.padFrequency() * shape.inputs();
        FloatPointer padded = scratch.natives(0, (long) paddedTime * paddedLine);
        try (HostRows from = HostRows.reading(input);
                HostRows to = HostRows.writing(output)) {
            for (int row = 0; row < input.size(0); row++) {
                pad(from, row * time, time, line, padded, scratch.array(0, paddedLine));
                multiply(padded, paddedLine, to, (long) row * outputTime * outputLine, outputTime, outputFrequency);
            }
            padded.position(0);
            finish(to, (int) output.size(0) * outputTime, outputLine, activation, scratch);
            to.finish();
        }
    }

    /** Lays the lines of one row between zeros. */
    private void pad(HostRows from, int firstLine, int time, int line, FloatPointer padded, float[] paddedLine) {
        int margin = shape.padFrequency() * shape.inputs();
        int length = line + 2 * margin;
        for (int t = 0; t < time + 2 * shape.padTime(); t++) {
            Arrays.fill(paddedLine, 0, length, 0);
            int inputTime = t - shape.padTime();
            if (inputTime >= 0 && inputTime < time) {
                from.read((long) (firstLine + inputTime) * line, paddedLine, margin, line);
            }
            padded.position((long) t * length).put(paddedLine, 0, length);
        }
    }

    private void multiply(
            FloatPointer padded, int paddedLine, HostRows to, long first, int outputTime, int outputFrequency) {
        FloatPointer matrix = new FloatPointer(matrices);
        for (int bin = 0; bin < outputFrequency; bin += band.run()) {
            int bins = Math.min(band.run(), outputFrequency - bin);
            for (int t = 0; t < shape.kernelTime(); t++) {
                openblas_nolapack.cblas_sgemm(
                        CblasRowMajor,
                        CblasNoTrans,
                        CblasNoTrans,
                        outputTime,
                        bins * shape.outputs(),
                        band.depth(bins),
                        1,
                        padded.position((long) t * paddedLine + band.start(bin)),
                        paddedLine,
                        matrix.position((long) t * band.depth() * band.width()),
                        band.width(),
                        t == 0 ? 0 : 1,
                        to.at(first + (long) bin * shape.outputs()),
                        outputFrequency * shape.outputs());
            }
        }
    }

    /** Adds the bias and applies the activation, a line at a time. */
    private void finish(HostRows to, int lines, int line, Activation activation, Scratch scratch) {
        float[] values = scratch.array(0, line);
        float[] biases = scratch.array(1, line);
        for (int i = 0; i < line; i++) {
            biases[i] = bias[i % bias.length];
        }
        for (int t = 0; t < lines; t++) {
            to.read((long) t * line, values, 0, line);
            Loops.add(values, biases, line);
            Loops.activate(activation, values, line);
            to.write((long) t * line, values, line);
        }
    }

    @Override
    public void close() {
        matrices.close();
    }
}
