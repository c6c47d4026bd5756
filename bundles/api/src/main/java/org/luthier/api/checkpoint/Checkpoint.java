package org.luthier.api.checkpoint;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A read-only map of names to tensors.
 *
 * <p>Opening one never runs code, never touches the network, and allocates in proportion to what is read. May be read from several
 * threads. Every failure is a {@link CheckpointException}.
 */
public interface Checkpoint extends AutoCloseable {
    /** Name of the file or folder, without its path. */
    String name();

    /** File format, for example {@code "safetensors"}. */
    String format();

    /** The tensors by name, in the order of the file. */
    Map<String, TensorInfo> tensors();

    /**
     * The bytes of one tensor: little-endian, row-major, contiguous, positioned at 0.
     *
     * @throws CheckpointException if there is no such tensor (with the nearest name) or it cannot be read
     */
    ByteBuffer read(String name);

    /**
     * The same bytes piece by piece, in order: a tensor that is only looked through need not be in memory, where the format allows it.
     *
     * @throws CheckpointException as {@link #read(String)} does
     */
    default void read(String name, Consumer<ByteBuffer> pieces) {
        pieces.accept(read(name));
    }

    /**
     * One tensor as floats; F64, F16 and BF16 are converted, integers must be exact.
     *
     * @throws CheckpointException if there is no such tensor, it cannot be read, or it is too large for one array
     */
    float[] floats(String name);

    /** What the file says about itself, as text. */
    Map<String, String> metadata();

    /** What a user should know, each one line. */
    List<String> warnings();

    /** sha256 of the file; of a T5X folder, of its sorted sha256sum lines. Lower-case hexadecimal. */
    String sha256();

    /** sha256 of each file that it consists of, by path in the folder with forward slashes; a file alone is called by its name. */
    default Map<String, String> files() {
        return Map.of(name(), sha256());
    }

    @Override
    void close();
}
