package org.luthier.shell.internal;

import java.nio.file.Path;

/** What the launcher decided for this process: framework properties by name. */
@FunctionalInterface
public interface Surroundings {
    /** A framework property, or null. */
    String property(String name);

    /** A framework property, or what stands for it. */
    default String property(String name, String otherwise) {
        String value = property(name);
        return value == null || value.isBlank() ? otherwise : value;
    }

    /** Whether a framework property is set to true. */
    default boolean isSet(String name) {
        return Boolean.parseBoolean(property(name));
    }

    /**
     * Whether words are coloured.
     *
     * @param terminal whether they go to a terminal
     */
    default boolean colours(boolean terminal) {
        return terminal && !isSet("luthier.uncoloured");
    }

    /** Where the traces of defects go. */
    default Path logs() {
        return Path.of(property("luthier.cache", System.getProperty("java.io.tmpdir")))
                .resolve("logs");
    }
}
