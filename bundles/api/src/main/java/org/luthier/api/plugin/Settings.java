package org.luthier.api.plugin;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.UsageException;

/** The values of a part's parameters for one job: every parameter has one, each of the right type and within its bounds. */
public final class Settings {
    private final Map<String, Object> values;

    private Settings(Map<String, Object> values) {
        this.values = Collections.unmodifiableMap(values);
    }

    /** The defaults of a part. */
    public static Settings defaults(Part part) {
        return of(part, Map.of());
    }

    /**
     * The defaults of a part with some values changed.
     *
     * @param changes parameter name to value, as a user wrote it
     * @throws UsageException for a name that the part does not have, a value out of bounds or of another type, or values that contradict
     *     each other
     */
    public static Settings of(Part part, Map<String, String> changes) {
        Map<String, Object> values = new LinkedHashMap<>();
        List<Parameter> parameters = part.parameters();
        for (Parameter parameter : parameters) {
            String text = changes.get(parameter.name());
            values.put(parameter.name(), text == null ? parameter.defaultValue() : parameter.parse(text));
        }
        for (String name : changes.keySet()) {
            if (!values.containsKey(name)) {
                throw new UsageException("unknown parameter --" + name + " for " + part.id() + ": it has "
                        + (values.isEmpty() ? "none" : String.join(", ", values.keySet())));
            }
        }
        Settings settings = new Settings(values);
        part.check(settings);
        return settings;
    }

    /** The value of a number that is always set. */
    public double number(String name) {
        return ((Number) require(name)).doubleValue();
    }

    /** The value of a whole number that is always set. */
    public int integer(String name) {
        return ((Number) require(name)).intValue();
    }

    /** The value of a yes-or-no parameter. */
    public boolean flag(String name) {
        return (Boolean) require(name);
    }

    /** The value of a text that is set. */
    public String text(String name) {
        return (String) require(name);
    }

    /** Whether a value was given, or the default is one. */
    public boolean isSet(String name) {
        return values.get(name) != null;
    }

    /** Every parameter with its value, in the part's order; null stands for "not set". For the provenance. */
    public Map<String, Object> asMap() {
        return values;
    }

    private Object require(String name) {
        Object value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no value for parameter " + name + "; there are " + values.keySet());
        }
        return value;
    }

    static UsageException refuse(Parameter parameter, String text) {
        String expected = switch (parameter.type()) {
            case NUMBER -> "a number from " + parameter.minimum() + " to " + parameter.maximum();
            case INTEGER -> "a whole number from " + (long) parameter.minimum() + " to " + (long) parameter.maximum();
            case FLAG -> "true or false";
            case TEXT -> "text";
        };
        return new UsageException("--" + parameter.name() + ": expected " + expected
                + (parameter.unit().isEmpty() ? "" : " " + parameter.unit()) + ", got '" + text + "'");
    }
}
