package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;

/** Opens checkpoints of any known format, told by their content. */
public final class Checkpoints {
    private final List<CheckpointFormat> formats;

    /** @param formats asked in this order */
    public Checkpoints(List<CheckpointFormat> formats) {
        this.formats = List.copyOf(formats);
    }

    /** Opens the formats of this bundle: safetensors, alone and in shards, npy, npz, TF.js graph models, T5X folders and PyTorch files. */
    public static Checkpoints builtIn() {
        return new Checkpoints(List.of(
                new SafetensorsFormat(),
                new ShardedSafetensorsFormat(),
                new NpyFormat(),
                new NpzFormat(),
                new TfjsFormat(),
                new T5xFormat(),
                new TorchFormat()));
    }

    /** The formats, in the order they are asked. */
    public List<CheckpointFormat> formats() {
        return formats;
    }

    /**
     * Opens a checkpoint and checks its structure.
     *
     * @throws CheckpointException if there is no such file, no format knows it, or it breaks a rule of its format
     */
    public Checkpoint open(Path path) {
        if (!Files.exists(path)) {
            throw unreadable(
                    path,
                    Files.isSymbolicLink(path)
                            ? "it is a link to what does not exist"
                            : "there is no such file or folder");
        }
        if (!Files.isReadable(path)) {
            throw unreadable(path, "no permission to read it");
        }
        for (CheckpointFormat format : formats) {
            if (format.recognises(path)) {
                return format.open(path);
            }
        }
        throw new CheckpointException(
                path.toString(),
                -1,
                "unknown-format",
                what(path) + "; expected one of: "
                        + formats.stream().map(CheckpointFormat::description).collect(Collectors.joining(", ")));
    }

    private static CheckpointException unreadable(Path path, String detail) {
        return new CheckpointException(path.toString(), -1, "unreadable", detail);
    }

    /** What is no checkpoint, where that helps: mostly it is a download that went wrong. */
    private static String what(Path path) {
        if (Files.isDirectory(path)) {
            return "no checkpoint lies in this folder";
        }
        if (!Files.isRegularFile(path)) {
            return "it is neither a file nor a folder";
        }
        if (FileBytes.startsWith(path, 1, start -> !start.hasRemaining())) {
            return "it is empty";
        }
        if (begins(path, "version https://git-lfs")) {
            return "it is a pointer of Git LFS, fetch the file itself with 'git lfs pull'";
        }
        if (begins(path, "<")) {
            return "it is a web page or XML, not what was to be downloaded";
        }
        return "not a checkpoint that can be read";
    }

    private static boolean begins(Path path, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return FileBytes.startsWith(path, bytes.length, start -> start.equals(ByteBuffer.wrap(bytes)));
    }
}
