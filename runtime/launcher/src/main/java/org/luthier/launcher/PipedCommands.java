package org.luthier.launcher;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.Charset;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * The shell without a terminal: one command a line from the standard input, with the shell's own syntax, until it ends.
 *
 * <p>Gogo is reached by reflection because its interfaces live in a bundle.
 */
final class PipedCommands {
    private static final String PROCESSOR = "org.apache.felix.service.command.CommandProcessor";
    /** The session variable in which our commands leave it. */
    private static final String EXIT_CODE = "luthier.exit";
    /** The session variable in which {@code exit} leaves the code that it was given; nothing there, if none. */
    private static final String LEFT = "luthier.left";

    private static final int INTERRUPTED = 130;
    /** Stands for a command that has not ended. */
    private static final int RUNNING = -1;

    private static final long CLEAN_UP_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final PrintStream out;
    private final Class<?> type;
    private final Object session;

    private PipedCommands(ServiceReference<?> reference, Object processor, PrintStream out)
            throws ReflectiveOperationException {
        this.out = out;
        type = reference.getBundle().loadClass("org.apache.felix.service.command.CommandSession");
        session = reference
                .getBundle()
                .loadClass(PROCESSOR)
                .getMethod("createSession", InputStream.class, OutputStream.class, OutputStream.class)
                .invoke(
                        processor,
                        new ByteArrayInputStream(new byte[0]),
                        out,
                        new FileOutputStream(FileDescriptor.err));
        put("SCOPE", "luthier:*");
    }

    /** Runs all lines up to {@code exit}; a failure does not stop the rest, an interruption does.
     *
     * @return the code that {@code exit} was given, else the exit code of the last command that failed, or 0 */
    static int run(BundleContext context, Signals signals, PrintStream out) throws IOException {
        ServiceReference<?> reference = context.getServiceReference(PROCESSOR);
        if (reference == null) {
            throw LaunchException.failed("the shell did not start: no service " + PROCESSOR);
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
        int code = 0;
        try {
            PipedCommands commands = new PipedCommands(reference, context.getService(reference), out);
            signals.betweenCommands();
            String line;
            while (code != INTERRUPTED && (line = lines.readLine()) != null) {
                if (!line.isBlank() && !line.stripLeading().startsWith("#")) {
                    signals.commandBegins(commands::interrupt);
                    int exit = commands.execute(line);
                    code = exit == 0 ? code : exit;
                    signals.betweenCommands();
                    if (commands.get(LEFT) instanceof String given) {
                        return given.isEmpty() ? code : Integer.parseInt(given);
                    }
                }
            }
        } catch (ReflectiveOperationException e) {
            throw LaunchException.failed("the shell cannot be used: " + e, e);
        }
        return code;
    }

    private int execute(String line) throws ReflectiveOperationException {
        put(EXIT_CODE, RUNNING);
        try {
            Folders.checkLetters(line.strip(), "the line");
            Object result = type.getMethod("execute", CharSequence.class).invoke(session, line);
            if (result != null) {
                out.println(type.getMethod("format", Object.class, int.class).invoke(session, result, 0));
            }
            return Math.max(0, exitCode());
        } catch (InvocationTargetException e) {
            if (get(LEFT) != null) {
                return Math.max(0, exitCode());
            }
            if (e.getCause() instanceof InterruptedException) {
                awaitEnd();
                return INTERRUPTED;
            }
            System.err.println("luthier: " + told(e.getCause(), line));
            return 1;
        } catch (LaunchException e) {
            System.err.println("luthier: " + e.getMessage());
            return 1;
        }
    }

    /** What Gogo found wrong with a line, without the names of Java's classes, which its exceptions often have nothing but. */
    private static String told(Throwable trouble, String line) {
        if (trouble instanceof NoSuchFileException missing) {
            return missing.getFile() + ": there is no such file or folder";
        }
        if (trouble instanceof FileSystemException file) {
            return file.getFile() + ": cannot be used" + (file.getReason() == null ? "" : ": " + file.getReason());
        }
        return trouble.getMessage() == null || trouble instanceof NullPointerException
                ? "cannot be understood: " + line.strip()
                : trouble.getMessage();
    }

    /** Gogo runs a command on a thread of its own and does not wait for one that it has interrupted. */
    private void awaitEnd() throws ReflectiveOperationException {
        long start = System.nanoTime();
        while (exitCode() == RUNNING && System.nanoTime() - start < CLEAN_UP_NANOS) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private void interrupt() {
        try {
            Object job = type.getMethod("foregroundJob").invoke(session);
            if (job != null) {
                type.getMethod("foregroundJob")
                        .getReturnType()
                        .getMethod("interrupt")
                        .invoke(job);
            }
        } catch (ReflectiveOperationException e) {
            System.err.println("luthier: cannot interrupt: " + e);
        }
    }

    private int exitCode() throws ReflectiveOperationException {
        return get(EXIT_CODE) instanceof Integer exit ? exit : 0;
    }

    private Object get(String name) throws ReflectiveOperationException {
        return type.getMethod("get", String.class).invoke(session, name);
    }

    private void put(String name, Object value) throws ReflectiveOperationException {
        type.getMethod("put", String.class, Object.class).invoke(session, name, value);
    }
}
