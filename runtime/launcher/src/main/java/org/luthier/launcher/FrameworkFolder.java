package org.luthier.launcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The framework's own cache: a fresh folder for each process, so that any number may run at once and none sees what another left.
 *
 * <p>A process holds the lock of a file in its folder for as long as it lives, however it ends. A folder whose lock is free belonged to a
 * process that crashed, and is removed by the next one that starts.
 */
final class FrameworkFolder implements AutoCloseable {
    private static final String LOCK = "lock";
    /** Bytes that what is kept of all bundles fits into several times. */
    private static final long LEAST = 1 << 20;
    /**
     * The folders of this process; guarded by the class. They are never looked into: closing any file closes all locks that the process
     * holds on it.
     */
    private static final Set<Path> OWN = new HashSet<>();

    private final Path path;
    private final FileChannel channel;

    private FrameworkFolder(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /**
     * Removes what crashed processes left and makes a folder for this one.
     *
     * @param parent where the folders of all processes are; made if missing
     */
    static FrameworkFolder create(Path parent) {
        try {
            Files.createDirectories(parent);
            // Between making a folder and locking it, it looks like one that a crash left: one process at a time.
            synchronized (FrameworkFolder.class) {
                try (FileChannel gate = open(parent.resolve(LOCK))) {
                    gate.lock();
                    removeStale(parent);
                    Path path = Files.createTempDirectory(parent, "process-");
                    FileChannel channel = open(path.resolve(LOCK));
                    channel.lock();
                    OWN.add(path);
                    return new FrameworkFolder(path, channel);
                }
            }
        } catch (IOException e) {
            // Java's messages are often a file's name and nothing else.
            String why = e instanceof FileSystemException system && system.getReason() != null
                    ? system.getReason()
                    : e.getClass().getSimpleName() + ": " + e.getMessage();
            throw LaunchException.failed(
                    "cannot write in " + parent + " (" + why + "); set LUTHIER_CACHE to a folder that you can write",
                    e);
        }
    }

    private static FileChannel open(Path lock) throws IOException {
        return FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static void removeStale(Path parent) throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, "process-*")) {
            for (Path folder : folders) {
                if (!OWN.contains(folder) && isAbandoned(folder)) {
                    delete(folder);
                }
            }
        }
    }

    private static boolean isAbandoned(Path folder) {
        try (FileChannel channel = open(folder.resolve(LOCK));
                FileLock lock = channel.tryLock()) {
            return lock != null;
        } catch (IOException e) {
            // Another user's.
            return false;
        }
    }

    Path path() {
        return path;
    }

    /** Whether there is no room for anything on its disk. */
    boolean isFull() {
        try {
            return Files.getFileStore(path).getUsableSpace() < LEAST;
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes the folder. */
    @Override
    public void close() {
        synchronized (FrameworkFolder.class) {
            OWN.remove(path);
        }
        delete(path);
        try {
            channel.close();
        } catch (IOException e) {
            // The lock ends with the process.
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> content = Files.walk(folder)) {
            List<Path> deepestFirst = content.sorted(Comparator.reverseOrder()).toList();
            for (Path each : deepestFirst) {
                Files.deleteIfExists(each);
            }
        } catch (IOException | UncheckedIOException e) {
            // Whatever stays is tried again by the next process.
        }
    }
}
