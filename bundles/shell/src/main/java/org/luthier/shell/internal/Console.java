package org.luthier.shell.internal;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Where a command writes and what relative paths are relative to.
 *
 * <p>Results go to {@code out}, everything else to {@code err}. Text that comes from files may hold control characters, which a terminal
 * would obey; they are shown as question marks.
 *
 * @param out results
 * @param err progress, remarks, warnings and errors
 * @param terminal whether {@code err} is a terminal, on which a line can be redrawn
 * @param colours whether words that go to {@code out} are coloured
 * @param quiet no progress and no remarks; warnings and errors stay
 * @param folder the current folder; the empty path headless, so that paths stay as they were written
 */
public record Console(PrintStream out, PrintStream err, boolean terminal, boolean colours, boolean quiet, Path folder) {
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}&&[^\n]]");
    private static final Pattern CONTROL_OR_BREAK = Pattern.compile("\\p{Cc}+");
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);

    /** The same streams, silent if asked to be. */
    public Console quiet(boolean asked) {
        return new Console(out, err, terminal, colours, quiet || asked, folder);
    }

    /** Prints a result: one or more lines. */
    public void print(String text) {
        print(text, UnaryOperator.identity());
    }

    /** Prints a result: one or more lines.
     *
     * @param paint colours the text, where there are colours */
    public void print(String text, UnaryOperator<String> paint) {
        String clean = CONTROL.matcher(text).replaceAll("?");
        out.println(colours ? paint.apply(clean) : clean);
        out.flush();
    }

    /** Prints one JSON object, always in UTF-8. */
    public void json(Object value) {
        try {
            JSON.writeValue(out, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println();
        out.flush();
    }

    /** Prints a line that is nice to know, unless quiet. */
    public void remark(String line) {
        if (!quiet) {
            complain(line);
        }
    }

    /** Prints a line that must be known. */
    public void warn(String line) {
        complain("luthier: warning: " + line);
    }

    /** Prints why a command could not. */
    public void fail(String line) {
        complain("luthier: " + line);
    }

    private void complain(String line) {
        err.println(CONTROL_OR_BREAK.matcher(line).replaceAll(" "));
        err.flush();
    }

    /** Shows progress until closed.
     *
     * @param subject what is being worked on */
    public ProgressLine progress(String subject) {
        return new ProgressLine(this, subject, System::nanoTime);
    }
}
