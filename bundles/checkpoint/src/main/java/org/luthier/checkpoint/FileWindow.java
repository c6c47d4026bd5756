package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Small pieces of a part of a file, read front to back: a window of it is in memory. */
final class FileWindow {
    /** Most bytes of a piece. */
    static final int LONGEST = 1 << 13;

    private final FileBytes file;
    private final long end;
    private final ByteOrder order;
    private ByteBuffer window = ByteBuffer.allocate(0);
    private long start;

    /** @param end where the part of the file ends */
    FileWindow(FileBytes file, long end, ByteOrder order) {
        this.file = file;
        this.end = end;
        this.order = order;
    }

    /** Bytes of the part of the file, at most {@link #LONGEST}. */
    ByteBuffer at(long offset, int length) {
        if (offset < start || offset + length > start + window.limit()) {
            window = file.read(offset, Math.min(LONGEST, end - offset));
            start = offset;
        }
        return window.slice((int) (offset - start), length).order(order);
    }
}
