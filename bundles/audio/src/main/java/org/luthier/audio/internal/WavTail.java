package org.luthier.audio.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What lies behind the samples of a WAV file. A file is a list of chunks, each a name of four characters, its length in 32 bits and its
 * content, filled up to an even length; the samples are the chunk {@code data}. A writer that was stopped may have stated fewer samples
 * than it wrote, and what follows is then no chunk.
 */
final class WavTail {
    private static final int RIFF = name("RIFF");
    private static final int WAVE = name("WAVE");
    private static final int DATA = name("data");
    private static final int HEAD = 8;

    private final SeekableByteChannel file;
    private final ByteBuffer head = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);

    private WavTail(SeekableByteChannel file) {
        this.file = file;
    }

    /** Bytes behind the samples that belong to no chunk; 0 where none do, or where the header itself states no valid length. */
    static long strayBytes(Path file) {
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            return new WavTail(channel).strayBytes();
        } catch (IOException e) {
            // The samples could be read; whoever cannot look behind them has nothing to say of it.
            return 0;
        }
    }

    private long strayBytes() throws IOException {
        long size = file.size();
        if (size < 12 || word(0) != RIFF || word(8) != WAVE) {
            return 0;
        }
        boolean behind = false;
        long at = 12;
        while (at + HEAD <= size) {
            int name = word(at);
            long length = Integer.toUnsignedLong(word(at + 4));
            boolean whole = at + HEAD + length <= size;
            if (behind && !(isName(name) && whole)) {
                return size - at;
            }
            if (!whole || name == DATA && length == 0) {
                return 0;
            }
            behind |= name == DATA;
            at += HEAD + length;
            // Some writers forget to fill up.
            if (length % 2 == 1 && !(at + HEAD <= size && isName(word(at)))) {
                at++;
            }
        }
        return 0;
    }

    private int word(long at) throws IOException {
        head.clear().limit(4);
        file.position(at);
        while (head.hasRemaining()) {
            if (file.read(head) < 0) {
                throw new IOException("ends at " + at);
            }
        }
        return head.flip().getInt();
    }

    private static boolean isName(int word) {
        for (int shift = 0; shift < 32; shift += 8) {
            int c = word >> shift & 0xff;
            if (c < ' ' || c > '~') {
                return false;
            }
        }
        return true;
    }

    private static int name(String text) {
        return text.charAt(0) | text.charAt(1) << 8 | text.charAt(2) << 16 | text.charAt(3) << 24;
    }
}
