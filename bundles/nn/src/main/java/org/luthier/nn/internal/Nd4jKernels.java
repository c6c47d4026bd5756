package org.luthier.nn.internal;

import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.scalar.RectifiedLinear;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Sigmoid;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** ND4J operations only, nothing of one backend: the same on nd4j-native and nd4j-cuda. */
public final class Nd4jKernels implements Kernels {
    @Override
    public String id() {
        return "nd4j";
    }

    @Override
    public Convolution convolution(Convolution.Shape shape, float[] weight, float[] bias) {
        return new Nd4jConvolution(
                shape, Nd4j.create(weight.clone(), shape.weightShape(), 'c'), Nd4j.createFromArray(bias));
    }

    @Override
    public void matmul(INDArray a, INDArray b, INDArray output) {
        Nd4j.matmul(a, b, output);
    }

    @Override
    public void activate(Activation activation, INDArray x) {
        switch (activation) {
            case NONE -> {}
            case RELU -> Nd4j.getExecutioner().exec(new RectifiedLinear(x, x, 0));
            case SIGMOID -> Nd4j.getExecutioner().exec(new Sigmoid(x, x));
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
    public void stack(INDArray x, int[] shifts, INDArray output) {
        long bins = x.size(2);
        output.assign(0f);
        for (int c = 0; c < shifts.length; c++) {
            long first = Math.max(0, -shifts[c]);
            long end = Math.min(output.size(2), bins - shifts[c]);
            if (first < end) {
                output.get(all(), all(), NDArrayIndex.interval(first, end), NDArrayIndex.point(c))
                        .assign(x.get(all(), all(), NDArrayIndex.interval(first + shifts[c], end + shifts[c])));
            }
        }
    }

    @Override
    public void concatenate(INDArray a, INDArray b, INDArray output) {
        int last = a.rank() - 1;
        part(output, last, 0, a.size(last)).assign(a);
        part(output, last, a.size(last), output.size(last)).assign(b);
    }

    private static INDArray part(INDArray x, int axis, long first, long end) {
        INDArrayIndex[] index = new INDArrayIndex[x.rank()];
        java.util.Arrays.fill(index, all());
        index[axis] = NDArrayIndex.interval(first, end);
        return x.get(index);
    }

    private static INDArrayIndex all() {
        return NDArrayIndex.all();
    }

    private record Nd4jConvolution(Shape shape, INDArray weight, INDArray bias) implements Convolution {
        @Override
        public void apply(INDArray input, Activation activation, INDArray output, Scratch scratch) {
            shape.check(input, output);
            int valid = 0;
            int channelsLast = 1;
            Nd4j.exec(DynamicCustomOp.builder("conv2d")
                    .addInputs(input, weight, bias)
                    .addOutputs(output)
                    .addIntegerArguments(
                            shape.kernelTime(),
                            shape.kernelFrequency(),
                            1,
                            shape.strideFrequency(),
                            shape.padTime(),
                            shape.padFrequency(),
                            1,
                            1,
                            valid,
                            channelsLast)
                    .build());
            new Nd4jKernels().activate(activation, output);
        }

        @Override
        public void close() {
            weight.close();
            bias.close();
        }
    }
}
