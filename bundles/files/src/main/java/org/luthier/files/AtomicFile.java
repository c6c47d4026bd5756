package org.luthier.files;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;

/**
 * Writes files that are either there, complete, or not there at all.
 *
 * <p>The bytes go to a temporary file in the target's folder, which is forced to the disk and takes the target's name in one step. A
 * failure, a cancellation or an interrupt at any moment leaves the folder as it was. A target that is a symbolic link stays one: the
 * file that it points to is replaced.
 */
public final class AtomicFile {
    private AtomicFile() {}

    /**
     * Writes a file.
     *
     * @param target the file; its folder must exist
     * @param overwrite whether an existing file may be replaced
     * @param writer writes the content; what it throws is passed on, after the temporary file is gone. The stream is buffered
     * @throws LuthierException if the target is refused (see {@link #check}) or the writing fails
     * @throws CancelledException if the thread was interrupted
     */
    public static void write(Path target, boolean overwrite, IOConsumer<OutputStream> writer) {
        check(target, overwrite);
        try {
            Path file = Files.isSymbolicLink(target) ? target.toRealPath() : target.toAbsolutePath();
            Path temporary = file.resolveSibling(".luthier-" + UUID.randomUUID() + ".part");
            try {
                fill(temporary, writer);
                rename(temporary, file, overwrite);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (ClosedByInterruptException e) {
            throw new CancelledException();
        } catch (FileAlreadyExistsException e) {
            throw exists(target);
        } catch (AccessDeniedException e) {
            throw new LuthierException("cannot write " + target + ": no permission to write in its folder", e);
        } catch (IOException e) {
            throw new LuthierException("cannot write " + target + ": " + reason(e), e);
        }
    }

    /**
     * Refuses a target that {@link #write} would refuse, for callers with long work ahead of the writing.
     *
     * @throws LuthierException if the target is a directory or no plain file, exists and may not be replaced, or its folder is
     *     missing or not writable
     */
    public static void check(Path target, boolean overwrite) {
        if (Files.isDirectory(target)) {
            throw new LuthierException("cannot write " + target + ": it is a directory, a file name is needed");
        }
        if (Files.isSymbolicLink(target) && !Files.exists(target)) {
            throw new LuthierException("cannot write " + target + ": it is a link to a file that does not exist");
        }
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            throw new LuthierException("cannot write " + target + ": it is not a plain file");
        }
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !overwrite) {
            throw exists(target);
        }
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.exists(folder)) {
            throw new LuthierException("cannot write " + target + ": the folder " + folder + " does not exist");
        }
        if (!Files.isDirectory(folder)) {
            throw new LuthierException("cannot write " + target + ": " + folder + " is not a folder");
        }
        if (!Files.isWritable(folder)) {
            throw new LuthierException("cannot write " + target + ": no permission to write in " + folder);
        }
    }

    private static void fill(Path temporary, IOConsumer<OutputStream> writer) throws IOException {
        try (FileChannel channel =
                        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16)) {
            writer.accept(out);
            out.flush();
            channel.force(true);
        }
    }

    private static void rename(Path temporary, Path file, boolean overwrite) throws IOException {
        if (overwrite) {
            try {
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
            }
            return;
        }
        try {
            // Unlike a move, a link never replaces a file that somebody else wrote since the check.
            Files.createLink(file, temporary);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (UnsupportedOperationException | IOException e) {
            Files.move(temporary, file);
        }
    }

    private static LuthierException exists(Path target) {
        return new LuthierException(target + " exists; use --force to replace it");
    }

    /** Java's own messages name the temporary file, which means nothing to a user. */
    private static String reason(IOException e) {
        return e instanceof NoSuchFileException ? "its folder went away" : Reason.of(e);
    }
}
