package org.luthier.api.plugin;

/**
 * Which part did the work: recorded in every provenance.
 *
 * @param id the part's id
 * @param version version of the bundle it came from
 */
public record PartVersion(String id, String version) {}
