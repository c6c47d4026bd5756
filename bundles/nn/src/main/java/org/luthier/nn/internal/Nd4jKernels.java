package org.luthier.nn.internal;

import java.util.BitSet;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.scalar.RectifiedLinear;
import org.nd4j.linalg.api.ops.impl.transforms.floating.RSqrt;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Erf;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Sigmoid;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * ND4J operations only, nothing of one backend: the same on nd4j-native and nd4j-cuda.
 *
 * <p>Views are taken of arrays made here, never of what a caller gives: in ND4J 1.0.0-M2.1 a view of a view has no data where its offset
 * in the whole reaches the length of the first view.
 */
public final class Nd4jKernels implements Kernels {
    private static final Kernels PLAIN = new PlainKernels();

    @Override
    public String id() {
        return "nd4j";
    }

    @Override
    public Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias) {
        return new Nd4jConvolution(shape, weight, bias);
    }

    @Override
    public void matmul(INDArray a, INDArray b, INDArray output) {
        product(a, b, false, output);
    }

    @Override
    public void activate(Activation activation, INDArray x) {
        activateInPlace(activation, x);
    }

    private static void activateInPlace(Activation activation, INDArray x) {
        switch (activation) {
            case NONE -> {}
            case RELU -> Nd4j.getExecutioner().exec(new RectifiedLinear(x, x, 0));
            case SIGMOID -> Nd4j.getExecutioner().exec(new Sigmoid(x, x));
            case GELU_TANH -> geluInPlace(x);
            case GELU_ERF -> exactGeluInPlace(x);
            case SILU -> siluInPlace(x);
        }
    }

    /** 0.5 (1 + tanh(z)) is sigmoid(2 z). ND4J's own GELU operations are other functions. */
    private static void geluInPlace(INDArray x) {
        double twice = 2 * Math.sqrt(2 / Math.PI);
        try (INDArray gate = x.dup('c')) {
            gate.muli(x).muli(0.044715 * twice).addi(twice).muli(x);
            Nd4j.getExecutioner().exec(new Sigmoid(gate, gate));
            x.muli(gate);
        }
    }

    /** 0.5 x (1 + erf(x / sqrt(2))). */
    private static void exactGeluInPlace(INDArray x) {
        try (INDArray gate = x.dup('c')) {
            gate.muli(Math.sqrt(0.5));
            Nd4j.getExecutioner().exec(new Erf(gate, gate));
            gate.addi(1).muli(0.5);
            x.muli(gate);
        }
    }

    private static void siluInPlace(INDArray x) {
        try (INDArray gate = x.dup('c')) {
            Nd4j.getExecutioner().exec(new Sigmoid(gate, gate));
            x.muli(gate);
        }
    }

    @Override
    public void affine(INDArray x, float scale, float offset, INDArray output) {
        if (output != x) {
            output.assign(x);
        }
        output.muli(scale).addi(offset);
    }

    @Override
    public void affine(INDArray x, INDArray scale, INDArray offset, INDArray output) {
        x.mul(scale, output);
        output.addi(offset);
    }

    @Override
    public void averagePool(INDArray a, INDArray b, Activation activation, int width, INDArray output) {
        Shapes.pooled(a, b, width, output);
        long lines = a.size(0) * a.size(1);
        long channels = a.size(3);
        long pooled = output.size(2);
        try (INDArray own = a.dup('c');
                INDArray sum = Nd4j.create(DataType.FLOAT, lines, pooled, channels)) {
            own.addi(b);
            activateInPlace(activation, own);
            INDArray neighbours = own.reshape(lines, a.size(2) * channels)
                    .get(all(), NDArrayIndex.interval(0, pooled * width * channels))
                    .reshape(lines, pooled, width, channels);
            for (int k = 0; k < width; k++) {
                sum.addi(neighbours.get(all(), all(), NDArrayIndex.point(k), all()));
            }
            output.assign(sum.divi(width).reshape(output.shape()));
        }
    }

    @Override
    public void depthwise(INDArray x, INDArray weight, INDArray output) {
        Shapes.depthwise(x, weight, output);
        long length = x.size(1);
        long taps = weight.size(0);
        try (INDArray padded = Nd4j.create(DataType.FLOAT, x.size(0), length + taps - 1, x.size(2));
                INDArray factors = weight.dup('c');
                INDArray sum = Nd4j.create(DataType.FLOAT, x.shape())) {
            padded.get(all(), NDArrayIndex.interval(taps / 2, taps / 2 + length), all())
                    .assign(x);
            for (long k = 0; k < taps; k++) {
                try (INDArray product = padded.get(all(), NDArrayIndex.interval(k, k + length), all())
                        .mul(factors.get(NDArrayIndex.point(k), all()))) {
                    sum.addi(product);
                }
            }
            output.assign(sum);
        }
    }

    @Override
    public void rotate(INDArray x, int heads, boolean halves, INDArray cosines, INDArray sines) {
        Shapes.rotated(x, heads, cosines, sines);
        long rows = x.size(0);
        long length = x.size(1);
        long pairs = cosines.size(1);
        try (INDArray own = x.dup('c');
                INDArray cos = cosines.dup('c');
                INDArray sin = sines.dup('c')) {
            INDArray turning = own.reshape(rows, length, heads, x.size(2) / heads)
                    .get(all(), all(), all(), NDArrayIndex.interval(0, 2 * pairs));
            INDArray cosByHead = cos.reshape(1, length, 1, pairs);
            INDArray sinByHead = sin.reshape(1, length, 1, pairs);
            try (INDArray turned = turning.dup('c')) {
                INDArray inPairs = halves
                        ? turned.reshape(rows, length, heads, 2, pairs)
                        : turned.reshape(rows, length, heads, pairs, 2).permute(0, 1, 2, 4, 3);
                INDArray first = inPairs.get(all(), all(), all(), NDArrayIndex.point(0), all());
                INDArray second = inPairs.get(all(), all(), all(), NDArrayIndex.point(1), all());
                try (INDArray a = first.dup('c');
                        INDArray b = second.dup('c');
                        INDArray bySine = a.mul(sinByHead);
                        INDArray against = b.mul(sinByHead)) {
                    first.assign(a.muli(cosByHead).subi(against));
                    second.assign(b.muli(cosByHead).addi(bySine));
                }
                turning.assign(turned);
            }
            x.assign(own);
        }
    }

    @Override
    public void stack(INDArray x, int[] shifts, INDArray output) {
        long bins = x.size(2);
        try (INDArray from = x.dup('c');
                INDArray to = Nd4j.create(DataType.FLOAT, output.shape())) {
            for (int c = 0; c < shifts.length; c++) {
                long first = Math.max(0, -shifts[c]);
                long end = Math.min(output.size(2), bins - shifts[c]);
                if (first < end) {
                    to.get(all(), all(), NDArrayIndex.interval(first, end), NDArrayIndex.point(c))
                            .assign(from.get(all(), all(), NDArrayIndex.interval(first + shifts[c], end + shifts[c])));
                }
            }
            output.assign(to);
        }
    }

    @Override
    public void concatenate(INDArray a, INDArray b, INDArray output) {
        try (INDArray joined = Nd4j.concat(a.rank() - 1, a, b)) {
            output.assign(joined);
        }
    }

    @Override
    public Projection projection(float[] weight, float[] bias, int inputs, int outputs) {
        return new Nd4jProjection(weight, bias, inputs, outputs);
    }

    @Override
    public void lookup(INDArray table, int[] ids, INDArray output) {
        gather(table, ids, output);
    }

    @Override
    public void scatterAdd(INDArray x, float[] factors, int[] ids, INDArray table) {
        Shapes.scattered(x, factors, ids, table);
        try (INDArray column = Nd4j.create(factors.clone(), new long[] {factors.length, 1}, 'c');
                INDArray weighted = x.mul(column);
                INDArray sums = table.dup('c');
                INDArray indices = Nd4j.createFromArray(ids)) {
            run(DynamicCustomOp.builder("scatter_add")
                    .addInputs(sums, indices, weighted)
                    .addOutputs(sums));
            table.assign(sums);
        }
    }

    @Override
    public void add(INDArray x, INDArray y) {
        x.addi(y);
    }

    @Override
    public void rmsNorm(INDArray x, INDArray scale, float epsilon, INDArray output) {
        int last = x.rank() - 1;
        long width = x.size(last);
        long[] lines = x.shape().clone();
        lines[last] = 1;
        try (INDArray factor = Nd4j.createUninitialized(DataType.FLOAT, lines)) {
            run(DynamicCustomOp.builder("reduce_sqnorm")
                    .addInputs(x)
                    .addOutputs(factor)
                    .addIntegerArguments(last)
                    .addBooleanArguments(true)); // keeps the axis
            factor.divi(width).addi(epsilon);
            Nd4j.getExecutioner().exec(new RSqrt(factor, factor));
            x.mul(factor, output);
            output.muli(scale);
        }
    }

    @Override
    public void layerNorm(INDArray x, INDArray scale, INDArray offset, float epsilon, INDArray output) {
        int last = x.rank() - 1;
        long[] lines = x.shape().clone();
        lines[last] = 1;
        try (INDArray mean = Nd4j.createUninitialized(DataType.FLOAT, lines);
                INDArray centred = x.dup('c')) {
            // Twice: the mean of numbers far from 0 is off by more than what is left may bear.
            for (int i = 0; i < 2; i++) {
                run(DynamicCustomOp.builder("reduce_mean")
                        .addInputs(centred)
                        .addOutputs(mean)
                        .addIntegerArguments(last)
                        .addBooleanArguments(true)); // keeps the axis
                centred.subi(mean);
            }
            rmsNorm(centred, scale, epsilon, output);
        }
        output.addi(offset);
    }

    @Override
    public void gate(Activation activation, INDArray gate, INDArray up, INDArray output) {
        try (INDArray activated = gate.dup('c')) {
            activateInPlace(activation, activated);
            activated.mul(up, output);
        }
    }

    @Override
    public void softmax(INDArray x) {
        try (INDArray own = x.dup('c')) {
            softmaxOf(own);
            x.assign(own);
        }
    }

    /** In place, of an array made here. */
    static void softmaxOf(INDArray x) {
        int last = x.rank() - 1;
        long n = x.size(last);
        // In the builds with oneDNN only three dimensions and the last axis are both right and fast.
        INDArray lines = x.reshape(1, x.length() / n, n);
        run(DynamicCustomOp.builder("softmax")
                .addInputs(lines)
                .addOutputs(lines)
                .addIntegerArguments(2));
    }

    @Override
    public int[] argmax(INDArray x, BitSet[] allowed) {
        if (allowed != null) {
            // The masks are in the host's memory, and as large as the values.
            return PLAIN.argmax(x, allowed);
        }
        try (INDArray columns = x.argMax(1)) {
            return columns.toIntVector();
        }
    }

    @Override
    public KeyValues keyValues(Heads heads, INDArray keys, INDArray values) {
        return new Nd4jKeyValues(heads, keys, values);
    }

    @Override
    public KeyValueCache cache(Heads heads, int rows) {
        return new Nd4jCache(heads, rows);
    }

    /** output = a b, or a b^T, of matrices or of as many matrices each. */
    static void product(INDArray a, INDArray b, boolean transposeB, INDArray output) {
        run(DynamicCustomOp.builder("matmul")
                .addInputs(a, b)
                .addOutputs(output)
                .addIntegerArguments(0, transposeB ? 1 : 0, 0));
    }

    /** Lines along the first dimension. */
    static void gather(INDArray from, int[] lines, INDArray output) {
        for (int line : lines) {
            Shapes.index("line", line, from.size(0));
        }
        try (INDArray indices = Nd4j.createFromArray(lines)) {
            run(DynamicCustomOp.builder("gather")
                    .addInputs(from, indices)
                    .addOutputs(output)
                    .addIntegerArguments(0));
        }
    }

    /** Lines along the first dimension, in an array of their own. */
    static INDArray gather(INDArray from, int[] lines) {
        long[] shape = from.shape().clone();
        shape[0] = lines.length;
        INDArray output = Nd4j.createUninitialized(from.dataType(), shape);
        gather(from, lines, output);
        return output;
    }

    private static void run(DynamicCustomOp.DynamicCustomOpsBuilder operation) {
        Nd4j.exec(operation.build());
    }

    private static INDArrayIndex all() {
        return NDArrayIndex.all();
    }

    private static final class Nd4jProjection implements Projection {
        private static final int PRODUCT = 0;

        private final INDArray weight;
        private final INDArray bias;

        /** @param bias null for none */
        Nd4jProjection(float[] weight, float[] bias, int inputs, int outputs) {
            this.bias = bias == null ? null : Nd4j.create(bias.clone(), new long[] {1, outputs}, 'c');
            this.weight = Nd4j.create(weight.clone(), new long[] {inputs, outputs}, 'c');
        }

        @Override
        public int inputs() {
            return (int) weight.size(0);
        }

        @Override
        public int outputs() {
            return (int) weight.size(1);
        }

        @Override
        public void apply(INDArray x, INDArray output, Scratch scratch) {
            check(x, output);
            product(x, weight, false, output);
            if (bias != null) {
                output.addi(bias);
            }
        }

        @Override
        public void accumulate(INDArray x, INDArray output, Scratch scratch) {
            check(x, output);
            INDArray product = scratch.tensor(PRODUCT, output.shape());
            product(x, weight, false, product);
            output.addi(product);
            if (bias != null) {
                output.addi(bias);
            }
        }

        private void check(INDArray x, INDArray output) {
            Shapes.check("input of a projection", x, -1, inputs());
            Shapes.check("output of a projection", output, x.size(0), outputs());
        }

        @Override
        public void close() {
            weight.close();
            if (bias != null) {
                bias.close();
            }
        }
    }

    /** Sums of matrix products; ND4J's own conv2d writes outside its memory in the oneDNN builds of 1.0.0-M2.1. */
    private static final class Nd4jConvolution implements Convolution {
        private static final int MOST_COLUMNS = 512;

        private final Shape shape;
        private final Band band;
        private final INDArray weight;
        private final INDArray bias;

        Nd4jConvolution(Shape shape, float[] weight, float[] bias) {
            this.shape = shape;
            // Wider than the cpu kernels need: an operation of ND4J costs more than a few zeros, though not than many.
            int run = Math.max(16, shape.kernelFrequency() / shape.strideFrequency() / 2);
            this.band = Band.of(shape, weight, Math.max(1, Math.min(run, MOST_COLUMNS / shape.outputs())));
            this.weight = Nd4j.create(band.values(), new long[] {shape.kernelTime(), band.depth(), band.width()}, 'c');
            this.bias = Nd4j.create(bias.clone(), new long[] {1, 1, 1, shape.outputs()}, 'c');
        }

        @Override
        public Shape shape() {
            return shape;
        }

        @Override
        public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
            shape.check(input, output);
            long time = input.size(1);
            long frequency = input.size(2);
            long outputTime = output.size(1);
            int outputFrequency = (int) output.size(2);
            long rows = input.size(0);
            long paddedTime = time + 2L * shape.padTime();
            long paddedFrequency = frequency + 2L * shape.padFrequency();
            try (INDArray whole = input.dup('c');
                    INDArray padded = Nd4j.create(DataType.FLOAT, paddedTime, paddedFrequency, shape.inputs());
                    INDArray result =
                            Nd4j.create(DataType.FLOAT, rows, outputTime, (long) outputFrequency * shape.outputs())) {
                INDArray inside = padded.get(
                        NDArrayIndex.interval(shape.padTime(), shape.padTime() + time),
                        NDArrayIndex.interval(shape.padFrequency(), shape.padFrequency() + frequency),
                        all());
                INDArray lines = padded.reshape(paddedTime, paddedFrequency * shape.inputs());
                for (long row = 0; row < rows; row++) {
                    inside.assign(whole.get(NDArrayIndex.point(row), all(), all(), all()));
                    products(lines, result, row);
                }
                output.assign(result.reshape(output.shape()));
            }
            output.addi(bias);
            activateInPlace(activation, output);
        }

        private void products(INDArray lines, INDArray result, long row) {
            long outputTime = result.size(1);
            int outputFrequency = (int) (result.size(2) / shape.outputs());
            for (int bin = 0; bin < outputFrequency; bin += band.run()) {
                int bins = Math.min(band.run(), outputFrequency - bin);
                int depth = band.depth(bins);
                int width = bins * shape.outputs();
                long column = (long) bin * shape.outputs();
                INDArray sum =
                        result.get(NDArrayIndex.point(row), all(), NDArrayIndex.interval(column, column + width));
                for (int t = 0; t < shape.kernelTime(); t++) {
                    INDArray under = lines.get(
                            NDArrayIndex.interval(t, t + outputTime),
                            NDArrayIndex.interval(band.start(bin), band.start(bin) + depth));
                    INDArray matrix = weight.get(
                            NDArrayIndex.point(t), NDArrayIndex.interval(0, depth), NDArrayIndex.interval(0, width));
                    try (INDArray product = under.mmul(matrix)) {
                        sum.addi(product);
                    }
                }
            }
        }

        @Override
        public void close() {
            weight.close();
            bias.close();
        }
    }
}
