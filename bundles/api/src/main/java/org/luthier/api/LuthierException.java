package org.luthier.api;

/**
 * Something that could not be done, told in one line that a user can act on.
 *
 * <p>The message says what was attempted, what was expected, what was found, where, and what to do next. Commands print the
 * message alone; a stack trace is for defects, and a defect is any other exception.
 */
public class LuthierException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one line, without a line break */
    public LuthierException(String message) {
        super(message);
    }

    /**
     * @param message one line, without a line break
     * @param cause what was underneath; never needed to understand the message
     */
    public LuthierException(String message, Throwable cause) {
        super(message, cause);
    }
}
