package org.luthier.launcher;

/** Luthier could not be started, told in one line that a user can act on. */
public final class LaunchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What the user did, which decides the exit code. */
    private final boolean usage;

    private LaunchException(String message, boolean usage, Throwable cause) {
        super(message, cause);
        this.usage = usage;
    }

    /** Something that could not be done. */
    static LaunchException failed(String message) {
        return new LaunchException(message, false, null);
    }

    /** Something that could not be done, because of something underneath. */
    static LaunchException failed(String message, Throwable cause) {
        return new LaunchException(message, false, cause);
    }

    /** A command line that cannot be meant. */
    static LaunchException misused(String message) {
        return new LaunchException(message + "; try: luthier --help", true, null);
    }

    /** 2 for a wrong command line, else 1. */
    public int exitCode() {
        return usage ? 2 : 1;
    }
}
