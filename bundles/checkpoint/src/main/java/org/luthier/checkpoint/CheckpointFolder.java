package org.luthier.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.files.Sha256;

/**
 * The files that a checkpoint of several files consists of: nothing outside their folder is opened. What is read whole is summed up in
 * passing, the rest when a checksum is asked for. Used by several threads.
 */
final class CheckpointFolder {
    private static final String NOT_YET = "";

    private final Path folder;
    private final Path real;
    private final Map<String, String> sums = Collections.synchronizedMap(new TreeMap<>());
    private volatile boolean closed;

    CheckpointFolder(Path folder) {
        this.folder = folder;
        try {
            this.real = folder.toRealPath();
        } catch (IOException e) {
            throw FileBytes.unreadable(folder, e);
        }
    }

    /** The folder's own name. */
    String name() {
        return real.getFileName() == null ? real.toString() : real.getFileName().toString();
    }

    /** Where a path with forward slashes lies. */
    Path resolve(String path) {
        return folder.resolve(path);
    }

    /** Counts a file as one of the checkpoint's. */
    void add(String path) {
        sums.put(path, NOT_YET);
    }

    /**
     * What a path leads to, links followed.
     *
     * @throws CheckpointException with the rule {@code outside} if that is not in the folder
     */
    Path real(String path) {
        if (!RelativePath.isInside(path)) {
            throw new CheckpointException(
                    folder.toString(), -1, "outside", "'" + Names.brief(path) + "' is no path inside the folder");
        }
        try {
            Path target = resolve(path).toRealPath();
            if (!target.startsWith(real)) {
                throw broken(path, -1, "outside", "it is a link out of the checkpoint's folder, to " + target);
            }
            return target;
        } catch (IOException e) {
            throw FileBytes.unreadable(resolve(path), e);
        }
    }

    /** Opens a file inside the folder; the caller closes it. */
    FileBytes open(String path) {
        if (closed) {
            throw broken(path, -1, "unreadable", "it was closed before");
        }
        real(path);
        return FileBytes.open(resolve(path));
    }

    /**
     * A whole file.
     *
     * @param limit bytes that it may have
     */
    ByteBuffer read(String path, long limit) {
        try (FileBytes file = open(path)) {
            if (file.size() > limit) {
                throw file.broken(
                        -1, "too-large", "it has " + file.size() + " bytes, at most " + limit + " make sense");
            }
            ByteBuffer bytes = file.read(0, file.size());
            if (NOT_YET.equals(sums.get(path))) {
                sums.put(path, Sha256.hex(bytes));
            }
            return bytes;
        }
    }

    /** sha256 of each file, by path. */
    Map<String, String> files() {
        List<String> paths;
        synchronized (sums) {
            paths = List.copyOf(sums.keySet());
        }
        paths.parallelStream().filter(path -> NOT_YET.equals(sums.get(path))).forEach(path -> {
            try (FileBytes file = open(path)) {
                sums.put(path, file.sha256());
            }
        });
        Map<String, String> files = new LinkedHashMap<>();
        paths.forEach(path -> files.put(path, sums.get(path)));
        return Collections.unmodifiableMap(files);
    }

    /** sha256 of the sorted lines that sha256sum prints for the files. */
    String sha256() {
        String lines = files().entrySet().stream()
                .map(file -> file.getValue() + "  " + file.getKey() + "\n")
                .sorted()
                .collect(Collectors.joining());
        return Sha256.hex(lines.getBytes(StandardCharsets.UTF_8));
    }

    CheckpointException broken(String path, long offset, String rule, String detail) {
        return new CheckpointException(resolve(path).toString(), offset, rule, detail);
    }

    /** Ends the reading. */
    void close() {
        closed = true;
    }
}
