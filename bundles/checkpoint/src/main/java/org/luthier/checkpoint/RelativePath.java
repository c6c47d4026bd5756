package org.luthier.checkpoint;

/** Paths that files give for other files. */
final class RelativePath {
    private RelativePath() {}

    /** Whether a path with forward slashes stays inside the folder it is meant for, on every system. */
    static boolean isInside(String path) {
        if (path.indexOf('\\') >= 0 || path.indexOf(':') >= 0 || path.indexOf('\0') >= 0) {
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
