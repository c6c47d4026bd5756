package org.luthier.workbench;

/**
 * A registered part, as listings show it.
 *
 * @param kind contract, for example {@code "NoteAssembler"}
 * @param id the part's id
 * @param description one sentence
 * @param version version of the bundle it came from
 * @param ranking the higher one of two parts of one id is chosen
 * @param chosen whether the next job that asks for the id gets this one
 * @param jobs running jobs that hold it
 * @param draining whether it has left and only its running jobs are waited for
 */
public record PartInfo(
        String kind,
        String id,
        String description,
        String version,
        int ranking,
        boolean chosen,
        int jobs,
        boolean draining) {}
