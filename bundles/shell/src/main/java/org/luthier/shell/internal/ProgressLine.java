package org.luthier.shell.internal;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.luthier.api.Progress;

/**
 * Shows how far a job is: one line that is redrawn on a terminal, a line every two seconds and one at the end elsewhere, nothing if
 * quiet. Told from several threads.
 */
public final class ProgressLine implements Progress, AutoCloseable {
    private static final long TERMINAL_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long PLAIN_PAUSE = TimeUnit.SECONDS.toNanos(2);
    private static final int BAR = 24;
    private static final int WIDTH = 79;
    private static final String CLEAR = "\r" + " ".repeat(WIDTH) + "\r";

    private final Console console;
    private final String subject;
    private final LongSupplier nanos;
    private final long pause;
    private long next;
    private String latest;
    /** What was shown last, or null. */
    private String shown;

    private boolean closed;

    ProgressLine(Console console, String subject, LongSupplier nanos) {
        this.console = console;
        this.subject = subject;
        this.nanos = nanos;
        this.pause = console.terminal() ? TERMINAL_PAUSE : PLAIN_PAUSE;
        // A job shorter than the pause is not worth a line that says it runs.
        this.next = nanos.getAsLong() + pause;
    }

    @Override
    public synchronized void update(String phase, long done, long total) {
        if (closed || console.quiet()) {
            return;
        }
        latest = state(phase, done, total);
        long now = nanos.getAsLong();
        if (now - next >= 0) {
            next = now + pause;
            show();
        }
    }

    private String state(String phase, long done, long total) {
        if (total <= 0) {
            return phase;
        }
        double share = Math.min(1, Math.max(0, (double) done / total));
        String percent = String.format(Locale.ROOT, "%3d %%", (int) (100 * share));
        if (!console.terminal()) {
            return phase + " " + percent.strip();
        }
        int full = (int) (BAR * share);
        return phase + " [" + "#".repeat(full) + ".".repeat(BAR - full) + "] " + percent;
    }

    private void show() {
        shown = latest;
        if (console.terminal()) {
            String line = fit(subject, WIDTH - latest.length() - 2) + ": " + latest;
            console.err().print(CLEAR + line);
            console.err().flush();
        } else {
            console.remark(subject + ": " + latest);
        }
    }

    private static String fit(String name, int room) {
        String plain = name.replaceAll("\\p{Cntrl}", "?");
        int keep = Math.max(8, room);
        return plain.length() <= keep ? plain : "..." + plain.substring(plain.length() - keep + 3);
    }

    /** Clears the line on a terminal; elsewhere says where the work ended, if it was long enough for a line at all. */
    @Override
    public synchronized void close() {
        if (shown != null && !closed) {
            if (console.terminal()) {
                console.err().print(CLEAR);
                console.err().flush();
            } else if (!latest.equals(shown)) {
                show();
            }
        }
        closed = true;
    }
}
