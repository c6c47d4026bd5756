package org.luthier.nn.internal;

import org.luthier.nn.Convolution.Shape;

/**
 * The weights of a convolution as one banded matrix for each tap in time.
 *
 * <p>In a padded line of input [frequency x channel], the inputs of a run of neighbouring output bins are one contiguous piece. So all
 * times of such a run are one matrix product, [time, depth] x [depth, width], with a matrix that holds the kernel once for each bin of
 * the run, shifted down by the stride. No patch is gathered; what is paid is the zeros of the matrix, (run - 1) * stride of every
 * (run - 1) * stride + kernel rows.
 *
 * @param run output bins of one product
 * @param depth rows of the matrix: input elements under a run
 * @param width columns of the matrix: output elements of a run
 * @param values [kernel time, depth, width]
 */
record Band(Shape shape, int run, int depth, int width, float[] values) {
    static Band of(Shape shape, float[] weight, int run) {
        int taps = shape.kernelFrequency() * shape.inputs();
        int step = shape.strideFrequency() * shape.inputs();
        int depth = (run - 1) * step + taps;
        int width = run * shape.outputs();
        float[] values = new float[shape.kernelTime() * depth * width];
        for (int t = 0; t < shape.kernelTime(); t++) {
            for (int bin = 0; bin < run; bin++) {
                for (int tap = 0; tap < taps; tap++) {
                    int row = t * depth + bin * step + tap;
                    int column = bin * shape.outputs();
                    System.arraycopy(
                            weight, (t * taps + tap) * shape.outputs(), values, row * width + column, shape.outputs());
                }
            }
        }
        return new Band(shape, run, depth, width, values);
    }

    /** First input element, in a padded line, under a run that starts at an output bin. */
    int start(int bin) {
        return bin * shape.strideFrequency() * shape.inputs();
    }

    /** Rows of the matrix that a run of so many bins uses. */
    int depth(int bins) {
        return depth - (run - bins) * shape.strideFrequency() * shape.inputs();
    }
}
