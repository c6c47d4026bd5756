package org.luthier.shell.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.model.Execution;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options of every command. The launcher takes most of them out of its own command line; inside the shell they come here. */
public class CommonOptions {
    private static final int MOST_THREADS = 1024;
    private static final int LAST = 1000;
    private static final List<String> BACKENDS = List.of("auto", "cpu", "nd4j-cuda");

    @ArgGroup(validate = false, order = LAST, heading = "%nGlobal options:%n")
    final Global global = new Global();

    /** What the launcher understands too. */
    static final class Global {
        @Option(names = "--threads", paramLabel = "N", description = "Threads that work at once (default: the cores).")
        Integer threads;

        @Option(
                names = "--backend",
                paramLabel = "B",
                description = "auto, cpu or nd4j-cuda; chosen when Luthier starts (default: auto).")
        String backend;

        @Option(
                names = "--heap",
                paramLabel = "SIZE",
                description = "Java memory, for example 2g; chosen when Luthier starts.")
        String heap;

        @Option(names = "--quiet", description = "No progress and no remarks; warnings and errors stay.")
        boolean quiet;

        @Option(names = "--version", versionHelp = true, description = "Show Luthier's version.")
        boolean version;

        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Show this help.")
        boolean help;
    }

    private final Map<String, String> settings = new LinkedHashMap<>();

    /** What was said about parameters of parts: name to value, as written. */
    public final Map<String, String> settings() {
        return settings;
    }

    /**
     * Finds out what cannot be meant, whether the command uses it or not.
     *
     * @throws UsageException if a value is none that the option takes
     */
    final void check() {
        if (global.threads != null && (global.threads < 1 || global.threads > MOST_THREADS)) {
            throw new UsageException(
                    "--threads: expected a whole number from 1 to " + MOST_THREADS + ", got " + global.threads);
        }
        if (global.backend != null && !BACKENDS.contains(global.backend)) {
            throw new UsageException(
                    "--backend: expected " + String.join(", ", BACKENDS) + ", got '" + global.backend + "'");
        }
    }

    /**
     * What the command's model runs on.
     *
     * @param usual what jobs run on that do not say
     * @param kernels id of the kernels, or null for the usual ones
     * @throws LuthierException if an option asks for what only the start of a process can give
     */
    public final Execution execution(Execution usual, String kernels) {
        if (global.backend != null && !global.backend.equals("auto") && !global.backend.equals(usual.backend())) {
            throw new LuthierException("--backend " + global.backend
                    + " can only be chosen when Luthier starts, and this one runs on " + usual.backend()
                    + ": leave the shell and start it with ./luthier --backend " + global.backend);
        }
        int workers = global.threads == null ? usual.workers() : global.threads;
        return new Execution(usual.backend(), kernels == null ? usual.kernels() : kernels, workers);
    }
}
