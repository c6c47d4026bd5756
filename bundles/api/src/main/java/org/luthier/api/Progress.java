package org.luthier.api;

/** Told how far long work has come. May be told from several threads. */
@FunctionalInterface
public interface Progress {
    /** Ignores what it is told. */
    Progress NONE = (phase, done, total) -> {};

    /**
     * Says how far the work is.
     *
     * @param phase what is being done, one or two words: {@code "decode audio"}, {@code "windows"}
     * @param done units finished, from 0
     * @param total units in all, or -1 when that is not known
     */
    void update(String phase, long done, long total);
}
