package org.luthier.checkpoint;

/** Paths that files give for other files. */
final class RelativePath {
    /** More than any checkpoint has, and less than systems refuse. */
    private static final int LONGEST = 1024;

    private RelativePath() {}

    /** Whether a path with forward slashes stays inside the folder it is meant for, on every system. */
    static boolean isInside(String path) {
        if (path.length() > LONGEST || path.chars().anyMatch(c -> c == '\\' || c == ':' || Character.isISOControl(c))) {
            return false;
        }
        for (String step : path.split("/", -1)) {
            if (step.isEmpty() || step.equals(".") || step.equals("..")) {
                return false;
            }
        }
        return true;
    }
}
