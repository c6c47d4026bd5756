package org.luthier.shell.internal;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Job;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;

/**
 * What Ctrl-C does in the interactive shell while our commands run: it interrupts them once, they clean up and end, and then comes the next
 * prompt.
 *
 * <p>Gogo's own way, which is left to everything else and to a second Ctrl-C, does not wait for a command that it interrupts: the prompt
 * comes while the command still cleans up, after a line with an InterruptedException.
 */
final class ControlC {
    /** The commands that have not been interrupted yet, and what the user started each with. */
    private final Map<Thread, Job> running = new ConcurrentHashMap<>();

    /**
     * This thread runs a command from here to {@link #end}.
     *
     * @param terminal JLine's
     */
    void begin(CommandSession session, Job job, Object terminal) {
        Job whole = job;
        while (whole.parent() != null) {
            whole = whole.parent();
        }
        running.put(Thread.currentThread(), whole);
        if (whole == session.foregroundJob()) {
            // Otherwise the line editor has the terminal. Nothing is put back: without commands this does what Gogo's
            // handler does.
            OnTerminal.handle(terminal, () -> pressed(session));
        }
    }

    synchronized void end() {
        running.remove(Thread.currentThread());
        Thread.interrupted();
    }

    private synchronized void pressed(CommandSession session) {
        Job job = session.foregroundJob();
        if (job == null) {
            return;
        }
        List<Thread> commands = running.entrySet().stream()
                .filter(command -> command.getValue() == job)
                .map(Map.Entry::getKey)
                .toList();
        if (commands.isEmpty()) {
            job.interrupt();
        }
        commands.forEach(command -> {
            running.remove(command);
            command.interrupt();
        });
    }

    /** Its own class: without an interactive shell there is no JLine. */
    private static final class OnTerminal {
        static void handle(Object terminal, Runnable action) {
            ((Terminal) terminal).handle(Signal.INT, signal -> action.run());
        }
    }
}
