package org.luthier.api.model;

/**
 * What a model runs on.
 *
 * @param backend {@code "cpu"} or {@code "nd4j-cuda"}
 * @param kernels id of the kernels: {@code "cpu"}, {@code "nd4j"} or {@code "plain"}
 * @param workers threads that work on segments at once; each uses one BLAS thread
 */
public record Execution(String backend, String kernels, int workers) {}
