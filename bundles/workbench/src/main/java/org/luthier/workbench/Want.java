package org.luthier.workbench;

import org.luthier.api.plugin.Part;

/**
 * A part that a job needs.
 *
 * @param kind contract, for example {@code ModelFamily.class}
 * @param id the part's id
 */
public record Want(Class<? extends Part> kind, String id) {}
