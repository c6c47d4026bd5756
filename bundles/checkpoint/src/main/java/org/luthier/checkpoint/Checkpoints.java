package org.luthier.checkpoint;

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

    /** Opens the formats of this bundle: safetensors, npy, npz, TF.js graph models, T5X folders and PyTorch files. */
    public static Checkpoints builtIn() {
        return new Checkpoints(List.of(
                new SafetensorsFormat(),
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
            throw new CheckpointException(path.toString(), -1, "unreadable", "there is no such file or folder");
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
                "not a checkpoint that can be read; expected one of: "
                        + formats.stream().map(CheckpointFormat::description).collect(Collectors.joining(", ")));
    }
}
