package org.luthier.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.files.Sha256;

/**
 * The bytes of one open file, read at any place by several threads; every failure is a {@link CheckpointException}. A thread that is
 * interrupted while it reads gets a {@link CancelledException}, and the file is closed for all.
 */
final class FileBytes implements AutoCloseable {
    /** Largest array that every Java machine can make. */
    static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    private final Path path;
    private final SeekableByteChannel channel;
    private final long size;

    private FileBytes(Path path, SeekableByteChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        this.size = channel.size();
    }

    static FileBytes open(Path path) {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new CheckpointException(
                    path.toString(), -1, "not-a-file", "expected a file, found a folder or something else");
        }
        try {
            SeekableByteChannel channel = Files.newByteChannel(path);
            try {
                return new FileBytes(path, channel);
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** Whether a file's first bytes satisfy a check; false if it cannot be read. */
    static boolean startsWith(Path path, int atMost, java.util.function.Predicate<ByteBuffer> check) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(path)) {
            return check.test(ByteBuffer.wrap(in.readNBytes(atMost)).order(ByteOrder.LITTLE_ENDIAN));
        } catch (IOException e) {
            return false;
        }
    }

    Path path() {
        return path;
    }

    /** Name without the path. */
    String name() {
        return path.getFileName().toString();
    }

    long size() {
        return size;
    }

    /** A little-endian buffer of exactly so many bytes, positioned at 0. */
    ByteBuffer read(long offset, long length) {
        if (offset < 0 || length < 0 || offset > size - length) {
            throw broken(offset, "truncated", "needs " + length + " bytes here, the file has " + size + " in all");
        }
        if (length > MAX_ARRAY) {
            throw broken(offset, "too-large", length + " bytes do not fit one buffer of at most " + MAX_ARRAY);
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
        try {
            while (buffer.hasRemaining()) {
                if (readSome(offset + buffer.position(), buffer) < 0) {
                    throw broken(offset + buffer.position(), "truncated", "the file became shorter while it was open");
                }
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return buffer.flip();
    }

    /** Reads from the file, from its start to its end or a part of it. */
    InputStream stream(long offset, long length) {
        return new InputStream() {
            private long at = offset;

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int from, int count) throws IOException {
                long left = offset + length - at;
                if (count == 0 || left <= 0) {
                    return count == 0 ? 0 : -1;
                }
                int got = readSome(at, ByteBuffer.wrap(target, from, (int) Math.min(count, left)));
                at += Math.max(0, got);
                return got;
            }
        };
    }

    private int readSome(long offset, ByteBuffer target) throws IOException {
        if (channel instanceof FileChannel file) {
            return file.read(target, offset);
        }
        synchronized (channel) {
            return channel.position(offset).read(target);
        }
    }

    String sha256() {
        try (InputStream in = stream(0, size)) {
            return new Sha256().update(in).hex();
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    CheckpointException broken(long offset, String rule, String detail) {
        return new CheckpointException(path.toString(), offset, rule, detail);
    }

    static RuntimeException unreadable(Path path, IOException e) {
        if (e instanceof ClosedByInterruptException) {
            return new CancelledException();
        }
        String detail;
        if (e instanceof NoSuchFileException) {
            detail = "there is no such file";
        } else if (e instanceof AccessDeniedException) {
            detail = "no permission to read it";
        } else if (e instanceof ClosedChannelException) {
            detail = "it was closed before";
        } else {
            detail = "cannot be read: " + e.getMessage();
        }
        return new CheckpointException(path.toString(), -1, "unreadable", detail, e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }
}
