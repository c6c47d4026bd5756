package org.luthier.converter;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.files.Folders;
import org.luthier.files.IOConsumer;

/** Writes folders that are either there, complete, or not there at all: filled under another name beside it, then moved. */
final class AtomicFolder {
    private AtomicFolder() {}

    /**
     * Refuses a target that cannot be written.
     *
     * @param overwrite whether what exists may be replaced
     * @param replaceable what an existing folder must be, so that no other is lost
     */
    static void check(Path target, boolean overwrite, Predicate<Path> replaceable) {
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            if (!overwrite) {
                throw new LuthierException(target + " exists; use --force to replace it");
            }
            if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS) || !replaceable.test(target)) {
                throw new LuthierException(
                        "cannot write " + target + ": what is there is no folder of this kind; name another one");
            }
        }
        Path parent = target.toAbsolutePath().getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new LuthierException("cannot write " + target + ": the folder " + parent + " does not exist");
        }
        if (!Files.isWritable(parent)) {
            throw new LuthierException("cannot write " + target + ": no permission to write in " + parent);
        }
    }

    /** Writes a folder that {@link #check} does not refuse. */
    static void write(Path target, IOConsumer<Path> writer) throws IOException {
        Path place = target.toAbsolutePath().normalize();
        Path temporary = place.resolveSibling(".luthier-" + UUID.randomUUID() + ".part");
        Path old = place.resolveSibling(".luthier-" + UUID.randomUUID() + ".old");
        try {
            Files.createDirectory(temporary);
            writer.accept(temporary);
            force(temporary);
            Folders.replace(temporary, place, old);
        } finally {
            Folders.delete(temporary);
        }
        // Not before the new one is there: until then it is all there is.
        Folders.delete(old);
    }

    private static void force(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
            }
        }
    }
}
