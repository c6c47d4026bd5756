package org.luthier.files;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The native libraries of FFmpeg and ND4J, which are unpacked into a cache when they are first used. */
public final class NativeLibraries {
    /** JavaCPP's property for the folder. */
    private static final String FOLDER = "org.bytedeco.javacpp.cachedir";
    /** What they take for the processors that most have; for others it is a little more or less. */
    private static final long SIZE = 500L << 20;

    private static final int MEGABYTE = 20;

    private NativeLibraries() {}

    /**
     * Why some that could not be loaded may not be there: what is said of a full disk depends on where in a library it was noticed.
     *
     * @return that the disk is full, and what to do; nothing if there is room for all of them
     */
    public static Optional<String> shortage() {
        String folder = System.getProperty(FOLDER);
        try {
            return folder == null ? Optional.empty() : shortage(Path.of(folder), free(Path.of(folder)));
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty();
        }
    }

    static Optional<String> shortage(Path folder, long free) throws IOException {
        long missing = SIZE - size(folder);
        return missing <= free
                ? Optional.empty()
                : Optional.of("the disk of " + folder + " is full: " + (free >> MEGABYTE)
                        + " MB are free, and about " + (missing >> MEGABYTE)
                        + " MB more are needed; make room there, or set LUTHIER_CACHE to a folder on another disk");
    }

    private static long size(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            long size = 0;
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                size += Files.isSymbolicLink(file) ? 0 : Files.size(file);
            }
            return size;
        }
    }

    private static long free(Path folder) throws IOException {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        return Files.getFileStore(there).getUsableSpace();
    }
}
