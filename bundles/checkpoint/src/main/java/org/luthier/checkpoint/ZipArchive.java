package org.luthier.checkpoint;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;
import org.luthier.api.checkpoint.CheckpointException;

/**
 * The entries of a zip file, read through its central directory and only where every local header agrees with it.
 *
 * <p>Two readers of one zip file can see two contents; this one refuses whatever could be read in two ways: a comment behind the
 * directory, anything between the directory and the end, a name twice, overlapping entries, local headers that differ. Names that
 * leave the archive, encryption and methods other than stored and deflated are refused too. What an entry inflates to is counted
 * against its declared size, its declared size against what deflate can do, and its CRC is checked.
 */
final class ZipArchive {
    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR_64_BYTES = 20;
    private static final int END_64_BYTES = 56;
    private static final int CENTRAL_BYTES = 46;
    private static final int LOCAL_BYTES = 30;
    private static final int ENCRYPTED = 1 | 1 << 6 | 1 << 13;
    private static final int DATA_DESCRIPTOR = 1 << 3;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;
    private static final long U32 = 0xffffffffL;
    private static final long MAX_DIRECTORY = 64 << 20;
    private static final long MAX_ENTRIES = 1 << 18;

    /**
     * One file in the archive.
     *
     * @param headerOffset where its local header is
     * @param dataOffset where its bytes are
     */
    record Entry(
            String name,
            int flags,
            int method,
            long crc,
            long compressedSize,
            long size,
            long headerOffset,
            long dataOffset) {
        boolean isCompressed() {
            return method != STORED;
        }
    }

    private final FileBytes file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long directoryOffset;
    private long directorySize;
    private long directoryEntries;

