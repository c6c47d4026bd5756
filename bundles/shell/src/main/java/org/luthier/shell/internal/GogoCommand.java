package org.luthier.shell.internal;

import java.nio.file.Path;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.Process;

/** A command as Gogo calls it: with the streams of its pipe, and its exit code where {@code &&} and {@code ||} look for it. */
final class GogoCommand implements Function {
    private static final int ERROR_STREAM = 2;
    /** Session variable with the exit code of the last command, for scripts. */
    private static final String EXIT_CODE = "luthier.exit";

    private final ShellCommand<?> command;
    private final Surroundings surroundings;

    GogoCommand(ShellCommand<?> command, Surroundings surroundings) {
        this.command = command;
        this.surroundings = surroundings;
    }

    @Override
    public Object execute(CommandSession session, List<Object> arguments) {
        List<String> words = arguments.stream().map(String::valueOf).toList();
        boolean quiet = surroundings.isSet("luthier.quiet");
        Process process = Process.Utils.current();
        boolean terminal = process != null && surroundings.isSet("luthier.stderr.tty") && process.isTty(ERROR_STREAM);
        int code = command.execute(
                words,
                new Console(
                        process == null ? System.out : process.out(),
                        process == null ? System.err : process.err(),
                        terminal,
                        quiet,
                        folder(session)));
        session.put(EXIT_CODE, code);
        if (process != null) {
            process.error(code);
        }
        return null;
    }

    /** The session's folder; the empty path where that is the process's own, so that paths stay as they were written. */
    private static Path folder(CommandSession session) {
        Path folder = session.currentDir();
        Path own = Path.of("");
        return folder == null || folder.equals(own.toAbsolutePath()) ? own : folder;
    }
}
