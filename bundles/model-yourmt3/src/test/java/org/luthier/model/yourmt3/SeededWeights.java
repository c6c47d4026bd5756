package org.luthier.model.yourmt3;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;

/** Numbers of a seed for every weight that is asked for, kept by name. */
final class SeededWeights implements Weights {
    private final Random random = new Random(7);
    private final float least;
    final Map<String, float[]> taken = new LinkedHashMap<>();

    /** Between 0.2 and 1.2: they are variances and scales too. */
    SeededWeights() {
        this(0.2f);
    }

    /** From the least to that and 1, but for variances, which are never below 0.2. */
    SeededWeights(float least) {
        this.least = least;
    }

    @Override
    public float[] take(String name, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        float[] values = numbers(random, count);
        float moved = name.endsWith(".variance") ? 0 : least - 0.2f;
        for (int i = 0; i < count; i++) {
            values[i] += moved;
        }
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
        return new Ledger("seed", "", YourMt3Family.ID, List.of());
    }

    @Override
    public void finish() {}
}