    /** The name of the entry that a zip file begins with, unchecked; an empty text if it is none. */
    static String firstName(Path path) {
        try (InputStream in = Files.isRegularFile(path) ? Files.newInputStream(path) : InputStream.nullInputStream()) {
            ByteBuffer start = ByteBuffer.wrap(in.readNBytes(LOCAL_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
            return start.remaining() < LOCAL_BYTES || start.getInt(0) != LOCAL
                    ? ""
                    : new String(in.readNBytes(start.getShort(26) & 0xffff), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    /** Reads the directory; the file stays the caller's. */
    ZipArchive(FileBytes file) {
        this.file = file;
        readEnd();
        readDirectory();
        checkOverlap();
    }

    /** Entries by name, in the order of the directory. */
    Map<String, Entry> entries() {
        return entries;
    }

    /** The inflated bytes of an entry; size and CRC are checked when its end is reached. */
    InputStream open(Entry entry) {
        InputStream raw = file.stream(entry.dataOffset(), entry.compressedSize());
        return new CheckedEntry(entry.method() == STORED ? raw : new Inflating(raw), entry);
    }

    /** An error while reading an entry. */
    RuntimeException broken(Entry entry, IOException e) {
        if (e instanceof ZipException || e instanceof EOFException) {
            return new CheckpointException(
                    file.path().toString(),
                    entry.dataOffset(),
                    "zip-data",
                    "entry '" + Names.brief(entry.name()) + "' is damaged: " + e.getMessage(),
                    e);
        }
        return FileBytes.unreadable(file.path(), e);
    }

    private void readEnd() {
        if (file.size() < END_BYTES) {
            throw file.broken(0, "truncated", "too short for a zip file");
        }
        long endOffset = file.size() - END_BYTES;
        ByteBuffer end = file.read(endOffset, END_BYTES);
        if (end.getInt(0) != END || end.getShort(20) != 0) {
            throw file.broken(
                    endOffset, "zip-end", "the file does not end with a zip directory (truncated, or with a comment)");
        }
        int disks = end.getShort(4) | end.getShort(6);
        directoryEntries = end.getShort(10) & 0xffff;
        directorySize = end.getInt(12) & U32;
        directoryOffset = end.getInt(16) & U32;
        long directoryEnd = endOffset;
        if (hasLocator(endOffset)) {
            directoryEnd = readEnd64(endOffset - LOCATOR_64_BYTES);
        } else if (disks != 0 || end.getShort(8) != end.getShort(10)) {
            throw file.broken(endOffset, "zip-end", "the zip file is spread over several files");
        }
        if (directoryEntries > MAX_ENTRIES) {
            throw file.broken(endOffset, "zip-entries", directoryEntries + " entries, at most are " + MAX_ENTRIES);
        }
        if (directorySize > MAX_DIRECTORY || directoryOffset != directoryEnd - directorySize) {
            throw file.broken(
                    endOffset,
                    "zip-end",
                    "directory of " + directorySize + " bytes at " + directoryOffset + ", expected it to end at "
                            + directoryEnd);
        }
    }

    private boolean hasLocator(long endOffset) {
        return endOffset >= LOCATOR_64_BYTES + END_64_BYTES
                && file.read(endOffset - LOCATOR_64_BYTES, 4).getInt() == LOCATOR_64;
    }

    /** Large archives repeat the end with 64-bit numbers; returns where that record is. */
    private long readEnd64(long locatorOffset) {
        long offset = file.read(locatorOffset + 8, 8).getLong();
        if (offset != locatorOffset - END_64_BYTES) {
            throw file.broken(locatorOffset, "zip-end", "the 64-bit end record is not where its locator says");
        }
        ByteBuffer end = file.read(offset, END_64_BYTES);
        long entries = end.getLong(32);
        long size = end.getLong(40);
        long start = end.getLong(48);
        boolean agrees = (directoryEntries == 0xffff || directoryEntries == entries)
                && (directorySize == U32 || directorySize == size)
                && (directoryOffset == U32 || directoryOffset == start);
        if (end.getInt(0) != END_64 || entries < 0 || size < 0 || start < 0 || end.getLong(24) != entries || !agrees) {
            throw file.broken(offset, "zip-end", "the two end records differ");
        }
        directoryEntries = entries;
        directorySize = size;
        directoryOffset = start;
        return offset;
    }

    private void readDirectory() {
        ByteBuffer in = file.read(directoryOffset, directorySize);
        for (long i = 0; i < directoryEntries; i++) {
            Entry entry = readCentral(in);
            if (entries.put(entry.name(), entry) != null) {
                throw file.broken(
                        entry.headerOffset(),
                        "zip-duplicate",
                        "two entries are called '" + Names.brief(entry.name()) + "'");
            }
        }
        if (in.hasRemaining()) {
            throw file.broken(
                    directoryOffset + in.position(), "zip-directory", "the directory is longer than its entries");
        }
    }

    private Entry readCentral(ByteBuffer in) {
        long offset = directoryOffset + in.position();
        if (in.remaining() < CENTRAL_BYTES || in.getInt(in.position()) != CENTRAL) {
            throw file.broken(offset, "zip-directory", "expected an entry of the directory");
        }
        int start = in.position();
        int flags = in.getShort(start + 8) & 0xffff;
        int method = in.getShort(start + 10) & 0xffff;
        int nameLength = in.getShort(start + 28) & 0xffff;
        int extraLength = in.getShort(start + 30) & 0xffff;
        int commentLength = in.getShort(start + 32) & 0xffff;
        if (in.remaining() < CENTRAL_BYTES + nameLength + extraLength + commentLength) {
            throw file.broken(offset, "zip-directory", "an entry of the directory is cut off");
        }
        String name = name(in.slice(start + CENTRAL_BYTES, nameLength), offset);
        long[] numbers = {
            in.getInt(start + 24) & U32, in.getInt(start + 20) & U32, in.getInt(start + 42) & U32,
        };
        widen(numbers, in.slice(start + CENTRAL_BYTES + nameLength, extraLength), offset);
        in.position(start + CENTRAL_BYTES + nameLength + extraLength + commentLength);

        if ((flags & ENCRYPTED) != 0) {
            throw file.broken(offset, "zip-encrypted", "entry '" + Names.brief(name) + "' is encrypted");
        }
        if (method != STORED && method != DEFLATED) {
            throw file.broken(
                    offset,
                    "zip-method",
                    "entry '" + Names.brief(name) + "' uses method " + method + ", readable are 0 and 8");
        }
        Entry entry =
                new Entry(name, flags, method, in.getInt(start + 16) & U32, numbers[1], numbers[0], numbers[2], 0);
        long longest = method == STORED ? entry.compressedSize() : Compressed.mostInflated(entry.compressedSize());
        if (entry.compressedSize() > directoryOffset
                || entry.size() > longest
                || method == STORED && entry.size() != entry.compressedSize()) {
            throw file.broken(
                    offset,
                    "zip-size",
                    "entry '" + Names.brief(name) + "' claims " + entry.size() + " bytes from " + entry.compressedSize()
                            + " bytes in the file");
        }
        return withData(entry);
    }

    /** Finds the data behind the local header, which must say the same as the directory. */
    private Entry withData(Entry entry) {
        long offset = entry.headerOffset();
        if (offset > directoryOffset - LOCAL_BYTES) {
            throw file.broken(-1, "zip-local", "entry '" + Names.brief(entry.name()) + "' lies outside the file");
        }
        ByteBuffer local = file.read(offset, LOCAL_BYTES);
        int nameLength = local.getShort(26) & 0xffff;
        int extraLength = local.getShort(28) & 0xffff;
        long dataOffset = offset + LOCAL_BYTES + nameLength + extraLength;
        if (local.getInt(0) != LOCAL || dataOffset > directoryOffset - entry.compressedSize()) {
            throw file.broken(
                    offset,
                    "zip-local",
                    "entry '" + Names.brief(entry.name()) + "' has no whole local header and data");
        }
        ByteBuffer rest = file.read(offset + LOCAL_BYTES, nameLength + extraLength);
        long crc = local.getInt(14) & U32;
        long[] sizes = {local.getInt(22) & U32, local.getInt(18) & U32};
        widen(sizes, rest.slice(nameLength, extraLength), offset);
        boolean same = crc == entry.crc() && sizes[0] == entry.size() && sizes[1] == entry.compressedSize();
        // Writers that cannot seek put zeros here and the numbers behind the data.
        boolean later = (entry.flags() & DATA_DESCRIPTOR) != 0 && crc == 0 && sizes[0] == 0 && sizes[1] == 0;
        if ((local.getShort(6) & 0xffff) != entry.flags()
                || (local.getShort(8) & 0xffff) != entry.method()
                || !name(rest.slice(0, nameLength), offset).equals(entry.name())
                || !(same || later)) {
            throw file.broken(
                    offset,
                    "zip-local",
                    "the local header of entry '" + Names.brief(entry.name()) + "' differs from the directory");
        }
        return new Entry(
                entry.name(),
                entry.flags(),
                entry.method(),
                entry.crc(),
                entry.compressedSize(),
                entry.size(),
                offset,
                dataOffset);
    }

    /** Puts the 64-bit numbers of the extra field in the place of those that did not fit 32 bits. */
    private void widen(long[] numbers, ByteBuffer extra, long offset) {
        extra.order(ByteOrder.LITTLE_ENDIAN);
        while (extra.remaining() >= 4) {
            int id = extra.getShort() & 0xffff;
            int length = extra.getShort() & 0xffff;
            if (length > extra.remaining()) {
                throw file.broken(offset, "zip-extra", "an extra field is cut off");
            }
            ByteBuffer field = extra.slice(extra.position(), length).order(ByteOrder.LITTLE_ENDIAN);
            extra.position(extra.position() + length);
            if (id == 1) {
                for (int i = 0; i < numbers.length; i++) {
                    if (numbers[i] == U32 && field.remaining() >= 8) {
                        numbers[i] = field.getLong();
                    }
                }
            }
        }
        for (long number : numbers) {
            if (number < 0) {
                throw file.broken(offset, "zip-size", "a size or offset is 2^63 or more");
            }
        }
    }

    private String name(ByteBuffer bytes, long offset) {
        String name;
        try {
            name = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw file.broken(offset, "zip-name", "the name of an entry is not UTF-8");
        }
        if (!RelativePath.isInside(name)) {
            throw file.broken(offset, "zip-name", "the name '" + Names.brief(name) + "' would leave the archive");
        }
        return name;
    }

    private void checkOverlap() {
        List<Entry> sorted = new ArrayList<>(entries.values());
        sorted.sort(Comparator.comparingLong(Entry::headerOffset));
        long end = 0;
        for (Entry entry : sorted) {
            if (entry.headerOffset() < end) {
                throw file.broken(
                        entry.headerOffset(),
                        "zip-overlap",
                        "entry '" + Names.brief(entry.name()) + "' begins inside another");
            }
            end = entry.dataOffset() + entry.compressedSize();
        }
    }

    /** Frees the inflater's native memory when it is closed. */
    private static final class Inflating extends InflaterInputStream {
        Inflating(InputStream in) {
            super(in, new Inflater(true), 1 << 13);
        }

        @Override
        public void close() throws IOException {
            inf.end();
            super.close();
        }
    }

    /** Counts and sums up what comes out. */
    private static final class CheckedEntry extends FilterInputStream {
        private final Entry entry;
        private final CRC32 crc = new CRC32();
        private long count;

        CheckedEntry(InputStream in, Entry entry) {
            super(in);
            this.entry = entry;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int from, int length) throws IOException {
            int got = super.read(target, from, length);
            if (got > 0) {
                crc.update(target, from, got);
                count += got;
            }
            if (count > entry.size() || got < 0 && count != entry.size()) {
                throw new ZipException("it inflates to " + (got < 0 ? "" : "at least ") + count
                        + " bytes, declared are " + entry.size());
            }
            if (got < 0 && crc.getValue() != entry.crc()) {
                throw new ZipException("its CRC is " + Long.toHexString(crc.getValue()) + ", declared is "
                        + Long.toHexString(entry.crc()));
            }
            return got;
        }

        @Override
        public long skip(long n) throws IOException {
            return readNBytes((int) Math.min(n, 1 << 13)).length;
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
