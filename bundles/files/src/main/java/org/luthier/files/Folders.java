package org.luthier.files;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What is done to whole folders, which no file system moves over each other or removes in one step. */
public final class Folders {
    private Folders() {}

    /** Removes a file, or a folder with all that is in it; links are removed, not followed. Nothing there is fine. */
    public static void delete(Path tree) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> found = Files.walk(tree)) {
            deepestFirst = found.sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path path : deepestFirst) {
            Files.deleteIfExists(path);
        }
    }

    /**
     * Gives a file or folder its final name. What has that name is moved aside before, and comes back if the new cannot take its place.
     *
     * @param staged on the same disk as the target
     * @param aside where what was there goes, beside the target; what is there itself is removed. The caller removes it afterwards
     */
    public static void replace(Path staged, Path target, Path aside) throws IOException {
        boolean replaces = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
        if (replaces) {
            delete(aside);
            Files.move(target, aside, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (replaces) {
                Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
    }
}
