package org.luthier.shell.internal;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code help}: what commands there are, or all about one. */
final class HelpCommand extends ShellCommand<HelpCommand.Options> {
    private final Shell shell;

    HelpCommand(Surroundings surroundings, Shell shell) {
        super(surroundings, Options::new);
        this.shell = shell;
    }

    @Command(
            name = "help",
            description = "Tells what commands there are, or all about one.",
            footerHeading = "%nExamples:%n",
            footer = {"  luthier help", "  luthier help transcribe"})
    static final class Options extends CommonOptions {
        @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "Name of a command.")
        String command;
    }

    @Override
    protected int run(Options options, Console console) {
        if (options.command == null) {
            console.print(shell.overview());
            return DONE;
        }
        ShellCommand<?> command = shell.command(options.command);
        if (command == null) {
            console.fail(shell.unknown(options.command));
            return USAGE;
        }
        console.print(command.help());
        return DONE;
    }
}
