package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;

/** What the checkpoints of all formats have in common; a format adds where the bytes of a tensor are. */
abstract class StoredCheckpoint implements Checkpoint {
    private final String format;
    private final FileBytes file;
    private final Map<String, TensorInfo> tensors;
    private final Map<String, String> metadata;

    /** @param file the file that errors are about; closed with this checkpoint */
    StoredCheckpoint(String format, FileBytes file, Map<String, TensorInfo> tensors, Map<String, String> metadata) {
        this.format = format;
        this.file = file;
        this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
        this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    /** The bytes of a tensor that exists, as {@link #read} returns them. */
    abstract ByteBuffer bytes(TensorInfo tensor);

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public final String format() {
        return format;
    }

    @Override
    public final Map<String, TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public final Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public List<String> warnings() {
        return List.of();
    }

    @Override
    public String sha256() {
        return file.sha256();
    }

    @Override
    public final ByteBuffer read(String name) {
        return bytes(info(name)).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public final float[] floats(String name) {
        return Floats.of(file.path().toString(), info(name), read(name));
    }

    private TensorInfo info(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException(
                    file.path().toString(),
                    -1,
                    "no-such-tensor",
                    "there is no tensor '" + name + "'" + Names.nearest(name, tensors.keySet()));
        }
        return tensor;
    }

    @Override
    public void close() {
        file.close();
    }
}
