package org.luthier.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The process that {@code ./luthier} starts: one command, or the interactive shell. */
public final class Main {
    /** A comparison found something: as much a success as 0. */
    private static final int FOUND = 3;

    private Main() {}

    /**
     * Exits with the command's code; 1 if Luthier cannot be started or its result not be written, 2
     * if the command line makes no sense, 130 if interrupted.
     *
     * <p>System properties, set by the script: {@code luthier.install} (the built or unpacked folder) and {@code luthier.stdin.tty}
     * (whether the standard input is a terminal); the shell also reads {@code luthier.stdout.tty} and {@code luthier.stderr.tty}.
     */
    public static void main(String[] arguments) {
        // Gogo puts a stream of its own in its place.
        PrintStream out = System.out;
        int code;
        try {
            code = run(Arguments.parse(arguments), out);
        } catch (LaunchException e) {
            System.err.println("luthier: " + e.getMessage());
            code = e.exitCode();
        }
        // Print streams keep their troubles to themselves.
        if (out.checkError()) {
            System.err.println("luthier: the result could not be written to the standard output: it is full or closed");
            code = code == 0 || code == FOUND ? 1 : code;
        }
        System.exit(code);
    }

    private static int run(Arguments arguments, PrintStream out) {
        if (arguments.version()) {
            out.println(resource("version.txt").strip());
            return 0;
        }
        if (arguments.help()) {
            out.print(resource("help.txt"));
            return 0;
        }
        // Relative names are looked for in it.
        Folders.checkLetters(System.getProperty("user.dir"), "the current folder");
        Signals signals = Signals.install();
        quietLogs();
        Launcher.Mode mode = !arguments.command().isEmpty()
                ? Launcher.Mode.COMMAND
                : Boolean.getBoolean("luthier.stdin.tty") ? Launcher.Mode.TERMINAL : Launcher.Mode.SESSION;
        Folders folders = Folders.of(Path.of(System.getProperty("luthier.install", ".")), System.getenv());
        TerminalShell shell = mode == Launcher.Mode.TERMINAL ? new TerminalShell() : null;
        try (Launcher launcher = Launcher.start(folders, mode, properties(arguments))) {
            try {
                signals.commandBegins();
                return switch (mode) {
                    case COMMAND -> launcher.run(arguments.command().toArray(String[]::new));
                    case SESSION -> PipedCommands.run(launcher.context(), signals, out);
                    case TERMINAL -> shell.await(folders.cache().resolve("logs"));
                };
            } catch (IOException e) {
                throw LaunchException.failed("cannot read the commands: " + e.getMessage(), e);
            } catch (InterruptedException e) {
                return 130;
            } finally {
                signals.commandEnded();
            }
        }
    }

    private static Map<String, String> properties(Arguments arguments) {
        Map<String, String> properties = new HashMap<>();
        properties.put("luthier.backend", backend(arguments.backend()));
        properties.put("luthier.quiet", Boolean.toString(arguments.quiet()));
        // https://no-color.org: set to anything but nothing.
        properties.put(
                "luthier.uncoloured",
                Boolean.toString(!System.getenv().getOrDefault("NO_COLOR", "").isEmpty()));
        if (arguments.threads() > 0) {
            properties.put("luthier.workers", Integer.toString(arguments.threads()));
        }
        return properties;
    }

    private static String backend(String asked) {
        return switch (asked) {
            case "auto", "cpu" -> "cpu";
            case "nd4j-cuda" -> {
                // The script has checked the GPU and put the right jars on the class path.
                if (Main.class.getResource("/org/nd4j/linalg/jcublas/JCublasBackend.class") == null) {
                    throw LaunchException.failed(
                            "ND4J for CUDA is not on the class path: start Luthier by its script, ./luthier");
                }
                yield asked;
            }
            case "cuda" ->
                throw LaunchException.failed(
                        "the backend cuda (own kernels, for GPUs newer than compute capability 8.9)"
                                + " is not part of this version; use --backend cpu or --backend nd4j-cuda");
            default ->
                throw LaunchException.misused("--backend: expected auto, cpu, nd4j-cuda or cuda, got '" + asked + "'");
        };
    }

    /** Warnings only, and on the error stream. */
    private static void quietLogs() {
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.logFile", "System.err");
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.showThreadName", "false");
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.showLogName", "false");
        System.getProperties().putIfAbsent("slf4j.internal.verbosity", "WARN");
        // It prints the stack trace of a backend that does not load, before ND4J throws; the command says it in one
        // line.
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.log.org.nd4j.linalg.factory.Nd4jBackend", "off");
    }

    private static String resource(String name) {
        try (InputStream in = Main.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
