package org.luthier.model.yourmt3;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;

/** Numbers between 0.2 and 1.2 for every weight that is asked for, kept by name: they are variances and scales too. */
final class SeededWeights implements Weights {
    private final Random random = new Random(7);
    final Map<String, float[]> taken = new LinkedHashMap<>();

    @Override
    public float[] take(String name, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        float[] values = numbers(random, count);
        if (taken.put(name, values.clone()) != null) {
            throw new AssertionError(name + " was taken twice");
        }
        return values;
    }

    static float[] numbers(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = 0.2f + random.nextFloat();
        }
        return values;
    }

    @Override
    public String sourceName(String name) {
        return name;
    }

    @Override
    public Ledger ledger() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void finish() {}
}
