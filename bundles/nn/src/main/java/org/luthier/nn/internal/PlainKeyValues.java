package org.luthier.nn.internal;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention to keys and values of the caller. */
final class PlainKeyValues extends PlainAttention {
    private final INDArray keys;
    private final INDArray values;

    /** For each row of the batch its row in the caller's memory. */
    private int[] rows;

    PlainKeyValues(Heads heads, INDArray keys, INDArray values) {
        super(heads);
        Shapes.check("keys", keys, -1, -1, heads.width());
        Shapes.check("values", values, keys.size(0), keys.size(1), heads.valueWidth());
        this.keys = keys;
        this.values = values;
        this.rows = IntStream.range(0, (int) keys.size(0)).toArray();
    }

    @Override
    public int rows() {
        return rows.length;
    }

    @Override
    public int length() {
        return (int) keys.size(1);
    }

    @Override
    float[][][] keys() {
        return read(keys);
    }

    @Override
    float[][][] values() {
        return read(values);
    }

    private float[][][] read(INDArray memory) {
        float[] all = HostFloats.copy(memory);
        int width = (int) memory.size(2);
        float[][][] read = new float[rows.length][length()][];
        for (int row = 0; row < rows.length; row++) {
            for (int position = 0; position < length(); position++) {
                int from = (rows[row] * length() + position) * width;
                read[row][position] = Arrays.copyOfRange(all, from, from + width);
            }
        }
        return read;
    }

    @Override
    public void reorder(int[] sources) {
        rows = Shapes.select(rows, sources);
    }
}
