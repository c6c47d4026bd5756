package org.luthier.shell.internal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.LuthierException;
import org.luthier.api.plugin.Parameter;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** Makes options of the parameters of parts, so that what a part describes once is parsed, checked and explained everywhere. */
final class PartOptions {
    /** A bound beyond this is as good as none and not worth showing. */
    private static final double UNBOUNDED = 1e9;

    private PartOptions() {}

    /**
     * Adds an option for each parameter; a name that is taken keeps its first meaning.
     *
     * @return the parameters that have an option now
     */
    static List<Parameter> add(CommandSpec spec, List<ParameterGroup> groups) {
        List<Parameter> added = new ArrayList<>();
        for (int i = 0; i < groups.size(); i++) {
            ArgGroupSpec.Builder builder = ArgGroupSpec.builder()
                    .validate(false)
                    .order(i)
                    .heading("%n" + escape(groups.get(i).heading()) + ":%n");
            List<Parameter> own = groups.get(i).parameters().stream()
                    .filter(parameter -> spec.findOption("--" + parameter.name()) == null)
                    .toList();
            if (!own.isEmpty()) {
                own.forEach(parameter -> builder.addArg(option(parameter)));
                spec.addArgGroup(builder.build());
                added.addAll(own);
            }
        }
        return added;
    }

    private static OptionSpec option(Parameter parameter) {
        OptionSpec.Builder option = OptionSpec.builder("--" + parameter.name())
                .paramLabel(label(parameter))
                .description(describe(parameter));
        if (parameter.type() == Parameter.Type.FLAG) {
            return option.type(Boolean.class)
                    .arity("0..1")
                    .fallbackValue("true")
                    .negatable(true)
                    .build();
        }
        ITypeConverter<String> checked = text -> {
            try {
                parameter.parse(text);
                return text;
            } catch (LuthierException e) {
                throw new TypeConversionException(e.getMessage());
            }
        };
        return option.type(String.class).converters(checked).arity("1").build();
    }

    /** What was written for parameters: name to value. */
    static Map<String, String> read(ParseResult parsed, List<Parameter> parameters) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            Object value = parsed.matchedOptionValue("--" + parameter.name(), null);
            if (value != null) {
                settings.put(parameter.name(), value.toString());
            }
        }
        return settings;
    }

    private static String label(Parameter parameter) {
        return switch (parameter.type()) {
            case NUMBER, INTEGER ->
                parameter.unit().matches("\\w+") ? parameter.unit().toUpperCase(Locale.ROOT) : "N";
            case FLAG -> "true|false";
            case TEXT -> "TEXT";
        };
    }

    /** {@code "Shortest note kept (default: 127.7 ms; from 0 to 10000)"}. */
    private static String describe(Parameter parameter) {
        StringBuilder text = new StringBuilder(parameter.description()).append(" (default: ");
        if (parameter.defaultValue() == null) {
            text.append("not set");
        } else {
            text.append(
                    parameter.defaultValue() instanceof Number value
                            ? number(value.doubleValue())
                            : parameter.defaultValue());
            text.append(parameter.unit().isEmpty() ? "" : " " + parameter.unit());
        }
        if (parameter.type() == Parameter.Type.NUMBER || parameter.type() == Parameter.Type.INTEGER) {
            boolean low = Math.abs(parameter.minimum()) < UNBOUNDED;
            boolean high = Math.abs(parameter.maximum()) < UNBOUNDED;
            if (low && high) {
                text.append("; from " + number(parameter.minimum()) + " to " + number(parameter.maximum()));
            } else if (low || high) {
                text.append(
                        low ? "; at least " + number(parameter.minimum()) : "; at most " + number(parameter.maximum()));
            }
        }
        return escape(text.append(')').toString());
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    /** Text is shown as it is: picocli would format descriptions and style what stands between at-signs and bars. */
    private static String escape(String text) {
        return text.replace("%", "%%").replace("@|", "@ |");
    }
}
