package org.luthier.api.checkpoint;

import java.util.List;

/**
 * The account of a mapping of names: every tensor of the source appears, more than once only if several weights were made of it.
 *
 * @param source what was read, for example the file's name
 * @param sourceSha256 sha256 of the source
 * @param family model family whose rules were used
 * @param entries in the order of the source
 */
public record Ledger(String source, String sourceSha256, String family, List<Entry> entries) {
    /**
     * What became of one tensor.
     *
     * @param source name in the source
     * @param transform for example {@code "copy"} or {@code "drop: shape constant"}
     * @param target canonical name, or null if dropped
     * @param shape shape of the target, or of the source if dropped
     * @param dtype type of the target, or of the source if dropped
     * @param sha256Before sha256 of the source's bytes
     * @param sha256After sha256 of the target's bytes, or null if dropped
     */
    public record Entry(
            String source,
            String transform,
            String target,
            List<Long> shape,
            DType dtype,
            String sha256Before,
            String sha256After) {}
}
