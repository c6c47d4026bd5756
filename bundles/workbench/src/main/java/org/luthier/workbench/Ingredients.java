package org.luthier.workbench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.model.Decoder;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;

/**
 * The parts that make notes of what a model says, and what can be set on them.
 *
 * @param tokenizer the tokenizer, or null for a frame model
 * @param decoder the decoder, or null for a frame model
 */
record Ingredients(Tokenizer tokenizer, Decoder decoder, NoteAssembler assembler) {
    /**
     * The parameters of the parts, the decoder's first.
     *
     * @throws LuthierException if two parts have one of the same name
     */
    List<Parameter> parameters() {
        Map<String, Part> owners = new LinkedHashMap<>();
        List<Parameter> all = new ArrayList<>();
        for (Part part : adjustable()) {
            for (Parameter parameter : part.parameters()) {
                Part other = owners.putIfAbsent(parameter.name(), part);
                if (other != null) {
                    throw new LuthierException(other.id() + " and " + part.id() + " both have a parameter --"
                            + parameter.name() + ", so that it cannot be told which one is meant; choose another"
                            + " --decoder or --assembler");
                }
                all.add(parameter);
            }
        }
        return List.copyOf(all);
    }

    /**
     * Checks what a user has set.
     *
     * @param written values by name
     * @return every parameter with its value; null stands for "not set"
     * @throws UsageException for a name that no part has, or a value out of bounds
     */
    Map<String, Object> values(Map<String, String> written) {
        List<String> names = parameters().stream().map(Parameter::name).toList();
        for (String name : written.keySet()) {
            if (!names.contains(name)) {
                List<Part> parts = adjustable();
                throw new UsageException("unknown parameter --" + name + " for "
                        + parts.stream().map(Part::id).collect(Collectors.joining(" and "))
                        + (parts.size() == 1 ? ": it has " : ": they have ")
                        + (names.isEmpty() ? "none" : String.join(", ", names)));
            }
        }
        Map<String, Object> values = new LinkedHashMap<>();
        adjustable().forEach(part -> values.putAll(settings(part, written).asMap()));
        return values;
    }

    /** Of what a user has set, that which belongs to one of the parts. */
    Settings settings(Part part, Map<String, String> written) {
        return Settings.of(
                part,
                part.parameters().stream()
                        .map(Parameter::name)
                        .filter(written::containsKey)
                        .collect(Collectors.toMap(name -> name, written::get)));
    }

    private List<Part> adjustable() {
        return Stream.of(decoder, assembler).filter(Objects::nonNull).toList();
    }
}
