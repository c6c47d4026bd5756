package org.luthier.model.yourmt3;

import java.util.LinkedHashMap;
import java.util.Map;

/** Arguments as the configuration of a model.json holds them, one group inside the other, and as a checkpoint tells them, by dotted names. */
final class ArgumentTree {
    private ArgumentTree() {}

    /** By groups: numbers and flags as what they are, the rest as text. */
    static Map<String, Object> of(Map<String, String> flat) {
        Map<String, Object> tree = new LinkedHashMap<>();
        flat.forEach((name, text) -> put(tree, name, value(text)));
        return tree;
    }

    /** By dotted names, as text; what is null is left out. */
    static Map<String, String> flat(Map<String, Object> tree) {
        Map<String, String> flat = new LinkedHashMap<>();
        tree.forEach((name, value) -> flatten(name, value, flat));
        return flat;
    }

    private static void put(Map<String, Object> tree, String name, Object value) {
        int dot = name.indexOf('.');
        if (dot < 0) {
            tree.put(name, value);
        } else {
            put(group(tree, name.substring(0, dot)), name.substring(dot + 1), value);
        }
    }

    @SuppressWarnings("unchecked") // Only groups are put under the names of groups.
    private static Map<String, Object> group(Map<String, Object> tree, String name) {
        return (Map<String, Object>) tree.computeIfAbsent(name, none -> new LinkedHashMap<String, Object>());
    }

    private static Object value(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (text.matches("-?[0-9]{1,9}")) {
            return Integer.valueOf(text);
        }
        return text.matches("-?[0-9]+(\\.[0-9]+)?([eE]-?[0-9]+)?") ? (Object) Double.valueOf(text) : text;
    }

    private static void flatten(String name, Object value, Map<String, String> flat) {
        if (value instanceof Map<?, ?> group) {
            group.forEach((inner, each) -> flatten(name + "." + inner, each, flat));
        } else if (value != null) {
            flat.put(name, value.toString());
        }
    }
}
