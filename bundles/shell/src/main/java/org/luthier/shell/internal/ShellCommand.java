package org.luthier.shell.internal;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.plugin.Parameter;
import org.luthier.workbench.OutputPlan;
import org.luthier.workbench.Versions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * A command: reads its arguments, does its work by calling other rooms, and ends in an exit code. One object serves any number of calls
 * at once; each call has its own options.
 *
 * @param <O> the options, a class with picocli's {@link Command} annotation
 */
public abstract class ShellCommand<O extends CommonOptions> {
    /** Done; a comparison found nothing. */
    public static final int DONE = 0;
    /** Could not. */
    public static final int FAILED = 1;
    /** Called in a wrong way. */
    public static final int USAGE = 2;
    /** Compared or diagnosed, and found something. */
    public static final int FOUND = 3;
    /** Interrupted. */
    public static final int INTERRUPTED = 130;

    private static final int USAGE_WIDTH = 100;
    /** How picocli begins to tell of a value: with the option's name, or with an argument's label in brackets. */
    private static final Pattern WRONG_VALUE = Pattern.compile("Invalid value for "
            + "(?:option '(--?[^']+)'(?: \\([^)]*\\))?|positional parameter at index \\S+ \\(<?([^)>]+)>?\\)): (.*)");

    private final Surroundings surroundings;
    private final Supplier<O> fresh;

    /** @param options makes fresh options, all unset */
    protected ShellCommand(Surroundings surroundings, Supplier<O> options) {
        this.surroundings = surroundings;
        this.fresh = options;
    }

    /**
     * The parameters of parts that are options of this call.
     *
     * @param sketch what a first, forgiving look at the arguments found
     */
    protected List<ParameterGroup> parameters(O sketch) {
        return List.of();
    }

    /**
     * Does the work.
     *
     * @return one of the exit codes above
     * @throws LuthierException if it cannot be done
     * @throws Exception a defect
     */
    protected abstract int run(O options, Console console) throws Exception;

    /** The name with its scope: {@code "layer:diff"}. */
    public final String name() {
        return annotation().name();
    }

    /** One sentence for listings. */
    public final String summary() {
        return annotation().description()[0];
    }

    private Command annotation() {
        return fresh.get().getClass().getAnnotation(Command.class);
    }

    /** The help text, with the parameters of the default parts. */
    public final String help() {
        return specification(List.of(), Path.of(""))
                .commandLine()
                .getUsageMessage(Ansi.OFF)
                .stripTrailing();
    }

    /** What the command takes after some arguments, for completion. */
    final CommandSpec specification(List<String> arguments, Path folder) {
        return parser(fresh.get(), arguments, folder, new ArrayList<>()).getCommandSpec();
    }

    /**
     * Values that could be given, for completion; none where anything can.
     *
     * @param label what the help calls the value: {@code "MODEL"}
     */
    protected List<String> candidates(String label) {
        return List.of();
    }

    /** Runs the command; whatever happens ends in an exit code and, unless it is 0 or 3, in a line on the error stream. */
    public final int execute(List<String> arguments, Console console) {
        try {
            return attempt(arguments, console);
        } catch (CancelledException e) {
            console.fail(e.getMessage());
            return INTERRUPTED;
        }
    }

    /** Runs the command, and leaves it to the caller to say that it was interrupted.
     *
     * @throws CancelledException if it was */
    final int attempt(List<String> arguments, Console console) {
        try {
            O options = fresh.get();
            List<Parameter> parameters = new ArrayList<>();
            CommandLine parser = parser(options, arguments, console.folder(), parameters);
            ParseResult parsed = parser.parseArgs(arguments.toArray(String[]::new));
            if (options.global.help) {
                console.print(parser.getUsageMessage(Ansi.OFF).stripTrailing());
                return DONE;
            }
            if (options.global.version) {
                console.print("luthier " + Versions.luthier());
                return DONE;
            }
            options.check();
            if (options.global.heap != null && surroundings.isSet("luthier.interactive")) {
                throw new LuthierException(
                        "--heap can only be chosen when Luthier starts: leave the shell and start it with"
                                + " ./luthier --heap " + options.global.heap);
            }
            options.settings().putAll(PartOptions.read(parsed, parameters));
            return run(options, console.quiet(options.global.quiet));
        } catch (ParameterException e) {
            return misused(wording(e, console.folder()), console);
        } catch (UsageException e) {
            return misused(e.getMessage(), console);
        } catch (Throwable e) {
            return tell(e, console);
        } finally {
            // The interruption was for this command alone.
            Thread.interrupted();
        }
    }

