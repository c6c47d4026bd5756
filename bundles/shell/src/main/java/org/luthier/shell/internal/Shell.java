package org.luthier.shell.internal;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.ToIntFunction;
import org.luthier.files.text.TextTable;
import org.luthier.workbench.Versions;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * The commands by name, and the way to them from a command line that an operating system has already cut into words: no word is looked
 * into, so that {@code a b;c$.wav} is the name of a file.
 */
@Component(
        service = {Shell.class, ToIntFunction.class},
        property = "luthier.main:Boolean=true")
public final class Shell implements ToIntFunction<String[]> {
    private static final Set<String> AUDIO = Set.of(
            "wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "mp4", "aif", "aiff", "wma", "webm", "mka", "au",
            "caf");

    private final Map<String, ShellCommand<?>> commands = new ConcurrentSkipListMap<>();
    private final Surroundings surroundings;

    @Activate
    public Shell(@Reference Surroundings surroundings) {
        this.surroundings = surroundings;
        add(new HelpCommand(surroundings, this));
    }

    /** Adds a command, or replaces the one of its name. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "remove")
    public void add(ShellCommand<?> command) {
        commands.put(command.name(), command);
    }

    /** Takes a command away. */
    public void remove(ShellCommand<?> command) {
        commands.remove(command.name(), command);
    }

    /** The commands, sorted by name. */
    public Collection<ShellCommand<?>> commands() {
        return commands.values();
    }

    /** A command, or null. */
    public ShellCommand<?> command(String name) {
        return commands.get(name);
    }

    /** Runs one command line in this thread with the process's own streams; interrupting the thread ends it.
     *
     * @return the exit code */
    @Override
    public int applyAsInt(String[] words) {
        return run(List.of(words), console(System.out, System.err));
    }

    private Console console(PrintStream out, PrintStream err) {
        return new Console(
                out,
                err,
                surroundings.isSet("luthier.stderr.tty"),
                surroundings.colours(surroundings.isSet("luthier.stdout.tty")),
                surroundings.isSet("luthier.quiet"),
                Path.of(""));
    }

    /** Runs one command line. */
    int run(List<String> words, Console console) {
        if (words.isEmpty()) {
            console.fail("no command given");
            overview().lines().forEach(console::remark);
            return ShellCommand.USAGE;
        }
        String first = words.get(0);
        List<String> rest = words.subList(1, words.size());
        ShellCommand<?> command = commands.get(first);
        if (command != null) {
            return command.execute(rest, console);
        }
        if (first.equals("--version")) {
            console.print("luthier " + Versions.luthier());
            return ShellCommand.DONE;
        }
        if (first.equals("--help") || first.equals("-h")) {
            return commands.get("help").execute(rest, console);
        }
        if (looksLikeAudio(first) && commands.containsKey("transcribe")) {
            return commands.get("transcribe").execute(words, console);
        }
        console.fail(unknown(first));
        console.remark("Try: luthier help");
        return ShellCommand.USAGE;
    }

    /** What commands there are. */
    String overview() {
        StringBuilder text = new StringBuilder();
        text.append("Usage: luthier [OPTIONS] COMMAND [ARGUMENTS]      one command\n");
        text.append("       luthier AUDIO [OPTIONS]                   short for transcribe\n");
        text.append("       luthier                                   a shell with completion and history\n");
        text.append("       luthier <SCRIPT                           a file of commands, one a line\n\n");
        text.append("Commands:\n");
        TextTable table = new TextTable();
        commands.values().forEach(command -> table.row("  " + command.name(), command.summary()));
        text.append(table);
        text.append("\n\nGlobal options, before the command or after it:\n");
        text.append(new TextTable()
                .row("  --backend B", "auto, cpu or nd4j-cuda (default: auto)")
                .row("  --threads N", "threads that work at once (default: the processor's cores)")
                .row("  --heap SIZE", "Java memory, for example 2g")
                .row("  --quiet", "no progress and no remarks")
                .row("  --version", "show Luthier's version")
                .row("  --help", "show help; luthier COMMAND --help tells all about a command"));
        return text.toString();
    }

    /** What is said of a name that no command has. */
    String unknown(String name) {
        if (name.startsWith("-")) {
            return "unknown option " + name + " before the command";
        }
        return "unknown command '" + name + "'" + Nearest.hint(name, commands.keySet());
    }

    private static boolean looksLikeAudio(String word) {
        String suffix = word.substring(word.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        if (word.startsWith("-")) {
            return false;
        }
        try {
            return AUDIO.contains(suffix) || Files.exists(Path.of(word));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
