package org.luthier.api;

/** What was asked for cannot be meant: a value out of bounds, or two that contradict each other. Nothing was tried. */
public class UsageException extends LuthierException {
    private static final long serialVersionUID = 1L;

    /** @param message one line, without a line break */
    public UsageException(String message) {
        super(message);
    }
}
