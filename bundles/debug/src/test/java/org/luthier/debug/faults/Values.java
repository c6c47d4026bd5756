package org.luthier.debug.faults;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.debug.cause.WeightSource;

/**
 * The weights of a model in memory, by canonical name.
 *
 * @param byName in the order of the checkpoint
 */
record Values(Map<String, Value> byName) {
    /** One weight; its numbers are not to be changed. */
    record Value(List<Long> shape, float[] numbers) {
        int size(int axis) {
            return Math.toIntExact(shape.get(axis));
        }
    }

    /** Reads all weights of a checkpoint with canonical names. */
    static Values of(Checkpoint canonical) {
        Map<String, Value> byName = new LinkedHashMap<>();
        canonical
                .tensors()
                .forEach((name, tensor) -> byName.put(name, new Value(tensor.shape(), canonical.floats(name))));
        return new Values(byName);
    }

    Value get(String name) {
        Value value = byName.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no weight " + name + "; there are " + byName.keySet());
        }
        return value;
    }

    /** The same with other numbers for one weight. */
    Values with(String name, float[] numbers) {
        Value old = get(name);
        if (old.numbers().length != numbers.length) {
            throw new IllegalArgumentException(
                    name + " has " + old.numbers().length + " numbers, got " + numbers.length);
        }
        Map<String, Value> changed = new LinkedHashMap<>(byName);
        changed.put(name, new Value(old.shape(), numbers));
        return new Values(changed);
    }

    /** The same with one weight changed; the operator is given a copy. */
    Values with(String name, UnaryOperator<float[]> change) {
        return with(name, change.apply(get(name).numbers().clone()));
    }

    /** The same with two weights of one shape under each other's names. */
    Values swapped(String a, String b) {
        return with(a, get(b).numbers()).with(b, get(a).numbers());
    }

    /** The same with all weights changed. */
    Values all(UnaryOperator<float[]> change) {
        Map<String, Value> changed = new LinkedHashMap<>();
        byName.forEach((name, value) -> changed.put(
                name, new Value(value.shape(), change.apply(value.numbers().clone()))));
        return new Values(changed);
    }

    /** As a model takes them. */
    Weights weights() {
        return new Weights() {
            @Override
            public float[] take(String name, long... shape) {
                Value value = get(name);
                if (!value.shape().equals(Arrays.stream(shape).boxed().toList())) {
                    throw new IllegalArgumentException(
                            name + ": expected " + Arrays.toString(shape) + ", got " + value.shape());
                }
                return value.numbers().clone();
            }

            @Override
            public String sourceName(String name) {
                return name;
            }

            @Override
            public Ledger ledger() {
                return new Ledger("weights in memory", "", "", List.of());
            }

            @Override
            public void finish() {
                // Faults are about numbers, not about names that are missing.
            }
        };
    }

    /** As causes look at them. */
    WeightSource source() {
        return name -> {
            Value value = byName.get(name);
            return value == null
                    ? null
                    : new WeightSource.Weight(
                            value.shape().stream().map(Math::toIntExact).toList(), value::numbers);
        };
    }
}
