package org.luthier.checkpoint;

import java.util.Map;

/** What the checkpoints of several files have in common: the checksum is that of the lines that sha256sum prints for them. */
abstract class FolderCheckpoint<T extends StoredCheckpoint.Stored> extends StoredCheckpoint<T> {
    private final CheckpointFolder folder;

    /**
     * @param file the file that errors are about; closed with this checkpoint
     * @param folder where all its files are; closed too
     */
    FolderCheckpoint(
            String format,
            FileBytes file,
            CheckpointFolder folder,
            Map<String, T> stored,
            Map<String, String> metadata) {
        super(format, file, stored, metadata);
        this.folder = folder;
    }

    @Override
    public final String sha256() {
        return folder.sha256();
    }

    @Override
    public final Map<String, String> files() {
        return folder.files();
    }

    @Override
    public void close() {
        folder.close();
        super.close();
    }
}
