package org.luthier.launcher;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The thread in which Gogo's shell reads commands from the terminal, seen from outside: it ends when the user leaves, and it ends when an
 * exception got through to it, which it prints on the process's error stream.
 */
final class TerminalShell {
    private static final String THREAD = "Gogo shell";

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream said = new PrintStream(bytes, true);
    private final PrintStream before = System.err;

    /** To be made before the shell starts. */
    TerminalShell() {
        System.setErr(new PrintStream(
                new OutputStream() {
                    @Override
                    public void write(int value) {
                        stream().write(value);
                    }

                    @Override
                    public void write(byte[] text, int offset, int length) {
                        stream().write(text, offset, length);
                    }

                    @Override
                    public void flush() {
                        stream().flush();
                    }
                },
                true));
    }

    /** What the thread itself says is kept back; while the shell runs, its streams are the terminal's. */
    private PrintStream stream() {
        return Thread.currentThread().getName().equals(THREAD) ? said : before;
    }

    /**
     * Waits for the end of the shell.
     *
     * @param logs folder for what it said at its end, if it said something
     * @return 0, the exit code of a shell that was left
     * @throws LaunchException if it was no end that the user wanted
     */
    int await(Path logs) throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals(THREAD)) {
                thread.join();
            }
        }
        if (bytes.size() > 0) {
            throw LaunchException.failed("internal error: the shell has ended by itself; "
                    + log(bytes.toString(Charset.defaultCharset()), logs));
        }
        return 0;
    }

    private static String log(String trace, Path logs) {
        try {
            Files.createDirectories(logs);
            Path file = Files.createTempFile(logs, "internal-error-", ".log");
            Files.writeString(file, trace);
            return "please report it with " + file;
        } catch (IOException e) {
            return "and " + logs + " could not be written: " + e.getMessage();
        }
    }
}
