package org.luthier.launcher;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A command line, as far as the launcher understands it.
 *
 * <p>Options before the command are the launcher's. From the command on everything is the command's own and is handed over as it is:
 * only the command knows which of its options take a value, so nothing is taken out. It knows the global options too; of those behind
 * it the launcher reads the backend, because that must be known before the framework starts.
 *
 * @param backend as given, or {@code "auto"}
 * @param threads as given, or 0
 * @param quiet no progress and no remarks
 * @param help help was asked for, and no command named
 * @param version the version was asked for before any command
 * @param command the command and its arguments; empty for the interactive shell
 */
record Arguments(String backend, int threads, boolean quiet, boolean help, boolean version, List<String> command) {
    private static final int MOST_THREADS = 1024;

    static Arguments parse(String... line) {
        for (String word : line) {
            Folders.checkLetters(word, "the argument");
        }
        String backend = null;
        int threads = 0;
        boolean quiet = false;
        boolean help = false;
        boolean version = false;
        int at = 0;
        while (at < line.length && line[at].startsWith("-")) {
            String word = line[at++];
            if (word.equals("--")) {
                break;
            }
            int equals = word.startsWith("--") ? word.indexOf('=') : -1;
            String name = equals < 0 ? word : word.substring(0, equals);
            if (name.equals("--backend") || name.equals("--threads") || name.equals("--heap")) {
                if (equals < 0 && at == line.length) {
                    throw LaunchException.misused(name + " needs a value");
                }
                String value = equals < 0 ? line[at++] : word.substring(equals + 1);
                switch (name) {
                    case "--backend" -> backend = value;
                    case "--threads" -> threads = threads(value);
                    default -> checkHeap(value);
                }
                continue;
            }
            switch (word) {
                case "--quiet" -> quiet = true;
                case "--help", "-h" -> help = true;
                case "--version" -> version = true;
                default ->
                    throw LaunchException.misused("unknown option " + word
                            + (new File(word).exists()
                                    ? "; if it is an audio file: luthier transcribe -- " + word
                                    : ""));
            }
        }
        List<String> command = new ArrayList<>(Arrays.asList(line).subList(at, line.length));
        if (help && !command.isEmpty()) {
            command.add(1, "--help");
            help = false;
        }
        if (backend == null) {
            backend = behind(command, "--backend");
        }
        return new Arguments(backend == null ? "auto" : backend, threads, quiet, help, version, List.copyOf(command));
    }

    /** The value of an option behind the command, or null; the words after {@code --} are no options. */
    private static String behind(List<String> command, String option) {
        for (int i = 1; i < command.size() && !command.get(i).equals("--"); i++) {
            String word = command.get(i);
            if (word.equals(option) && i + 1 < command.size()) {
                return command.get(i + 1);
            }
            if (word.startsWith(option + "=")) {
                return word.substring(option.length() + 1);
            }
        }
        return null;
    }

    private static int threads(String value) {
        try {
            int threads = Integer.parseInt(value);
            if (threads >= 1 && threads <= MOST_THREADS) {
                return threads;
            }
        } catch (NumberFormatException e) {
            // Told below.
        }
        throw LaunchException.misused(
                "--threads: expected a whole number from 1 to " + MOST_THREADS + ", got '" + value + "'");
    }

    /** The size was given to the Java machine already, by the script; here it is only checked. */
    private static void checkHeap(String value) {
        if (!value.matches("[1-9][0-9]*[kKmMgG]")) {
            throw LaunchException.misused("--heap: expected a size like 512m or 2g, got '" + value + "'");
        }
    }
}
