package org.luthier.nn.internal;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import java.util.BitSet;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The fast kernels of the host: OpenBLAS products on the arrays' own memory, and loops over Java arrays that the compiler vectorises. */
public final class CpuKernels implements Kernels {
    /** Floats that a loop takes at a time: small enough for the first-level cache. */
    private static final int BLOCK = 4096;

    /** Channels from which on a convolution has a product for each tap. */
    private static final int WIDE = 32;

    /** Sets BLAS to one thread, for the whole process: work is spread by giving rows to workers. */
    public CpuKernels() {
        Nd4j.getBackend(); // ND4J sets the number when it starts; ours must come later
        openblas_nolapack.blas_set_num_threads(1);
    }

    @Override
    public String id() {
        return "cpu";
    }

    @Override
    public Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias) {
        if (shape.kernelTime() == 1 && shape.inputs() == 1 && shape.outputs() == 1) {
            return new FilterConvolution(shape, weight, bias[0]);
        }
        return Math.min(shape.inputs(), shape.outputs()) >= WIDE
                ? new WideConvolution(shape, weight, bias)
                : new BandedConvolution(shape, weight, bias);
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
        if (left != a) {
            left.close();
        }
        if (right != b) {
            right.close();
        }
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
            float[] e = new float[BLOCK];
            float[] powers = new float[BLOCK];
            inBlocks(x, x, (values, n) -> Loops.activate(activation, values, e, powers, n));
        }
    }

    @Override
    public void affine(INDArray x, float scale, float offset, INDArray output) {
        inBlocks(x, output, (values, n) -> Loops.affine(values, n, scale, offset));
    }

    private interface Loop {
        void run(float[] values, int n);
    }

    private static void inBlocks(INDArray x, INDArray output, Loop loop) {
        long length = x.length();
        float[] block = new float[(int) Math.min(length, BLOCK)];
        try (HostRows from = HostRows.reading(x);
                HostRows to = HostRows.writing(output)) {
            for (long done = 0; done < length; done += BLOCK) {
                int n = (int) Math.min(BLOCK, length - done);
                from.read(done, block, 0, n);
                loop.run(block, n);
                to.write(done, block, n);
            }
            to.finish();
        }
    }

    @Override
    public void affine(INDArray x, INDArray scale, INDArray offset, INDArray output) {
        perLine(x, scale, offset, output, (line, scales, offsets, width) -> Loops.affine(line, scales, offsets, width));
    }

    private interface LineLoop {
        void run(float[] line, float[] scales, float[] offsets, int width);
    }

    private static void perLine(INDArray x, INDArray scale, INDArray offset, INDArray output, LineLoop loop) {
        try (Lines from = Lines.of(x);
                Lines scales = Lines.of(scale);
                Lines offsets = Lines.of(offset);
                Lines to = Lines.writing(output)) {
            Address address = new Address();
            int width = from.width;
            float[] factors = new float[width];
            float[] added = new float[width];
            float[] line = new float[width];
            address.at(scales.at(0)).get(factors, 0, width);
            address.at(offsets.at(0)).get(added, 0, width);
            for (int i = 0; i < from.count; i++) {
                address.at(from.at(i)).get(line, 0, width);
                loop.run(line, factors, added, width);
                address.at(to.at(i)).put(line, 0, width);
            }
            to.finish();
        }
    }

    @Override
    public void averagePool(INDArray a, INDArray b, Activation activation, int width, INDArray output) {
        Shapes.pooled(a, b, width, output);
        int frequency = (int) a.size(2);
        int channels = (int) a.size(3);
        int pooled = frequency / width;
        int atOnce = Math.min(pooled, Math.max(1, BLOCK / (width * channels)));
        float[] in = new float[atOnce * width * channels];
        float[] added = new float[in.length];
        float[] out = new float[atOnce * channels];
        try (HostRows from = HostRows.reading(a);
                HostRows other = HostRows.reading(b);
                HostRows to = HostRows.writing(output)) {
            for (long line = 0; line < a.size(0) * a.size(1); line++) {
                for (int f = 0; f < pooled; f += atOnce) {
                    int some = Math.min(atOnce, pooled - f);
                    int n = some * width * channels;
                    long element = (line * frequency + (long) f * width) * channels;
                    from.read(element, in, 0, n);
                    other.read(element, added, 0, n);
                    Loops.add(in, added, n);
                    Loops.activate(activation, in, n);
                    Loops.means(in, width, out, some, channels);
                    to.write((line * pooled + f) * channels, out, some * channels);
                }
            }
            to.finish();
        }
    }

    @Override
    public void depthwise(INDArray x, INDArray weight, INDArray output) {
        Shapes.depthwise(x, weight, output);
        int rows = (int) x.size(0);
        int length = (int) x.size(1);
        int taps = (int) weight.size(0);
        float[] factors = HostFloats.copy(weight);
        try (Lines from = Lines.of(x);
                Lines to = Lines.writing(output)) {
            Address address = new Address();
            int channels = from.width;
            // A row with the zeros around it.
            float[] padded = new float[(length + taps - 1) * channels];
            float[] sum = new float[channels];
            for (int row = 0; row < rows; row++) {
                for (int t = 0; t < length; t++) {
                    address.at(from.at((long) row * length + t)).get(padded, (t + taps / 2) * channels, channels);
                }
                for (int t = 0; t < length; t++) {
                    Loops.depthwise(padded, t * channels, factors, taps, sum, channels);
                    address.at(to.at((long) row * length + t)).put(sum, 0, channels);
                }
            }
            to.finish();
        }
    }

    @Override
    public void rotate(INDArray x, int heads, boolean halves, INDArray cosines, INDArray sines) {
        Shapes.rotated(x, heads, cosines, sines);
        int length = (int) x.size(1);
        int pairs = (int) cosines.size(1);
        float[] cos = HostFloats.copy(cosines);
        float[] sin = HostFloats.copy(sines);
        try (Lines lines = Lines.of(x)) {
            Address address = new Address();
            float[] line = new float[lines.width];
            int size = lines.width / heads;
            for (int i = 0; i < lines.count; i++) {
                address.at(lines.at(i)).get(line, 0, line.length);
                for (int head = 0; head < heads; head++) {
                    Loops.rotate(line, head * size, halves, cos, sin, i % length * pairs, pairs);
                }
                address.at(lines.at(i)).put(line, 0, line.length);
            }
            lines.finish();
        }
    }

    @Override
    public void stack(INDArray x, int[] shifts, INDArray output) {
        long lines = x.size(0) * x.size(1);
        int bins = (int) x.size(2);
        int outputBins = (int) output.size(2);
        int channels = shifts.length;
        float[] in = new float[bins];
        // What lies outside is never written and stays 0.
        float[] out = new float[outputBins * channels];
        try (HostRows from = HostRows.reading(x);
                HostRows to = HostRows.writing(output)) {
            for (long line = 0; line < lines; line++) {
                from.read(line * bins, in, 0, bins);
                for (int c = 0; c < channels; c++) {
                    int first = Math.max(0, -shifts[c]);
                    int end = Math.min(outputBins, bins - shifts[c]);
                    for (int f = first; f < end; f++) {
                        out[f * channels + c] = in[f + shifts[c]];
                    }
                }
                to.write(line * out.length, out, out.length);
            }
            to.finish();
        }
    }

    @Override
    public void concatenate(INDArray a, INDArray b, INDArray output) {
        int left = (int) a.size(a.rank() - 1);
        int right = (int) b.size(b.rank() - 1);
        long lines = a.length() / left;
        int block = Math.max(1, BLOCK / (left + right));
        float[] from = new float[block * Math.max(left, right)];
        float[] joined = new float[block * (left + right)];
        try (HostRows first = HostRows.reading(a);
                HostRows second = HostRows.reading(b);
                HostRows to = HostRows.writing(output)) {
            for (long done = 0; done < lines; done += block) {
                int n = (int) Math.min(block, lines - done);
                first.read(done * left, from, 0, n * left);
                Loops.place(from, left, joined, 0, left + right, n);
                second.read(done * right, from, 0, n * right);
                Loops.place(from, right, joined, left, left + right, n);
                to.write(done * (left + right), joined, n * (left + right));
            }
            to.finish();
        }
    }

    @Override
    public Projection projection(float[] weight, float[] bias, int inputs, int outputs) {
        return new BlockedProjection(weight, bias, inputs, outputs);
    }

    @Override
    public void lookup(INDArray table, int[] ids, INDArray output) {
        Shapes.check("output of a table", output, ids.length, table.size(1));
        try (Lines from = Lines.of(table);
                Lines to = Lines.writing(output)) {
            Address address = new Address();
            float[] line = new float[from.width];
            for (int i = 0; i < ids.length; i++) {
                address.at(from.at(Shapes.index("id", ids[i], from.count))).get(line, 0, line.length);
                address.at(to.at(i)).put(line, 0, line.length);
            }
            to.finish();
        }
    }

    @Override
    public void scatterAdd(INDArray x, float[] factors, int[] ids, INDArray table) {
        Shapes.scattered(x, factors, ids, table);
        try (Lines from = Lines.of(x);
                Lines to = Lines.of(table)) {
            Address address = new Address();
            float[] sum = new float[to.width];
            float[] line = new float[to.width];
            for (int i = 0; i < ids.length; i++) {
                address.at(from.at(i)).get(line, 0, line.length);
                address.at(to.at(ids[i])).get(sum, 0, sum.length);
                Loops.addScaled(sum, line, factors[i], sum.length);
                address.at(to.at(ids[i])).put(sum, 0, sum.length);
            }
            to.finish();
        }
    }

    @Override
    public void add(INDArray x, INDArray y) {
        try (Lines sums = Lines.of(x);
                Lines added = Lines.of(y)) {
            Address address = new Address();
            int most = Math.min(sums.together(BLOCK), added.together(BLOCK));
            float[] sum = new float[most * sums.width];
            float[] line = new float[most * sums.width];
            int n;
            for (int i = 0; i < sums.count; i += n) {
                int place = i % added.count;
                n = Math.min(most, added.count - place);
                address.at(added.at(place)).get(line, 0, n * sums.width);
                address.at(sums.at(i)).get(sum, 0, n * sums.width);
                Loops.add(sum, line, n * sums.width);
                address.at(sums.at(i)).put(sum, 0, n * sums.width);
            }
            sums.finish();
        }
    }

    @Override
    public void rmsNorm(INDArray x, INDArray scale, float epsilon, INDArray output) {
        try (Lines from = Lines.of(x);
                Lines scales = Lines.of(scale);
                Lines to = Lines.writing(output)) {
            Address address = new Address();
            int width = from.width;
            float[] factors = new float[width];
            float[] line = new float[width];
            address.at(scales.at(0)).get(factors, 0, width);
            for (int i = 0; i < from.count; i++) {
                address.at(from.at(i)).get(line, 0, width);
                double mean = Loops.squares(line, width) / width;
                Loops.scale(line, width, (float) (1 / Math.sqrt(mean + epsilon)));
                Loops.multiply(line, factors, width);
                address.at(to.at(i)).put(line, 0, width);
            }
            to.finish();
        }
    }

    @Override
    public void layerNorm(INDArray x, INDArray scale, INDArray offset, float epsilon, INDArray output) {
        perLine(x, scale, offset, output, (line, scales, offsets, width) -> {
            Loops.subtract(line, width, Loops.sum(line, width) / width);
            double variance = Loops.squares(line, width) / width;
            Loops.scale(line, width, (float) (1 / Math.sqrt(variance + epsilon)));
            Loops.affine(line, scales, offsets, width);
        });
    }

    @Override
    public void gate(Activation activation, INDArray gate, INDArray up, INDArray output) {
        try (Lines gates = Lines.of(gate);
                Lines ups = Lines.of(up);
                Lines to = Lines.writing(output)) {
            Address address = new Address();
            int width = gates.width;
            int most = Math.min(gates.count, Math.max(1, BLOCK / width));
            float[] block = new float[most * width];
            float[] factors = new float[most * width];
            float[] powers = new float[most * width];
            for (int line = 0; line < gates.count; line += most) {
                int n = Math.min(most, gates.count - line);
                for (int i = 0; i < n; i++) {
                    address.at(gates.at(line + i)).get(block, i * width, width);
                }
                Loops.activate(activation, block, factors, powers, n * width);
                for (int i = 0; i < n; i++) {
                    address.at(ups.at(line + i)).get(factors, i * width, width);
                }
                Loops.multiply(block, factors, n * width);
                for (int i = 0; i < n; i++) {
                    address.at(to.at(line + i)).put(block, i * width, width);
                }
            }
            to.finish();
        }
    }

    @Override
    public void softmax(INDArray x) {
        try (Lines lines = Lines.of(x)) {
            int length = lines.width;
            int floats = Softmax.floats(length);
            Softmax softmax = new Softmax(length, new float[floats], new float[floats]);
            int together = lines.stride == length ? lines.count : 1;
            for (int line = 0; line < lines.count; line += together) {
                softmax.lines(lines.at(line), together, length, 0, together);
            }
            lines.finish();
        }
    }

    @Override
    public int[] argmax(INDArray x, BitSet[] allowed) {
        int[] largest = new int[(int) x.size(0)];
        try (Lines lines = Lines.of(x)) {
            Address address = new Address();
            float[] line = new float[lines.width];
            for (int row = 0; row < largest.length; row++) {
                address.at(lines.at(row)).get(line, 0, line.length);
                largest[row] = allowed == null || allowed[row] == null
                        ? Loops.largest(line, line.length)
                        : Loops.largest(line, line.length, allowed[row]);
                if (largest[row] < 0) {
                    throw new IllegalArgumentException(
                            "row " + row + ": none of " + line.length + " columns is allowed");
                }
            }
        }
        return largest;
    }

    @Override
    public KeyValues keyValues(Heads heads, INDArray keys, INDArray values) {
        return new CpuKeyValues(heads, keys, values);
    }

    @Override
    public KeyValueCache cache(Heads heads, int rows) {
        return new CpuCache(heads, rows);
    }
}
