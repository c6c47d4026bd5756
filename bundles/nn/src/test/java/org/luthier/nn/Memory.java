package org.luthier.nn;

import java.util.Arrays;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** How a tensor lies in memory. */
enum Memory {
    WHOLE {
        @Override
        Place place(long... shape) {
            INDArray all = Nd4j.create(DataType.FLOAT, shape, 'c');
            return new Place(all, all);
        }
    },
    /** Starts in the middle of a larger tensor, with gaps in every dimension. */
    WINDOW {
        @Override
        Place place(long... shape) {
            return cut(shape, 0, shape.length);
        }
    },
    /** The first dimension alone is cut: rows of a larger batch. */
    ROWS {
        @Override
        Place place(long... shape) {
            return cut(shape, 0, 1);
        }
    },
    /** The last dimension alone is cut: columns of a product for several at once. */
    COLUMNS {
        @Override
        Place place(long... shape) {
            return cut(shape, shape.length - 1, shape.length);
        }
    },
    /** Dimensions in reverse order in memory. */
    PERMUTED {
        @Override
        Place place(long... shape) {
            int[] reverse = new int[shape.length];
            long[] reversed = new long[shape.length];
            for (int d = 0; d < shape.length; d++) {
                reverse[d] = shape.length - 1 - d;
                reversed[d] = shape[shape.length - 1 - d];
            }
            INDArray all = Nd4j.create(DataType.FLOAT, reversed, 'c');
            return new Place(all, all.permute(reverse));
        }
    },
    FORTRAN {
        @Override
        Place place(long... shape) {
            INDArray all = Nd4j.create(DataType.FLOAT, shape, 'f');
            return new Place(all, all);
        }
    };

    private static final float AROUND = 99;

    /**
     * A tensor and what it is a part of.
     *
     * @param all memory, {@link #AROUND} outside of the tensor
     */
    record Place(INDArray all, INDArray tensor) {
        /** Whether nothing was written outside of the tensor. */
        boolean isUntouchedAround() {
            INDArray copy = all.dup();
            tensor.assign(AROUND);
            boolean untouched = all.equals(Nd4j.valueArrayOf(all.shape(), AROUND, DataType.FLOAT));
            all.assign(copy);
            return untouched;
        }
    }

    /** A tensor of a shape; what it holds does not matter. */
    abstract Place place(long... shape);

    /** A tensor of a shape. */
    INDArray empty(long... shape) {
        return place(shape).tensor();
    }

    /** Normal numbers. */
    INDArray random(Random random, long... shape) {
        INDArray x = empty(shape);
        HostFloats.write(Tensors.floats(random, (int) x.length()), x);
        return x;
    }

    /** The same numbers, lying like this. */
    INDArray copy(INDArray x) {
        return empty(x.shape()).assign(x);
    }

    /** The next way, and after the last the first. */
    Memory next() {
        return values()[(ordinal() + 1) % values().length];
    }

    private static Place cut(long[] shape, int from, int to) {
        long[] larger = shape.clone();
        INDArrayIndex[] index = new INDArrayIndex[shape.length];
        Arrays.fill(index, NDArrayIndex.all());
        for (int d = from; d < to; d++) {
            larger[d] += 3;
            index[d] = NDArrayIndex.interval(2, 2 + shape[d]);
        }
        INDArray all = Nd4j.create(DataType.FLOAT, larger, 'c').assign(AROUND);
        return new Place(all, all.get(index));
    }
}
