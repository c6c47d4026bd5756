package org.luthier.shell.internal;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.CommandSessionListener;
import org.apache.felix.service.command.Function;
import org.jline.builtins.Completers.CompletionData;
import org.jline.reader.ParsedLine;
import org.luthier.api.LuthierException;
import org.luthier.workbench.OutputPlan;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Tells Gogo's interactive shell what TAB can offer. Options are told after every command, because a swapped part has other parameters;
 * values are asked for, by the function that this is, when they are needed.
 */
final class Completions implements CommandSessionListener, Function {
    static final String SCOPE = "luthier";
    /** Its underscore keeps it out of the list of commands. */
    static final String FUNCTION = "_values";

    private static final String SEARCH_PATH = "SCOPE";
    private static final String GOGO_SEARCH_PATH = "gogo:*";

    private final Shell shell;

    Completions(Shell shell) {
        this.shell = shell;
    }

    @Override
    public void beforeExecute(CommandSession session, CharSequence command) {}

    @Override
    public void afterExecute(CommandSession session, CharSequence command, Exception exception) {
        tell(session);
    }

    @Override
    public void afterExecute(CommandSession session, CharSequence command, Object result) {
        tell(session);
    }

    @SuppressWarnings("unchecked")
    private void tell(CommandSession session) {
        // An interactive session has this map; a script has not.
        if (session.get(".completions") instanceof Map<?, ?> completions) {
            EscapingParser.install(session.get(".reader"));
            for (ShellCommand<?> command : shell.commands()) {
                ((Map<String, List<CompletionData>>) completions)
                        .put(GogoShell.gogoName(command), data(command, session.currentDir()));
            }
            if (GOGO_SEARCH_PATH.equals(session.get(SEARCH_PATH))) {
                // Our help, not Gogo's, unless a profile says otherwise.
                session.put(SEARCH_PATH, SCOPE + ":" + GOGO_SEARCH_PATH);
            }
        }
    }

    private static List<CompletionData> data(ShellCommand<?> command, Path folder) {
        List<CompletionData> data = new ArrayList<>();
        data.add(new CompletionData(null, command.summary(), null, null));
        for (OptionSpec option : specification(command, folder).options()) {
            String description = String.join(" ", option.description()).replace("%%", "%");
            data.add(new CompletionData(List.of(option.names()), description, null, null));
        }
        data.add(new CompletionData(null, null, SCOPE + ":" + FUNCTION, null));
        return data;
    }

    private static CommandSpec specification(ShellCommand<?> command, Path folder) {
        try {
            return command.specification(List.of(), folder);
        } catch (LuthierException e) {
            // A part that is missing has no options; the command itself will say so.
            return CommandSpec.create();
        }
    }

    /** What can stand where the cursor is: values of the option before it, or of the argument in its place. */
    @Override
    public Object execute(CommandSession session, List<Object> arguments) throws Exception {
        ParsedLine line = (ParsedLine) session.get(".commandLine");
        List<String> before = line.words().subList(0, line.wordIndex());
        String name = before.get(0);
        ShellCommand<?> command =
                shell.command(name.startsWith(SCOPE + ":") ? name.substring(SCOPE.length() + 1) : name);
        if (command == null) {
            return List.of();
        }
        ArgSpec place = place(
                command.specification(before.subList(1, before.size()), session.currentDir()),
                before.get(before.size() - 1));
        if (place == null) {
            return List.of();
        }
        List<String> values = command.candidates(place.paramLabel());
        boolean file = List.of(Path.class, OutputPlan.Place.class).contains(place.auxiliaryTypes()[0]);
        return values.isEmpty() && file ? session.execute("__files") : values;
    }

    private static ArgSpec place(CommandSpec specification, String previous) {
        OptionSpec option = specification.findOption(previous);
        if (previous.startsWith("-") && option != null && option.arity().min() > 0) {
            return option;
        }
        List<PositionalParamSpec> positional = specification.positionalParameters();
        return positional.isEmpty() ? null : positional.get(positional.size() - 1);
    }
}
