package org.luthier.benchmarks;

import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;

/**
 * Weights of YourMT3+ that any program can make of their names: number i of a tensor depends on the hash of its name and on i alone. Of a size
 * that keeps what flows through them in range.
 */
final class SeededWeights implements Weights {
    private static final double PI = Math.PI;

    @Override
    public float[] take(String name, long... shape) {
        int inputs = 1;
        for (int i = 0; i < shape.length - 1; i++) {
            inputs = Math.multiplyExact(inputs, Math.toIntExact(shape[i]));
        }
        int count = inputs * Math.toIntExact(shape[shape.length - 1]);
        if (name.endsWith(".window")) {
            return hann(count);
        }
        if (name.endsWith(".frequencies")) {
            return name.contains("temporal") ? new float[] {1, 0.01f} : new float[] {(float) PI, (float) (5 * PI)};
        }
        boolean around1 = name.endsWith(".scale") || name.endsWith(".variance");
        double offset = around1 ? 1 : 0;
        // Of a matrix the variance of a number is one part of its inputs.
        double range = around1 ? 0.8 : shape.length == 1 ? 0.2 : Math.sqrt(12.0 / inputs);
        if (name.startsWith("decoder.") && name.endsWith(".q.weight")) {
            range /= Math.sqrt(64); // T5 does not divide scores by the root of a head's width
        }
        float[] values = numbers(name, count);
        for (int i = 0; i < count; i++) {
            values[i] = (float) (offset + range * values[i]);
        }
        return values;
    }

    private static float[] hann(int size) {
        float[] window = new float[size];
        for (int i = 0; i < size; i++) {
            window[i] = (float) (0.5 - 0.5 * Math.cos(2 * PI * i / size));
        }
        return window;
    }

    /** Numbers from -0.5 to 0.5, by splitmix64. */
    static float[] numbers(String name, int count) {
        float[] numbers = new float[count];
        long state = name.hashCode();
        for (int i = 0; i < count; i++) {
            state += 0x9E3779B97F4A7C15L;
            long mixed = (state ^ state >>> 30) * 0xBF58476D1CE4E5B9L;
            mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
            numbers[i] = ((mixed ^ mixed >>> 31) >>> 40) / (float) (1 << 24) - 0.5f;
        }
        return numbers;
    }

    @Override
    public String sourceName(String name) {
        return name;
    }

    @Override
    public Ledger ledger() {
        return null;
    }

    @Override
    public void finish() {}
}
