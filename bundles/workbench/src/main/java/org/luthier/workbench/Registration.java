package org.luthier.workbench;

/** The presence of one part in {@link Parts}. */
public interface Registration extends AutoCloseable {
    /**
     * Takes the part away: new jobs no longer see it, running ones are waited for. After the drain time the jobs that still hold it are
     * ended with an error. When this returns nothing of the workbench refers to the part any more, unless a job hangs in it.
     */
    @Override
    void close();
}
