package org.luthier.nn.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.luthier.nn.KeyValueCache;
import org.nd4j.linalg.api.ndarray.INDArray;

/** For each row a list of positions, which are never changed; rows that come of one share those that it had. */
final class PlainCache extends PlainAttention implements KeyValueCache {
    private List<List<float[]>> keys = new ArrayList<>();
    private List<List<float[]>> values = new ArrayList<>();
    private int length;

    PlainCache(Heads heads, int rows) {
        super(heads);
        for (int row = 0; row < rows; row++) {
            keys.add(new ArrayList<>());
            values.add(new ArrayList<>());
        }
    }

    @Override
    public int rows() {
        return keys.size();
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public void append(INDArray newKeys, INDArray newValues) {
        Shapes.check("keys", newKeys, rows(), -1, heads().width());
        Shapes.check("values", newValues, rows(), newKeys.size(1), heads().valueWidth());
        append(newKeys, keys);
        append(newValues, values);
        length += (int) newKeys.size(1);
    }

    private static void append(INDArray positions, List<List<float[]>> rows) {
        float[] all = HostFloats.copy(positions);
        int n = (int) positions.size(1);
        int width = (int) positions.size(2);
        for (int i = 0; i < rows.size() * n; i++) {
            rows.get(i / n).add(Arrays.copyOfRange(all, i * width, (i + 1) * width));
        }
    }

    @Override
    float[][][] keys() {
        return arrays(keys);
    }

    @Override
    float[][][] values() {
        return arrays(values);
    }

    private static float[][][] arrays(List<List<float[]>> rows) {
        return rows.stream().map(row -> row.toArray(new float[0][])).toArray(float[][][]::new);
    }

    @Override
    public void reorder(int[] sources) {
        keys = select(keys, sources);
        values = select(values, sources);
    }

    private static List<List<float[]>> select(List<List<float[]>> rows, int[] sources) {
        List<List<float[]>> selected = new ArrayList<>();
        for (int source : sources) {
            selected.add(new ArrayList<>(rows.get(Shapes.index("row", source, rows.size()))));
        }
        return selected;
    }
}
