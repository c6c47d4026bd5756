package org.luthier.api.plugin;

/**
 * One setting of a part, described once: the command line, the help and the provenance are made from this.
 *
 * @param name lower case with hyphens, the name of its option without the two hyphens
 * @param type what values it takes
 * @param defaultValue a {@link Double}, {@link Integer}, {@link Boolean} or {@link String} to match {@code type}, or null where
 *     unset has a meaning of its own (no limit)
 * @param minimum smallest value allowed, inclusive; ignored unless the type is a number
 * @param maximum largest value allowed, inclusive; ignored unless the type is a number
 * @param unit what the number counts ({@code "ms"}, {@code "Hz"}), or the empty string
 * @param description one sentence
 */
public record Parameter(
        String name, Type type, Object defaultValue, double minimum, double maximum, String unit, String description) {

    /** The kinds of value a parameter takes. */
    public enum Type {
        /** A {@link Double} within the bounds. */
        NUMBER,
        /** An {@link Integer} within the bounds. */
        INTEGER,
        /** A {@link Boolean}. */
        FLAG,
        /** A {@link String}. */
        TEXT
    }

    /** A real number between two bounds. A null default means "not set". */
    public static Parameter number(
            String name, Double defaultValue, double minimum, double maximum, String unit, String description) {
        return new Parameter(name, Type.NUMBER, defaultValue, minimum, maximum, unit, description);
    }

    /** A whole number between two bounds. A null default means "not set". */
    public static Parameter integer(
            String name, Integer defaultValue, int minimum, int maximum, String unit, String description) {
        return new Parameter(name, Type.INTEGER, defaultValue, minimum, maximum, unit, description);
    }

    /** Yes or no. */
    public static Parameter flag(String name, boolean defaultValue, String description) {
        return new Parameter(name, Type.FLAG, defaultValue, 0, 0, "", description);
    }

    /** Free text. A null default means "not set". */
    public static Parameter text(String name, String defaultValue, String description) {
        return new Parameter(name, Type.TEXT, defaultValue, 0, 0, "", description);
    }

    /**
     * Reads a value as a user wrote it.
     *
     * @return a value of this parameter's type
     * @throws org.luthier.api.UsageException if the text is no such value, or out of bounds
     */
    public Object parse(String text) {
        return switch (type) {
            case NUMBER -> bounded(parseNumber(text), text);
            case INTEGER -> (int) bounded(parseInteger(text), text);
            case FLAG -> parseFlag(text);
            case TEXT -> text;
        };
    }

    private double parseNumber(String text) {
        try {
            return Double.parseDouble(text.strip());
        } catch (NumberFormatException e) {
            throw Settings.refuse(this, text);
        }
    }

    private int parseInteger(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            throw Settings.refuse(this, text);
        }
    }

    private boolean parseFlag(String text) {
        return switch (text.strip().toLowerCase(java.util.Locale.ROOT)) {
            case "true", "yes", "on" -> true;
            case "false", "no", "off" -> false;
            default -> throw Settings.refuse(this, text);
        };
    }

    private double bounded(double value, String text) {
        if (!(value >= minimum && value <= maximum)) {
            throw Settings.refuse(this, text);
        }
        return value;
    }
}
