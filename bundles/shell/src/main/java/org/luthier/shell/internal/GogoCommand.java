package org.luthier.shell.internal;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.Job;
import org.apache.felix.service.command.Process;
import org.jline.terminal.Terminal;
import org.luthier.api.CancelledException;

/** A command as Gogo calls it: with the streams of its pipe, and its exit code where {@code &&} and {@code ||} look for it. */
final class GogoCommand implements Function {
    private static final int OUTPUT = 1;
    private static final int ERROR = 2;
    /** Session variable in which Gogo's interactive shell keeps its terminal. */
    private static final String TERMINAL = ".terminal";
    /** Session variable with the exit code of the last command, for scripts. */
    private static final String EXIT_CODE = "luthier.exit";
    /** Session variable with what {@code exit} was given, once it was called. */
    private static final String LEFT = "luthier.left";

    private final ShellCommand<?> command;
    private final Surroundings surroundings;
    private final ControlC controlC;

    GogoCommand(ShellCommand<?> command, Surroundings surroundings, ControlC controlC) {
        this.command = command;
        this.surroundings = surroundings;
        this.controlC = controlC;
    }

    /** The word before a command, as the help writes it and a terminal outside has it; without a command it helps. */
    static Function luthier(Shell shell, Surroundings surroundings, ControlC controlC) {
        return (session, words) -> {
            ShellCommand<?> named = words.isEmpty() ? null : shell.command(String.valueOf(words.get(0)));
            return named == null
                    ? new GogoCommand(shell.command("help"), surroundings, controlC)
                            .execute(session, words.subList(0, Math.min(1, words.size())))
                    : new GogoCommand(named, surroundings, controlC).execute(session, words.subList(1, words.size()));
        };
    }

    /** What Gogo calls for a word that is no command. A script has no terminal, and none of the commands that Gogo brings for one. */
    static Function unknown(Shell shell, Surroundings surroundings) {
        return (session, words) -> {
            Process process = Process.Utils.current();
            String message = shell.unknown(String.valueOf(words.get(0)));
            console(session, process, surroundings)
                    .fail(
                            session.get(TERMINAL) == null
                                    ? message + " (a script has exit and Luthier's commands only; help lists them)"
                                    : message);
            return ended(session, process, ShellCommand.USAGE);
        };
    }

    /** Ends a script, with the exit code that is given to it, else that of the commands so far. A terminal has its own. */
    static Function exit(Surroundings surroundings) {
        return (session, words) -> {
            String code = words.isEmpty() ? "" : String.valueOf(words.get(0));
            if (words.size() > 1 || !code.matches("|[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]")) {
                Process process = Process.Utils.current();
                console(session, process, surroundings)
                        .fail("exit: expected nothing or one code from 0 to 255, got '"
                                + String.join(
                                        " ", words.stream().map(String::valueOf).toList()) + "'");
                return ended(session, process, ShellCommand.USAGE);
            }
            session.put(LEFT, code);
            throw new Left();
        };
    }

    /** Ends the line as well, of which it may be a part. */
    static final class Left extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /**
     * Gogo's {@code head} and {@code tail}, which stumble over the number that most people write.
     *
     * @param name with Gogo's scope
     * @param missing called where Gogo does not bring it: in a script
     */
    static Function lines(String name, Function missing) {
        return (session, words) -> {
            if (!(session.get(name) instanceof Function gogo)) {
                List<Object> asWritten = new ArrayList<>(words);
                asWritten.add(0, name.substring(name.indexOf(':') + 1));
                return missing.execute(session, asWritten);
            }
            List<Object> spelledOut = new ArrayList<>();
            for (Object word : words) {
                String text = String.valueOf(word);
                if (text.matches("-[0-9]+")) {
                    spelledOut.add("-n");
                    spelledOut.add(text.substring(1));
                } else {
                    spelledOut.add(word);
                }
            }
            return gogo.execute(session, spelledOut);
        };
    }

    @Override
    public Object execute(CommandSession session, List<Object> arguments) throws Interrupted {
        Process process = Process.Utils.current();
        List<String> words = arguments.stream().map(String::valueOf).toList();
        Console console = console(session, process, surroundings);
        int code = process != null && session.get(TERMINAL) != null
                ? interactively(session, process.job(), words, console)
                : command.execute(words, console);
        return ended(session, process, code);
    }

    private static Console console(CommandSession session, Process process, Surroundings surroundings) {
        return new Console(
                stream(session, process, OUTPUT),
                stream(session, process, ERROR),
                isTerminal(session, process, ERROR),
                surroundings.colours(isTerminal(session, process, OUTPUT)),
                surroundings.isSet("luthier.quiet"),
                folder(session));
    }

    private static Object ended(CommandSession session, Process process, int code) {
        session.put(EXIT_CODE, code);
        if (process != null) {
            process.error(code);
        }
        return null;
    }

    private int interactively(CommandSession session, Job job, List<String> words, Console console) throws Interrupted {
        controlC.begin(session, job, session.get(TERMINAL));
        try {
            return command.attempt(words, console);
        } catch (CancelledException e) {
            session.put(EXIT_CODE, ShellCommand.INTERRUPTED);
            throw new Interrupted(e);
        } finally {
            controlC.end();
        }
    }

    /** Ends the whole line that the user typed; the shell shows it as it would show any exception, by its text. */
    static final class Interrupted extends Exception {
        private static final long serialVersionUID = 1L;

        Interrupted(CancelledException cause) {
            super("luthier: " + cause.getMessage(), cause);
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }

    private static boolean isTerminal(CommandSession session, Process process, int stream) {
        return process != null && process.isTty(stream) && session.get(TERMINAL) != null;
    }

    /**
     * Where a command writes. Gogo's streams are interruptible channels, which an interrupted thread closes by writing to them; the
     * shell would be mute from then on. So what goes to the terminal goes there directly.
     */
    private static PrintStream stream(CommandSession session, Process process, int stream) {
        if (process == null) {
            return stream == OUTPUT ? System.out : System.err;
        }
        if (isTerminal(session, process, stream)) {
            // Its own class: without an interactive shell there is no JLine.
            return OnTerminal.stream(session.get(TERMINAL));
        }
        return stream == OUTPUT ? process.out() : process.err();
    }

    private static final class OnTerminal {
        static PrintStream stream(Object terminal) {
            return new PrintStream(((Terminal) terminal).output(), true, ((Terminal) terminal).encoding());
        }
    }

    /** The session's folder; the empty path where that is the process's own, so that paths stay as they were written. */
    private static Path folder(CommandSession session) {
        Path folder = session.currentDir();
        Path own = Path.of("");
        return folder == null || folder.equals(own.toAbsolutePath()) ? own : folder;
    }
}
