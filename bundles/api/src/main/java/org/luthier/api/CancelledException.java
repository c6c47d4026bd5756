package org.luthier.api;

/** The work was interrupted on request; nothing that it would have written exists. */
public final class CancelledException extends LuthierException {
    private static final long serialVersionUID = 1L;

    public CancelledException() {
        super("interrupted");
    }
}
