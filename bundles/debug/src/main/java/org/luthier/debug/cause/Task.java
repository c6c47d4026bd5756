package org.luthier.debug.cause;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.luthier.api.model.Computation;

/**
 * A computation with what it needs at hand.
 *
 * @param computation what is computed
 * @param inputs one row of each input
 * @param weights of the whole model
 * @param all computations of the model
 * @param rows the other rows
 */
record Task(Computation computation, List<Field> inputs, WeightSource weights, List<Computation> all, AllRows rows) {
    Task(Computation computation, List<Field> inputs, WeightSource weights, List<Computation> all) {
        this(computation, inputs, weights, all, AllRows.UNKNOWN);
    }

    /** The same, with all computations of this word as if they had another. */
    Task as(String operation) {
        String word = computation.operation();
        return new Task(
                as(computation, operation),
                inputs,
                weights,
                all.stream()
                        .map(other -> other.operation().equals(word) ? as(other, operation) : other)
                        .toList(),
                rows);
    }

    private static Computation as(Computation computation, String operation) {
        Map<String, Object> settings = new HashMap<>(computation.settings());
        settings.putIfAbsent("activation", "none");
        return new Computation(computation.output(), operation, computation.inputs(), computation.weights(), settings);
    }

    /** The same with other inputs. */
    Task of(Field... others) {
        return new Task(computation, List.of(others), weights, all, rows);
    }

    /** The numbers of a weight of some length; null if it is not known or has another. */
    float[] vector(String role, int length) {
        WeightSource.Weight weight = weight(role);
        float[] values = weight == null ? null : weight.values();
        return values == null || values.length != length ? null : values;
    }

    boolean is(String setting) {
        return Boolean.TRUE.equals(computation.settings().get(setting));
    }

    Field input() {
        return inputs.get(0);
    }

    /** The weight of a role, or null if there is none. */
    WeightSource.Weight weight(String role) {
        String name = computation.weights().get(role);
        return name == null ? null : weights.weight(name);
    }

    boolean hasWeight(String role) {
        return computation.weights().containsKey(role);
    }

    double number(String setting) {
        return ((Number) computation.settings().get(setting)).doubleValue();
    }

    int count(String setting) {
        return ((Number) computation.settings().get(setting)).intValue();
    }

    String activation() {
        return (String) computation.settings().get("activation");
    }

    /** Whether the first input is bands of a spectrum, or their logarithms. */
    boolean isOfBands() {
        return all.stream()
                .filter(other -> other.output().equals(computation.inputs().get(0)))
                .anyMatch(other -> other.operation().equals(Computation.MEL_BANDS)
                        || other.operation().equals(Computation.LOGARITHM));
    }

    /** Heads that the last axis of the output is made of, or 0. */
    int heads() {
        return heads(computation.output());
    }

    /** Heads that the last axis of the first input is made of, or 0. */
    int inputHeads() {
        return heads(computation.inputs().get(0));
    }

    private int heads(String name) {
        return all.stream()
                .filter(other -> other.settings().containsKey("heads"))
                .filter(other -> switch (other.operation()) {
                    case Computation.SCORES -> other.inputs().contains(name);
                    case Computation.MIXTURE ->
                        other.output().equals(name) || other.inputs().get(1).equals(name);
                    default -> false;
                })
                .map(other -> ((Number) other.settings().get("heads")).intValue())
                .findFirst()
                .orElse(0);
    }

    /** Other computations of the same operation that have a weight of a role: those of the same parent. */
    Stream<Computation> siblings(String role) {
        return others(role).filter(other -> parent(other.output()).equals(parent(computation.output())));
    }

    /** How an input was rotated; null if it was not, or nobody knows how. */
    Rotation rotationOf(int input) {
        return all.stream()
                .filter(other -> other.operation().equals(Computation.ROTATION))
                .filter(other -> other.output().equals(computation.inputs().get(input)))
                .map(other -> Rotation.of(new Task(other, List.of(inputs.get(input)), weights, all)))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    /** The other experts of the same choice. */
    Stream<Computation> siblingsOfExpert() {
        return others("gate").filter(other -> other.inputs().equals(computation.inputs()));
    }

    /** The same computation in other layers: names that differ in their numbers only. */
    Stream<Computation> inOtherLayers(String role) {
        return others(role).filter(other -> numberless(other.output()).equals(numberless(computation.output())));
    }

    /** Other computations of the same operation that have a weight of a role. */
    Stream<Computation> others(String role) {
        return all.stream()
                .filter(other -> other.operation().equals(computation.operation()))
                .filter(other -> !other.output().equals(computation.output()))
                .filter(other -> other.weights().containsKey(role));
    }

    /** The weight that another computation has in a role, if it is of the same shape as this one's. */
    Optional<WeightSource.Weight> alike(Computation other, String role) {
        WeightSource.Weight own = weight(role);
        return Optional.ofNullable(weights.weight(other.weights().get(role)))
                .filter(weight -> own != null && weight.shape().equals(own.shape()));
    }

    static String parent(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(0, dot);
    }

    private static String numberless(String name) {
        return name.replaceAll("\\d+", "#");
    }
}
