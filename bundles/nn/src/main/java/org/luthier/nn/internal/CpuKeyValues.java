package org.luthier.nn.internal;

import java.util.stream.IntStream;
import org.luthier.nn.Heads;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention to keys and values in the caller's memory: one page. */
final class CpuKeyValues extends CpuAttention {
    private final INDArray keys;
    private final INDArray values;
    private final int length;

    // While they are read.
    private Lines keyLines;
    private Lines valueLines;

    /** For each row of the batch its row in the caller's memory. */
    private int[] rows;

    CpuKeyValues(Heads heads, INDArray keys, INDArray values) {
        super(heads);
        Shapes.check("keys", keys, -1, -1, heads.width());
        Shapes.check("values", values, keys.size(0), keys.size(1), heads.valueWidth());
        this.keys = keys;
        this.values = values;
        this.length = (int) keys.size(1);
        this.rows = IntStream.range(0, (int) keys.size(0)).toArray();
    }

    @Override
    public int rows() {
        return rows.length;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    void open() {
        keyLines = Lines.of(keys);
        valueLines = Lines.of(values);
    }

    @Override
    void done() {
        keyLines.close();
        valueLines.close();
    }

    @Override
    int pages() {
        return 1;
    }

    @Override
    int pageLength() {
        return length;
    }

    @Override
    long key(int row, int page, int head) {
        return keyLines.at((long) rows[row] * length) + (long) head * heads().size() * Float.BYTES;
    }

    @Override
    long value(int row, int page, int head) {
        return valueLines.at((long) rows[row] * length) + (long) head * heads().valueSize() * Float.BYTES;
    }

    @Override
    int keyStride() {
        return keyLines.stride;
    }

    @Override
    int valueStride() {
        return valueLines.stride;
    }

    @Override
    public void reorder(int[] sources) {
        rows = Shapes.select(rows, sources);
    }

    @Override
    public void close() {}
}
