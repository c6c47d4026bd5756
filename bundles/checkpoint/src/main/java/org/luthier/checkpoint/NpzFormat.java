package org.luthier.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * Several numpy arrays in a zip file (.npz, stored or deflated); a tensor has its entry's name without {@code .npy}.
 *
 * <p>The rules for arrays are those of {@link NpyFormat}. Of the zip file, whatever could be read in two ways is refused, and nothing
 * inflates to more than it declares.
 */
@Component(service = CheckpointFormat.class)
public final class NpzFormat implements CheckpointFormat {
    private static final String SUFFIX = ".npy";

    @Override
    public String id() {
        return "npz";
    }

    @Override
    public String description() {
        return "numpy archives (.npz)";
    }

    @Override
    public boolean recognises(Path path) {
        // A zip file whose first entry is an array: PyTorch's and other zip files begin with something else.
        return ZipArchive.firstName(path).endsWith(SUFFIX);
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes file = FileBytes.open(path);
        try {
            ZipArchive archive = new ZipArchive(file);
            Map<String, Member> members = new LinkedHashMap<>();
            for (ZipArchive.Entry entry : archive.entries().values()) {
                if (!entry.name().endsWith(SUFFIX)) {
                    throw file.broken(
                            entry.headerOffset(),
                            "npz-entry",
                            "entry '" + Names.brief(entry.name()) + "' is no .npy array");
                }
                String name = entry.name().substring(0, entry.name().length() - SUFFIX.length());
                NpyHeader header = header(file, archive, entry);
                members.put(name, new Member(header.tensor(name), entry, header));
            }
            return new Opened(file, archive, members);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static NpyHeader header(FileBytes file, ZipArchive archive, ZipArchive.Entry entry) {
        try (InputStream in = archive.open(entry)) {
            return NpyHeader.read(ByteBuffer.wrap(in.readNBytes(NpyHeader.MAX_BYTES)), entry.size());
        } catch (NpyHeader.BrokenRule e) {
            throw new CheckpointException(
                    file.path() + " entry '" + Names.brief(entry.name()) + "'", e.offset, e.rule, e.getMessage());
        } catch (IOException e) {
            throw archive.broken(entry, e);
        }
    }

    private record Member(TensorInfo tensor, ZipArchive.Entry entry, NpyHeader header)
            implements StoredCheckpoint.Stored {}

    private static final class Opened extends StoredCheckpoint<Member> {
        private final FileBytes file;
        private final ZipArchive archive;

        Opened(FileBytes file, ZipArchive archive, Map<String, Member> members) {
            super("npz", file, members, Map.of());
            this.file = file;
            this.archive = archive;
        }

        @Override
        ByteBuffer bytes(Member member) {
            ZipArchive.Entry entry = member.entry();
            long length = entry.size() - member.header().dataOffset();
            if (length > FileBytes.MAX_ARRAY) {
                throw file.broken(
                        entry.dataOffset(),
                        "too-large",
                        "tensor '" + Names.brief(member.tensor().name()) + "' has " + length + " bytes, a buffer holds "
                                + FileBytes.MAX_ARRAY);
            }
            try (InputStream in = archive.open(entry)) {
                in.skipNBytes(member.header().dataOffset());
                // Grows as bytes arrive, so that a declared size alone costs nothing; the read behind the end checks
                // the CRC.
                byte[] bytes = in.readNBytes((int) length);
                in.read();
                return member.header().rowMajor(ByteBuffer.wrap(bytes));
            } catch (IOException e) {
                throw archive.broken(entry, e);
            }
        }
    }
}
