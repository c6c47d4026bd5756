package org.luthier.launcher;

import java.io.IOException;
import java.util.List;

/**
 * Starts processes that SIGINT ends, even where these tests run in the background of a shell: there the signal is ignored, children
 * inherit that, and neither a script nor Java can take it back.
 */
final class Interruptible {
    private static final List<String> RESET = List.of("/usr/bin/env", "--default-signal=INT");

    private Interruptible() {}

    /** What to put in front of a command; nothing where the system's env cannot do it. */
    static List<String> prefix() throws IOException {
        try {
            boolean able = new ProcessBuilder(RESET.get(0), RESET.get(1), "true")
                            .start()
                            .waitFor()
                    == 0;
            return able ? RESET : List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
