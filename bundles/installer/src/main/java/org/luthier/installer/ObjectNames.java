package org.luthier.installer;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.luthier.api.LuthierException;

/** Judges the names that a server gives for files: each becomes a path inside one folder, on every system, or the whole list is refused. */
final class ObjectNames {
    private static final int MOST_NAMES = 10_000;
    private static final int LONGEST = 1024;
    private static final int LONGEST_STEP = 200;
    private static final int DEEPEST = 16;
    private static final int LONGEST_SHOWN = 100;

    private final String where;
    private final Set<String> files = new HashSet<>();
    private final Set<String> folders = new HashSet<>();

    /** @param where the list that has the names, for messages */
    ObjectNames(String where) {
        this.where = where;
    }

    /**
     * Takes a name.
     *
     * @throws LuthierException if it leaves the folder, is not a plain name on some system, was there before (large and small letters are
     *     the same), is a file and a folder at once, or is one too many
     */
    void add(String name) {
        require(name.getBytes(StandardCharsets.UTF_8).length <= LONGEST, name, "it is too long");
        String[] steps = name.split("/", -1);
        require(steps.length <= DEEPEST, name, "it has too many folders");
        for (String step : steps) {
            require(
                    !step.isEmpty() && !step.equals(".") && !step.equals(".."),
                    name,
                    "it does not stay inside the folder");
            require(
                    step.chars().noneMatch(c -> c < ' ' || c == 127 || "\\:*?\"<>|".indexOf(c) >= 0),
                    name,
                    "it has a character that file names cannot have");
            require(!step.endsWith(".") && !step.endsWith(" "), name, "it ends in a dot or a blank");
            require(step.getBytes(StandardCharsets.UTF_8).length <= LONGEST_STEP, name, "it is too long");
        }
        String folded = name.toLowerCase(Locale.ROOT);
        require(files.add(folded), name, "it is there twice");
        require(!folders.contains(folded), name, "it is a file and a folder at once");
        for (int slash = folded.indexOf('/'); slash >= 0; slash = folded.indexOf('/', slash + 1)) {
            String folder = folded.substring(0, slash);
            require(!files.contains(folder), name, "a folder in it is a file at once");
            folders.add(folder);
        }
        require(files.size() <= MOST_NAMES, name, "there are more than " + MOST_NAMES + " files");
    }

    private void require(boolean condition, String name, String why) {
        if (!condition) {
            throw new LuthierException(where + ": refused the file name '" + shown(name) + "': " + why);
        }
    }

    /** A text of a server as a message can have it: on one line, and not too long. */
    static String shown(String text) {
        String plain = text.replaceAll("\\p{Cntrl}", "?");
        return plain.length() <= LONGEST_SHOWN ? plain : plain.substring(0, LONGEST_SHOWN) + "...";
    }
}
