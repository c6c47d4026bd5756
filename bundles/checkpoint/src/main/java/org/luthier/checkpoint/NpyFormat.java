package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * One numpy array (.npy, versions 1.0 to 3.0), as a checkpoint of one tensor called {@code "array"}.
 *
 * <p>Little and big endian, row-major and column-major arrays come out little-endian and row-major. Arrays of Python objects,
 * records, text, dates, complex and larger unsigned numbers are refused by name.
 */
@Component(service = CheckpointFormat.class)
public final class NpyFormat implements CheckpointFormat {
    /** Name of the only tensor. */
    public static final String ARRAY = "array";

    @Override
    public String id() {
        return "npy";
    }

    @Override
    public String description() {
        return "numpy arrays (.npy)";
    }

    @Override
    public boolean recognises(Path path) {
        return FileBytes.startsWith(path, 6, NpyHeader::startsWithMagic);
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes file = FileBytes.open(path);
        try {
            NpyHeader header = NpyHeader.read(file.read(0, Math.min(file.size(), NpyHeader.MAX_BYTES)), file.size());
            return new Opened(file, new Array(header.tensor(ARRAY), header));
        } catch (NpyHeader.BrokenRule e) {
            file.close();
            throw file.broken(e.offset, e.rule, e.getMessage());
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private record Array(TensorInfo tensor, NpyHeader header) implements StoredCheckpoint.Stored {}

    private static final class Opened extends StoredCheckpoint<Array> {
        private final FileBytes file;

        Opened(FileBytes file, Array array) {
            super("npy", file, Map.of(ARRAY, array), Map.of());
            this.file = file;
        }

        @Override
        ByteBuffer bytes(Array array) {
            NpyHeader header = array.header();
            return header.rowMajor(file.read(header.dataOffset(), file.size() - header.dataOffset()));
        }
    }
}
