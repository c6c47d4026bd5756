package org.luthier.launcher;

import java.io.File;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Where Luthier keeps things. Nothing here is created before something is put into it.
 *
 * @param install what was built or unpacked: bundles, features, models
 * @param home weights, plug-ins and configuration of the user
 * @param cache what can be made again: natives, logs, the frameworks of running processes
 */
public record Folders(Path install, Path home, Path cache) {
    /** What Java puts in place of letters that are not in the encoding of file names, so that the file is not found. */
    private static final char NO_LETTER = '\uFFFD';

    public Folders {
        install = install.toAbsolutePath().normalize();
        home = home.toAbsolutePath().normalize();
        cache = cache.toAbsolutePath().normalize();
        checkLetters(install.toString(), "the folder in which Luthier is,");
        checkName("LUTHIER_HOME", home);
        checkName("LUTHIER_CACHE", cache);
    }

    /** The watcher of the plug-ins folder takes its folders as text, in which these mean something. */
    private static void checkName(String variable, Path folder) {
        checkLetters(folder.toString(), variable);
        if (folder.toString().contains(",") || folder.toString().contains("${")) {
            throw LaunchException.failed("the folder " + folder
                    + " cannot be used: its name holds a comma or '${'; set " + variable + " to another one");
        }
    }

    /**
     * Finds out that a name has other letters than those of UTF-8, for which Java has no way to the file.
     *
     * @param what what the name is, for the message
     * @throws LaunchException if it has
     */
    static void checkLetters(String name, String what) {
        if (name.indexOf(NO_LETTER) >= 0 && !new File(name).exists()) {
            throw LaunchException.failed(what + " '" + name.replace(NO_LETTER, '?')
                    + "' is not in UTF-8, and Java opens no file or folder with such a name: rename that, or give it a"
                    + " link with another name (ln -s)");
        }
    }

    /**
     * The folders that the environment names: {@code LUTHIER_HOME} and {@code LUTHIER_CACHE}, else {@code luthier} in the data and cache
     * folders of the XDG base directory specification.
     */
    public static Folders of(Path install, Map<String, String> environment) {
        return new Folders(
                install,
                folder(environment, "LUTHIER_HOME", "XDG_DATA_HOME", ".local/share"),
                folder(environment, "LUTHIER_CACHE", "XDG_CACHE_HOME", ".cache"));
    }

    private static Path folder(Map<String, String> environment, String own, String xdg, String otherwise) {
        try {
            String named = environment.getOrDefault(own, "");
            if (!named.isBlank()) {
                return Path.of(named);
            }
            // The specification says that a relative path is to be ignored.
            String base = environment.getOrDefault(xdg, "");
            if (!base.isBlank() && Path.of(base).isAbsolute()) {
                return Path.of(base, "luthier");
            }
            String home = environment.getOrDefault("HOME", "");
            return Path.of(home.isBlank() ? System.getProperty("user.home") : home, otherwise, "luthier");
        } catch (InvalidPathException e) {
            throw LaunchException.failed(own + " names no folder: " + e.getMessage(), e);
        }
    }

    Path plugins() {
        return home.resolve("plugins");
    }
}
