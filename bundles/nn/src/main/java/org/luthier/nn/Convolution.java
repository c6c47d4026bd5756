package org.luthier.nn;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A two-dimensional convolution (a correlation: the kernel is not flipped) over time and frequency, with zeros outside and a bias.
 * Immutable, shared by workers.
 */
public interface Convolution extends AutoCloseable {
    /** What it is like. */
    Shape shape();

    /**
     * Computes activation(input * weight + bias).
     *
     * @param input [rows, time, frequency, inputs]
     * @param output [rows, output time, output frequency, outputs]; overwritten, does not overlap the input
     * @param scratch the worker's own
     */
    void apply(INDArray input, Activation activation, INDArray output, Scratch scratch);

    /** Frees the weights. Nobody uses the convolution any more. */
    @Override
    void close();

    /**
     * Sizes of a convolution.
     *
     * @param kernelTime taps in time
     * @param kernelFrequency taps in frequency
     * @param inputs input channels
     * @param outputs output channels
     * @param strideFrequency step in frequency; the step in time is 1
     * @param padTime zeros before the first and after the last time
     * @param padFrequency zeros below the first and above the last frequency
     */
    record Shape(
            int kernelTime,
            int kernelFrequency,
            int inputs,
            int outputs,
            int strideFrequency,
            int padTime,
            int padFrequency) {
        /** Output times for so many input times. */
        public int outputTime(int time) {
            return time + 2 * padTime - kernelTime + 1;
        }

        /** Output frequencies for so many input frequencies. */
        public int outputFrequency(int frequency) {
            return Math.floorDiv(frequency + 2 * padFrequency - kernelFrequency, strideFrequency) + 1;
        }

        /** Shape of the weights. */
        public long[] weightShape() {
            return new long[] {kernelTime, kernelFrequency, inputs, outputs};
        }

        /** Number of weights. */
        public int weights() {
            return kernelTime * kernelFrequency * inputs * outputs;
        }

        /**
         * Checks arrays before anything is computed.
         *
         * @throws IllegalArgumentException if input or output are not of the sizes above; a defect, never a user's doing
         */
        public void check(INDArray input, INDArray output) {
            boolean fits = input.rank() == 4
                    && output.rank() == 4
                    && input.size(3) == inputs
                    && output.size(0) == input.size(0)
                    && output.size(1) == outputTime((int) input.size(1))
                    && output.size(2) == outputFrequency((int) input.size(2))
                    && output.size(3) == outputs;
            if (!fits) {
                throw new IllegalArgumentException("convolution " + this + " does not map "
                        + Arrays.toString(input.shape()) + " to "
                        + Arrays.toString(output.shape()));
            }
        }
    }
}
