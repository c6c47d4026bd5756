package org.luthier.nn.internal;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The fast kernels of the host: OpenBLAS products on the arrays' own memory, and loops over Java arrays that the compiler vectorises. */
public final class CpuKernels implements Kernels {
    /** Floats that a loop takes at a time: small enough for the first-level cache. */
    private static final int BLOCK = 4096;

    /** @param blasThreads threads of one BLAS call, for the whole process */
    public CpuKernels(int blasThreads) {
        Nd4j.getBackend(); // ND4J sets the number when it starts; ours must come later
        openblas_nolapack.blas_set_num_threads(blasThreads);
    }

    @Override
    public String id() {
        return "cpu";
    }

    @Override
    public Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias) {
        return new BandedConvolution(shape, weight, bias);
    }

    @Override
    public void matmul(INDArray a, INDArray b, INDArray output) {
        if (!isMatrix(output)) {
            try (INDArray temporary = Nd4j.createUninitialized(output.dataType(), output.shape(), 'c')) {
                matmul(a, b, temporary);
                output.assign(temporary);
            }
            return;
        }
        INDArray left = isMatrix(a) || isTransposed(a) ? a : a.dup('c');
        INDArray right = isMatrix(b) || isTransposed(b) ? b : b.dup('c');
        openblas_nolapack.cblas_sgemm(
                CblasRowMajor,
                isMatrix(left) ? CblasNoTrans : CblasTrans,
                isMatrix(right) ? CblasNoTrans : CblasTrans,
                (int) output.size(0),
                (int) output.size(1),
                (int) a.size(1),
                1,
                HostFloats.pointer(left),
                lead(left),
                HostFloats.pointer(right),
                lead(right),
                0,
                HostFloats.pointer(output),
                lead(output));
    }

    /** Whether BLAS can take it as it lies: rows without gaps inside. */
    private static boolean isMatrix(INDArray x) {
        return (x.size(1) == 1 || x.stride(1) == 1) && (x.size(0) == 1 || x.stride(0) >= x.size(1));
    }

    private static boolean isTransposed(INDArray x) {
        return (x.size(0) == 1 || x.stride(0) == 1) && (x.size(1) == 1 || x.stride(1) >= x.size(0));
    }

    private static int lead(INDArray x) {
        int rowAxis = isMatrix(x) ? 0 : 1;
        long width = x.size(1 - rowAxis);
        return (int) (x.size(rowAxis) == 1 ? width : x.stride(rowAxis));
    }

    @Override
    public void activate(Activation activation, INDArray x) {
        if (activation != Activation.NONE) {
            inBlocks(x, x, (values, n) -> Loops.activate(activation, values, n));
        }
    }

    @Override
    public void affine(INDArray x, float scale, float offset, INDArray output) {
        inBlocks(x, output, (values, n) -> {
            for (int i = 0; i < n; i++) {
                values[i] = values[i] * scale + offset;
            }
        });
    }

    private interface Loop {
        void run(float[] values, int n);
    }

    private static void inBlocks(INDArray x, INDArray output, Loop loop) {
        int length = (int) x.length();
        if (!HostFloats.isDirect(x) || !HostFloats.isDirect(output)) {
            float[] values = HostFloats.copy(x);
            loop.run(values, length);
            HostFloats.write(values, output);
            return;
        }
        FloatPointer from = HostFloats.pointer(x);
        FloatPointer to = HostFloats.pointer(output);
        long start = from.position();
        long target = to.position();
        float[] block = new float[Math.min(length, BLOCK)];
        for (int done = 0; done < length; done += BLOCK) {
            int n = Math.min(BLOCK, length - done);
            from.position(start + done).get(block, 0, n);
            loop.run(block, n);
            to.position(target + done).put(block, 0, n);
        }
    }

    @Override
    public void stack(INDArray x, int[] shifts, INDArray output) {
        int lines = (int) (x.size(0) * x.size(1));
        int bins = (int) x.size(2);
        int outputBins = (int) output.size(2);
        int channels = shifts.length;
        float[] in = HostFloats.copy(x);
        float[] out = new float[lines * outputBins * channels];
        for (int line = 0; line < lines; line++) {
            for (int c = 0; c < channels; c++) {
                int first = Math.max(0, -shifts[c]);
                int end = Math.min(outputBins, bins - shifts[c]);
                int from = line * bins + shifts[c];
                int to = line * outputBins * channels + c;
                for (int f = first; f < end; f++) {
                    out[to + f * channels] = in[from + f];
                }
            }
        }
        HostFloats.write(out, output);
    }

    @Override
    public void concatenate(INDArray a, INDArray b, INDArray output) {
        int left = (int) a.size(a.rank() - 1);
        int right = (int) b.size(b.rank() - 1);
        float[] first = HostFloats.copy(a);
        float[] second = HostFloats.copy(b);
        float[] out = new float[first.length + second.length];
        for (int line = 0; line < first.length / left; line++) {
            System.arraycopy(first, line * left, out, line * (left + right), left);
            System.arraycopy(second, line * right, out, line * (left + right) + left, right);
        }
        HostFloats.write(out, output);
    }

    /**
     * A convolution as matrix products without gathering patches. In a padded input line [frequency x channel], the inputs of a run of
     * output bins are one contiguous run; so all times of such a run are one product with a banded matrix that holds the kernel once
     * for each bin of the run, shifted. The zeros in the matrix cost (run - 1) * stride / kernel width; no input is copied twice.
     */
    private static final class BandedConvolution implements Convolution {
        private final Shape shape;
        private final float[] bias;
        private final int run;
        private final int depth;
        private final int width;
        private final FloatPointer band;

        BandedConvolution(Shape shape, float[] weight, float[] bias) {
            this.shape = shape;
            this.bias = bias.clone();
            this.run = Math.max(1, Math.min(8, shape.kernelFrequency() / shape.strideFrequency() / 2));
            this.depth = ((run - 1) * shape.strideFrequency() + shape.kernelFrequency()) * shape.inputs();
            this.width = run * shape.outputs();
            // [kernel time, depth, width]
            float[] values = new float[shape.kernelTime() * depth * width];
            int taps = shape.kernelFrequency() * shape.inputs();
            for (int t = 0; t < shape.kernelTime(); t++) {
                for (int bin = 0; bin < run; bin++) {
                    for (int tap = 0; tap < taps; tap++) {
                        int row = t * depth + bin * shape.strideFrequency() * shape.inputs() + tap;
                        System.arraycopy(
                                weight,
                                (t * taps + tap) * shape.outputs(),
                                values,
                                row * width + bin * shape.outputs(),
                                shape.outputs());
                    }
                }
            }
            this.band = new FloatPointer(values);
        }

        @Override
        public Shape shape() {
            return shape;
        }

        @Override
        public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
            shape.check(input, output);
            int time = (int) input.size(1);
            int frequency = (int) input.size(2);
            int outputTime = (int) output.size(1);
            int outputFrequency = (int) output.size(2);
            int line = frequency * shape.inputs();
            int pad = shape.padFrequency() * shape.inputs();
            int paddedLine = line + 2 * pad;
            int outputLine = outputFrequency * shape.outputs();
            int inputs = time * line;
            int outputs = outputTime * outputLine;
            FloatPointer source = new FloatPointer(source(input, scratch));
            FloatPointer result =
                    HostFloats.isDirect(output) ? HostFloats.pointer(output) : scratch.natives(2, output.length());
            long first = result.position();
            FloatPointer padded = scratch.natives(0, (long) (time + 2 * shape.padTime()) * paddedLine);
            FloatPointer weights = new FloatPointer(band);
            float[] values = scratch.array(0, Math.max(inputs, outputs));
            float[] zeros = new float[paddedLine];
            long from = source.position();
            for (int row = 0; row < input.size(0); row++) {
                source.position(from + (long) row * inputs).get(values, 0, inputs);
                long to = first + (long) row * outputs;
                for (int t = 0; t < time + 2 * shape.padTime(); t++) {
                    padded.position((long) t * paddedLine).put(zeros, 0, paddedLine);
                    int inputTime = t - shape.padTime();
                    if (inputTime >= 0 && inputTime < time) {
                        padded.position((long) t * paddedLine + pad).put(values, inputTime * line, line);
                    }
                }
                for (int bin = 0; bin < outputFrequency; bin += run) {
                    int bins = Math.min(run, outputFrequency - bin);
                    int used = ((bins - 1) * shape.strideFrequency() + shape.kernelFrequency()) * shape.inputs();
                    for (int t = 0; t < shape.kernelTime(); t++) {
                        openblas_nolapack.cblas_sgemm(
                                CblasRowMajor,
                                CblasNoTrans,
                                CblasNoTrans,
                                outputTime,
                                bins * shape.outputs(),
                                used,
                                1,
                                padded.position(
                                        (long) t * paddedLine + (long) bin * shape.strideFrequency() * shape.inputs()),
                                paddedLine,
                                weights.position((long) t * depth * width),
                                width,
                                t == 0 ? 0 : 1,
                                result.position(to + (long) bin * shape.outputs()),
                                outputLine);
                    }
                }
                result.position(to).get(values, 0, outputs);
                Loops.addBias(values, outputTime * outputFrequency, bias);
                Loops.activate(activation, values, outputs);
                result.position(to).put(values, 0, outputs);
                padded.position(0);
            }
            result.position(first);
            if (!HostFloats.isDirect(output)) {
                values = scratch.array(0, (int) output.length());
                result.get(values, 0, (int) output.length());
                HostFloats.write(values, output);
            }
        }

        private static FloatPointer source(INDArray input, Scratch scratch) {
            if (HostFloats.isDirect(input)) {
                return HostFloats.pointer(input);
            }
            return scratch.natives(1, input.length()).put(HostFloats.copy(input), 0, (int) input.length());
        }

        @Override
        public void close() {
            band.close();
        }
    }
}
