package org.luthier.nn.internal;

import java.util.stream.IntStream;
import org.luthier.nn.Heads;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention to keys and values in the caller's memory: one page. */
final class CpuKeyValues extends CpuAttention {
    private final Lines keys;
    private final Lines values;
    private final int length;

    /** For each row of the batch its row in the caller's memory. */
    private int[] rows;

    CpuKeyValues(Heads heads, INDArray keys, INDArray values) {
        super(heads);
        Shapes.check("keys", keys, -1, -1, heads.width());
        Shapes.check("values", values, keys.shape());
        this.keys = Lines.of(keys);
        this.values = Lines.of(values);
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
    int pages() {
        return 1;
    }

    @Override
    int pageLength() {
        return length;
    }

    @Override
    long key(int row, int page, int head) {
        return keys.at((long) rows[row] * length) + (long) head * heads().size() * Float.BYTES;
    }

    @Override
    long value(int row, int page, int head) {
        return values.at((long) rows[row] * length) + (long) head * heads().size() * Float.BYTES;
    }

    @Override
    int keyStride() {
        return keys.stride;
    }

    @Override
    int valueStride() {
        return values.stride;
    }

    @Override
    public void retain(int[] kept) {
        rows = Shapes.select(rows, kept);
    }

    @Override
    public void reorder(int[] sources) {
        rows = Shapes.select(rows, sources);
    }

    @Override
    public void close() {
        keys.close();
        values.close();
    }
}
