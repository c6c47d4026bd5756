package org.luthier.api.plugin;

import java.util.List;

/**
 * Something that can be swapped while Luthier runs: a model family, tokenizer, decoder, assembler, reader or writer.
 *
 * <p>Parts are registered as OSGi services of their own contract type (by Declarative Services) or handed to the workbench's
 * constructor. A part is stateless between calls and may be called from several threads at once; it starts no threads of its own.
 */
public interface Part {
    /**
     * The name a user chooses it by: lower case letters, digits and hyphens, for example {@code mt3-reference}. A tokenizer may have
     * the name of its task, underscores and all.
     */
    String id();

    /** One sentence for listings. */
    String description();

    /** What a user can set, in the order of documentation; empty if nothing. */
    default List<Parameter> parameters() {
        return List.of();
    }

    /**
     * Finds out before any work whether values, each within its bounds, go together.
     *
     * @throws org.luthier.api.UsageException if they contradict each other
     */
    default void check(Settings settings) {}
}
