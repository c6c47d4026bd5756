package org.luthier.installer;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.files.Folders;
import org.luthier.files.Reason;
import org.luthier.files.Sha256;

/**
 * The folder beside a model's weights in which they come together, and the lock that keeps it to one process.
 *
 * <pre>
 * models/.install.lock          held while a process installs
 * models/ID/.WEIGHTS.part/from  where the rest came from; from elsewhere everything begins anew
 *                        /files complete files; what becomes the weights, in one move
 *                        /partial/HASH and HASH.tag: the beginning of a file, and what the server called its version
 * </pre>
 */
final class Staging implements AutoCloseable {
    private final Path target;
    private final Path folder;
    private final FileChannel lock;

    private Staging(Path target, FileChannel lock) {
        this.target = target;
        this.folder = target.resolveSibling("." + target.getFileName() + ".part");
        this.lock = lock;
    }

    /**
     * Takes the lock and what an earlier attempt from the same place left.
     *
     * @param models folder of models
     * @param target the weights, in a folder of it
     * @param origin where they come from
     * @throws LuthierException if another process installs, or the folders cannot be made
     */
    static Staging open(Path models, Path target, String origin) {
        try {
            Files.createDirectories(models);
            FileChannel lock = lock(models.resolve(".install.lock"));
            try {
                Staging staging = new Staging(target, lock);
                staging.begin(origin);
                return staging;
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException e) {
            throw cannotWrite(target, e);
        }
    }

    private static FileChannel lock(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // In this process.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw new LuthierException("another installation is running (it holds " + file + "): wait for its end");
    }

    private void begin(String origin) throws IOException {
        Path from = folder.resolve("from");
        if (!Files.exists(from) || !Files.readString(from).equals(origin)) {
            Folders.delete(folder);
            Files.createDirectories(folder);
            Files.writeString(from, origin);
        }
        Files.createDirectories(partials());
        Files.createDirectories(files());
    }

    private Path partials() {
        return folder.resolve("partial");
    }

    /** What becomes the weights if they are a folder. */
    Path files() {
        return folder.resolve("files");
    }

    /** Where a complete file belongs, by its path in the weights. */
    Path complete(String path) {
        return files().resolve(path);
    }

    /** Where a file grows until it is complete. */
    Path partial(String path) {
        return partials().resolve(Sha256.hex(path.getBytes(StandardCharsets.UTF_8)));
    }

    /** Moves a file that grew to its place. */
    void finish(Path partial, Path complete) {
        try {
            force(partial);
            Files.createDirectories(complete.getParent());
            Files.move(partial, complete, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            Files.deleteIfExists(tagOf(partial));
        } catch (IOException e) {
            throw cannotWrite(complete, e);
        }
    }

    /** Removes complete files that an earlier attempt left and that no longer belong to the weights. */
    void retain(Set<String> paths) {
        try (Stream<Path> found = Files.walk(files())) {
            for (Path file : found.filter(Files::isRegularFile).toList()) {
                if (!paths.contains(files().relativize(file).toString().replace(File.separatorChar, '/'))) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw cannotWrite(files(), e);
        }
    }

    /** What the server called the version that a partial file is of, or null. */
    static String tag(Path partial) {
        try {
            return Files.readString(tagOf(partial));
        } catch (IOException e) {
            return null;
        }
    }

    /** Remembers the version that a partial file is of; null forgets it. */
    static void tag(Path partial, String tag) {
        try {
            if (tag == null) {
                Files.deleteIfExists(tagOf(partial));
            } else {
                Files.writeString(tagOf(partial), tag);
            }
        } catch (IOException e) {
            throw cannotWrite(partial, e);
        }
    }

    private static Path tagOf(Path partial) {
        return partial.resolveSibling(partial.getFileName() + ".tag");
    }

    /**
     * Gives what came together its final name, in one step, and removes the rest.
     *
     * @param staged the file or folder that becomes the weights
     */
    void install(Path staged) {
        try {
            Folders.replace(staged, target, folder.resolve("replaced"));
        } catch (IOException e) {
            throw cannotWrite(target, e);
        }
        discard();
    }

    /** Removes everything that came together. */
    void discard() {
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            throw cannotWrite(folder, e);
        }
    }

    /**
     * Finds out before long work that the disk has no room for it.
     *
     * @param total bytes of all files, those that are here already among them
     * @throws LuthierException with what is missing
     */
    void requireRoom(long total) {
        long free;
        long bytes = total;
        try (Stream<Path> here = Files.walk(folder)) {
            free = Files.getFileStore(folder).getUsableSpace();
            for (Path file : here.filter(Files::isRegularFile).toList()) {
                bytes -= Files.size(file);
            }
        } catch (IOException e) {
            throw cannotWrite(folder, e);
        }
        if (free < bytes) {
            throw new LuthierException("the disk is too full: " + bytes + " bytes are to come, " + free
                    + " are free at " + folder + "; make room, or set LUTHIER_HOME to another disk");
        }
    }

    private static void force(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    static LuthierException cannotWrite(Path path, IOException e) {
        return new LuthierException(
                "cannot write " + path + ": " + Reason.of(e)
                        + "; what was fetched is kept, run the command again to go on",
                e);
    }

    /** Gives the lock back. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw cannotWrite(folder, e);
        }
    }
}
