package org.luthier.shell.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.plugin.Parameter;

/**
 * Parameters of parts that are options of a command, under one heading of its help.
 *
 * @param heading without a colon
 * @param parameters in the order of the help
 */
public record ParameterGroup(String heading, List<Parameter> parameters) {
    /** The values that belong to this group. */
    public Map<String, String> of(Map<String, String> settings) {
        Map<String, String> own = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            String value = settings.get(parameter.name());
            if (value != null) {
                own.put(parameter.name(), value);
            }
        }
        return own;
    }
}
