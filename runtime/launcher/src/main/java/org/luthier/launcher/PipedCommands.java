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

    private PipedCommands() {}

    /** Runs all lines; a failure does not stop the rest.
     *
     * @return the exit code of the last command that failed, or 0 */
    static int run(BundleContext context) throws IOException {
        ServiceReference<?> reference = context.getServiceReference(PROCESSOR);
        if (reference == null) {
            throw LaunchException.failed("the shell did not start: no service " + PROCESSOR);
        }
        Object processor = context.getService(reference);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
        int code = 0;
        try {
            Class<?> processorType = reference.getBundle().loadClass(PROCESSOR);
            Class<?> sessionType = reference.getBundle().loadClass("org.apache.felix.service.command.CommandSession");
            Object session = processorType
                    .getMethod("createSession", InputStream.class, OutputStream.class, OutputStream.class)
                    .invoke(
                            processor,
                            new ByteArrayInputStream(new byte[0]),
                            out,
                            new FileOutputStream(FileDescriptor.err));
            sessionType.getMethod("put", String.class, Object.class).invoke(session, "SCOPE", "luthier:*");
            for (String line = lines.readLine();
                    line != null && !Thread.currentThread().isInterrupted();
                    line = lines.readLine()) {
                if (line.isBlank() || line.stripLeading().startsWith("#")) {
                    continue;
                }
                sessionType.getMethod("put", String.class, Object.class).invoke(session, EXIT_CODE, 0);
                try {
                    Object result =
                            sessionType.getMethod("execute", CharSequence.class).invoke(session, line);
                    if (result != null) {
                        out.println(sessionType
                                .getMethod("format", Object.class, int.class)
                                .invoke(session, result, 0));
                    }
                    if (sessionType.getMethod("get", String.class).invoke(session, EXIT_CODE) instanceof Integer exit
                            && exit != 0) {
                        code = exit;
                    }
                } catch (InvocationTargetException e) {
                    System.err.println("luthier: " + e.getCause().getMessage());
                    code = 1;
                }
            }
        } catch (ReflectiveOperationException e) {
            throw LaunchException.failed("the shell cannot be used: " + e, e);
        }
        return code;
    }
}
