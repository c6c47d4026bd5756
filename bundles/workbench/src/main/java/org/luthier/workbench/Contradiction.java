package org.luthier.workbench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.luthier.api.model.ModelDefinition;

/** What a checkpoint tells of its own model, held against the configuration of another. */
public final class Contradiction {
    private Contradiction() {}

    /**
     * The first difference, as a clause with both values.
     *
     * @param told the definition that the checkpoint itself gives
     * @param model the one that it is to be run as
     * @return empty if all that both say is the same
     */
    public static Optional<String> between(ModelDefinition told, ModelDefinition model) {
        Map<String, Object> expected = new LinkedHashMap<>();
        flatten("", model.configuration(), expected);
        Map<String, Object> actual = new LinkedHashMap<>();
        flatten("", told.configuration(), actual);
        return actual.entrySet().stream()
                .filter(entry -> expected.containsKey(entry.getKey()))
                .filter(entry -> !Objects.equals(entry.getValue(), expected.get(entry.getKey())))
                .map(entry -> entry.getKey() + " is " + entry.getValue() + " in the checkpoint, "
                        + expected.get(entry.getKey()) + " in the model")
                .findFirst();
    }

    private static void flatten(String prefix, Map<?, ?> tree, Map<String, Object> flat) {
        tree.forEach((name, value) -> {
            if (value instanceof Map<?, ?> inner) {
                flatten(prefix + name + ".", inner, flat);
            } else {
                flat.put(prefix + name, value);
            }
        });
    }
}
