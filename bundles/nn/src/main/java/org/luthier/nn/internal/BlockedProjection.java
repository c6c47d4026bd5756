package org.luthier.nn.internal;

import org.bytedeco.javacpp.FloatPointer;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The matrix in blocks of columns, [block][inputs][64]: each block is read from memory once, in order, then stays in the second-level
 * cache while the rows pass by in small products.
 */
final class BlockedProjection implements Projection {
    private static final int COLUMNS = 64;

    private final int inputs;
    private final int outputs;
    private final int columns;
    private final int rowsAtOnce;
    private final FloatPointer blocks;
    private final float[] bias;

    /** @param bias null for none */
    BlockedProjection(float[] weight, float[] bias, int inputs, int outputs) {
        this.bias = bias == null ? null : bias.clone();
        this.inputs = inputs;
        this.outputs = outputs;
        this.columns = Blas.hasSmallKernels() ? Math.min(COLUMNS, outputs) : outputs;
        this.rowsAtOnce = Blas.hasSmallKernels() ? Blas.smallRows(inputs * columns) : Integer.MAX_VALUE;
        this.blocks = new FloatPointer((long) inputs * outputs);
        Address to = new Address();
        float[] block = new float[inputs * columns];
        for (int column = 0; column < outputs; column += columns) {
            int width = Math.min(columns, outputs - column);
            for (int k = 0; k < inputs; k++) {
                System.arraycopy(weight, k * outputs + column, block, k * width, width);
            }
            to.at(block(column)).put(block, 0, inputs * width);
        }
    }

    private long block(int column) {
        return blocks.address() + (long) column * inputs * Float.BYTES;
    }

    @Override
    public int inputs() {
        return inputs;
    }

    @Override
    public int outputs() {
        return outputs;
    }

    @Override
    public void apply(INDArray x, INDArray output, Scratch scratch) {
        check(x, output);
        Address address = new Address();
        try (Lines to = Lines.writing(output)) {
            for (int line = 0; bias != null && line < to.count; line++) {
                address.at(to.at(line)).put(bias, 0, outputs);
            }
            multiply(x, to, bias == null ? 0 : 1);
        }
    }

    @Override
    public void accumulate(INDArray x, INDArray output, Scratch scratch) {
        check(x, output);
        Address address = new Address();
        try (Lines to = Lines.of(output)) {
            float[] sum = new float[bias == null ? 0 : outputs];
            for (int line = 0; bias != null && line < to.count; line++) {
                address.at(to.at(line)).get(sum, 0, outputs);
                Loops.add(sum, bias, outputs);
                address.at(to.at(line)).put(sum, 0, outputs);
            }
            multiply(x, to, 1);
        }
    }

    private void check(INDArray x, INDArray output) {
        Shapes.check("input of a projection", x, -1, inputs);
        Shapes.check("output of a projection", output, x.size(0), outputs);
    }

    private void multiply(INDArray x, Lines to, float kept) {
        try (Lines from = Lines.of(x)) {
            Address left = new Address();
            Address right = new Address();
            Address product = new Address();
            int pieces = (from.count - 1) / rowsAtOnce + 1;
            int piece = Math.min(rowsAtOnce, Blas.fours((from.count - 1) / pieces + 4));
            for (int column = 0; column < outputs; column += columns) {
                int width = Math.min(columns, outputs - column);
                right.at(block(column));
                for (int row = 0; row < from.count; row += piece) {
                    Blas.multiply(
                            false,
                            Math.min(piece, from.count - row),
                            width,
                            inputs,
                            1,
                            left.at(from.at(row)),
                            from.stride,
                            right,
                            width,
                            kept,
                            product.at(to.at(row) + (long) column * Float.BYTES),
                            to.stride);
                }
            }
            to.finish();
        }
    }

    @Override
    public void close() {
        blocks.close();
    }
}
