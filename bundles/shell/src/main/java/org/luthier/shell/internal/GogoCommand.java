package org.luthier.shell.internal;

import java.nio.file.Path;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.Process;

/** A command as Gogo calls it: with the streams of its pipe, and its exit code where {@code &&} and {@code ||} look for it. */
final class GogoCommand implements Function {
    private static final int ERROR_STREAM = 2;

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
        if (process == null) {
            command.execute(words, new Console(System.out, System.err, false, quiet, folder(session)));
            return null;
        }
        boolean terminal = surroundings.isSet("luthier.stderr.tty") && process.isTty(ERROR_STREAM);
        process.error(
                command.execute(words, new Console(process.out(), process.err(), terminal, quiet, folder(session))));
        return null;
    }

    /** The session's folder; the empty path where that is the process's own, so that paths stay as they were written. */
    private static Path folder(CommandSession session) {
        Path folder = session.currentDir();
        Path own = Path.of("");
        return folder == null || folder.equals(own.toAbsolutePath()) ? own : folder;
    }
}
