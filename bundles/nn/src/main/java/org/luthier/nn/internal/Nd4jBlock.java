package org.luthier.nn.internal;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import org.luthier.nn.Heads;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Keys and values of some positions of all rows, and room for more. */
final class Nd4jBlock implements AutoCloseable {
    private final Heads heads;

    /** [rows, capacity, width]. */
    private final INDArray keys;

    /** [rows, capacity, width of the values]. */
    private final INDArray values;

    private final boolean own;
    private long length;
    private INDArray keysByHead;
    private INDArray valuesByHead;

    private Nd4jBlock(Heads heads, INDArray keys, INDArray values, long length, boolean own) {
        this.heads = heads;
        this.keys = keys;
        this.values = values;
        this.own = own;
        setLength(length);
    }

    /** Memory of somebody else, full. */
    static Nd4jBlock over(Heads heads, INDArray keys, INDArray values) {
        return new Nd4jBlock(heads, keys, values, keys.size(1), false);
    }

    /** Own memory, empty. */
    static Nd4jBlock empty(Heads heads, long rows, long capacity) {
        return new Nd4jBlock(
                heads, memory(rows, capacity, heads.width()), memory(rows, capacity, heads.valueWidth()), 0, true);
    }

    private static INDArray memory(long rows, long capacity, int width) {
        return Nd4j.createUninitialized(DataType.FLOAT, rows, capacity, width);
    }

    /** [rows, n, width] seen as [rows, heads, n, size]. */
    static INDArray byHead(INDArray x, Heads heads) {
        return x.reshape('c', true, x.size(0), x.size(1), heads.count(), x.size(2) / heads.count())
                .permute(0, 2, 1, 3);
    }

    private void setLength(long positions) {
        length = positions;
        if (positions > 0) {
            keysByHead = there(keys);
            valuesByHead = there(values);
        }
    }

    private INDArray there(INDArray memory) {
        INDArray whole = byHead(memory, heads);
        return length == memory.size(1) ? whole : whole.get(all(), all(), interval(0, length), all());
    }

    /** Positions that are there. */
    long length() {
        return length;
    }

    /** Positions that there is room for. */
    long free() {
        return keys.size(1) - length;
    }

    /** [rows, heads, length, size], a view. */
    INDArray keys() {
        return keysByHead;
    }

    /** [rows, heads, length, size of the values], a view. */
    INDArray values() {
        return valuesByHead;
    }

    /** Adds positions [rows, n, width]. */
    void append(INDArray newKeys, INDArray newValues) {
        long end = length + newKeys.size(1);
        keys.get(all(), interval(length, end), all()).assign(newKeys);
        values.get(all(), interval(length, end), all()).assign(newValues);
        setLength(end);
    }

    /** Own memory that holds these rows. */
    Nd4jBlock select(int[] rows) {
        INDArray selectedKeys = memory(rows.length, keys.size(1), heads.width());
        INDArray selectedValues = memory(rows.length, keys.size(1), heads.valueWidth());
        Nd4jKernels.gather(keys, rows, selectedKeys);
        Nd4jKernels.gather(values, rows, selectedValues);
        return new Nd4jBlock(heads, selectedKeys, selectedValues, length, true);
    }

    @Override
    public void close() {
        if (own) {
            keys.close();
            values.close();
        }
    }
}
