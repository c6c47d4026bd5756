package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * What the checkpoints of all formats have in common.
 *
 * @param <T> what a format knows of a tensor: where its bytes are
 */
abstract class StoredCheckpoint<T extends StoredCheckpoint.Stored> implements Checkpoint {
    /** A tensor in a file. */
    interface Stored {
        TensorInfo tensor();
    }

    private final String format;
    private final FileBytes file;
    private final Map<String, T> stored;
    private final Map<String, TensorInfo> tensors;
    private final Map<String, String> metadata;

    /** @param file the file that errors are about; closed with this checkpoint */
    StoredCheckpoint(String format, FileBytes file, Map<String, T> stored, Map<String, String> metadata) {
        this.format = format;
        this.file = file;
        this.stored = stored;
        Map<String, TensorInfo> infos = new LinkedHashMap<>();
        stored.forEach((name, each) -> infos.put(name, each.tensor()));
        this.tensors = Collections.unmodifiableMap(infos);
        this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    /** The bytes of a tensor, as {@link #read} returns them. */
    abstract ByteBuffer bytes(T tensor);

    /** The same bytes piece by piece. */
    void pieces(T tensor, Consumer<ByteBuffer> pieces) {
        pieces.accept(bytes(tensor));
    }

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
        return bytes(stored(name)).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public final void read(String name, Consumer<ByteBuffer> pieces) {
        pieces(stored(name), pieces);
    }

    @Override
    public final float[] floats(String name) {
        return Floats.of(file.path().toString(), stored(name).tensor(), read(name));
    }

    private T stored(String name) {
        T tensor = stored.get(name);
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