    private CommandLine parser(O options, List<String> arguments, Path folder, List<Parameter> parameters) {
        O sketch = fresh.get();
        CommandLine first = configured(sketch, folder).setUnmatchedArgumentsAllowed(true);
        try {
            first.parseArgs(arguments.toArray(String[]::new));
        } catch (ParameterException e) {
            // The second look tells.
        }
        CommandLine second = configured(options, folder);
        parameters.addAll(PartOptions.add(second.getCommandSpec(), parameters(sketch)));
        return second;
    }

    private CommandLine configured(CommonOptions options, Path folder) {
        CommandLine line = new CommandLine(options)
                .setCommandName("luthier " + name())
                .setExpandAtFiles(false)
                .setAllowOptionsAsOptionParameters(false)
                .registerConverter(Integer.class, ShellCommand::wholeNumber)
                .registerConverter(int.class, ShellCommand::wholeNumber)
                .registerConverter(Path.class, text -> path(text, folder))
                // A path forgets the slash at its end.
                .registerConverter(
                        OutputPlan.Place.class,
                        text -> new OutputPlan.Place(
                                path(text, folder), text.endsWith("/") || text.endsWith(File.separator)));
        line.getCommandSpec()
                .usageMessage()
                .width(USAGE_WIDTH)
                .sortOptions(false)
                .abbreviateSynopsis(true)
                .parameterListHeading("%nArguments:%n");
        if (line.getCommandSpec().options().stream().anyMatch(option -> option.group() == null)) {
            line.getCommandSpec().usageMessage().optionListHeading("%nOptions:%n");
        }
        return line;
    }

    private static int wholeNumber(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("expected a whole number, got '" + text + "'");
        }
    }

    private static Path path(String text, Path folder) {
        if (text.isEmpty()) {
            throw new TypeConversionException("expected a file name, got an empty word");
        }
        if (text.equals("-")) {
            throw new TypeConversionException(
                    "standard input and output are not possible here: name a file, ./- if it is really called so");
        }
        try {
            return folder.resolve(text);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'" + text + "' cannot be a file name here: " + e.getReason());
        }
    }

    private static String fileHint(String word, Path folder) {
        try {
            return Files.exists(folder.resolve(word)) ? "; if it is the file of that name, put -- before it" : "";
        } catch (InvalidPathException e) {
            return "";
        }
    }

    private int misused(String why, Console console) {
        console.fail(name() + ": " + why);
        console.remark("Try: luthier " + name() + " --help");
        return USAGE;
    }

    private static String wording(ParameterException e, Path folder) {
        String message = e.getMessage().replaceFirst("^Error: ", "");
        Matcher value = WRONG_VALUE.matcher(message);
        if (value.matches()) {
            String subject = value.group(1) == null ? value.group(2) : value.group(1);
            String why = value.group(3);
            message = why.startsWith(subject + ": ") ? why : subject + ": " + why;
        }
        List<String> unmatched = e.getCommandLine().getUnmatchedArguments();
        // What seems to be missing may have been given to an option whose name is mistyped.
        boolean missing = e instanceof MissingParameterException || e instanceof UnmatchedArgumentException;
        if (missing && new UnmatchedArgumentException(e.getCommandLine(), unmatched).isUnknownOption()) {
            String option = unmatched.get(0);
            message = "unknown option " + option
                    + Nearest.hint(
                            option.replaceFirst("=.*", ""),
                            e.getCommandLine().getCommandSpec().optionsMap().keySet())
                    + fileHint(option, folder);
        }
        return message;
    }

    /** Says in one line why something could not be done; a defect's trace goes to the logs.
     *
     * @return the exit code for it
     * @throws CancelledException if it is an interruption that stands behind it */
    protected final int tell(Throwable e, Console console) {
        // Taken back before anything is written: an interrupted thread closes the channels it writes to.
        if (Thread.interrupted() || e instanceof CancelledException || e instanceof InterruptedException) {
            throw new CancelledException();
        }
        if (e instanceof LuthierException) {
            console.fail(e.getMessage());
            return FAILED;
        }
        if (e instanceof OutOfMemoryError) {
            console.fail("the Java memory of " + (Runtime.getRuntime().maxMemory() >> 20)
                    + " MB is not enough: start luthier with a larger --heap, for example --heap 4g");
            return FAILED;
        }
        console.fail("internal error: " + e + "; " + log(e));
        return FAILED;
    }

    private String log(Throwable defect) {
        Path logs = surroundings.logs();
        StringWriter trace = new StringWriter();
        defect.printStackTrace(new PrintWriter(trace));
        try {
            Files.createDirectories(logs);
            Path file = Files.createTempFile(logs, "internal-error-", ".log");
            Files.writeString(file, "luthier " + Versions.luthier() + ", " + name() + "\n" + trace);
            return "please report it with " + file;
        } catch (IOException e) {
            return "and " + logs + " could not be written: " + e.getMessage();
        }
    }
}
