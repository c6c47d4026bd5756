package org.luthier.shell.internal;

import org.luthier.api.Cancellation;

/** Cancels when the command's thread was interrupted, and stays cancelled though somebody on the way took the interruption. */
public final class Interruption implements Cancellation {
    private final Thread command = Thread.currentThread();
    private volatile boolean seen;

    @Override
    public boolean requested() {
        if (command.isInterrupted()) {
            seen = true;
        }
        return seen;
    }
}
