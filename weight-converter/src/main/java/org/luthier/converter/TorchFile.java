package org.luthier.converter;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * Writes a state_dict as {@code torch.save} does: a zip file of a pickle (protocol 2) and one uncompressed storage a tensor, each at a
 * multiple of 64 bytes so that it can be mapped into memory. A second name of a tensor shares its storage. The state_dict is all that
 * there is, or it is under a name beside plain values.
 */
final class TorchFile {
    private static final String FOLDER = "archive/";
    private static final int ALIGNMENT = 64;
    private static final int LOCAL_HEADER = 30;
    /** Header of an extra field of padding: id and length. */
    private static final int EXTRA_HEADER = 4;

    private static final short PADDING = 0x4246;
    /** The first moment of 1980 would be told again, in the zone of this machine. */
    private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

    private final Counted counted;
    private final ZipOutputStream zip;
    private int storages;

    /** What a thread finds out of a tensor before it is written. */
    record Storage(ByteBuffer bytes, long crc) {
        static Storage of(ByteBuffer bytes) {
            CRC32 crc = new CRC32();
            crc.update(bytes.duplicate());
            return new Storage(bytes, crc.getValue());
        }
    }

    /**
     * Begins a file.
     *
     * @param tensors in the order in which their storages follow
     * @param secondNames second names, with the first
     * @param inside what the tensors are under, or null if there is nothing else
     * @param beside values by dotted names, which become dictionaries in dictionaries
     */
    TorchFile(
            OutputStream out,
            List<TensorInfo> tensors,
            Map<String, String> secondNames,
            String inside,
            Map<String, String> beside)
            throws IOException {
        counted = new Counted(out);
        zip = new ZipOutputStream(counted);
        PickleWriter pickle = new PickleWriter();
        if (inside == null) {
            pickle.tensors(tensors, secondNames);
        } else {
            pickle.write('}', '(');
            pickle.text(inside);
            pickle.tensors(tensors, secondNames);
            pickle.entries(tree(beside));
            pickle.write('u');
        }
        entry("data.pkl", Storage.of(ByteBuffer.wrap(pickle.end())));
        entry("byteorder", text("little"));
    }

    /** Writes the next tensor. */
    void add(Storage storage) throws IOException {
        entry("data/" + storages++, storage);
    }

    /** Ends the file; the stream stays open. */
    void finish() throws IOException {
        entry("version", text("3\n"));
        zip.finish();
    }

    private static Storage text(String text) {
        return Storage.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }

    private void entry(String name, Storage storage) throws IOException {
        ZipEntry entry = new ZipEntry(FOLDER + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(storage.bytes.remaining());
        entry.setCrc(storage.crc);
        entry.setTimeLocal(NO_TIME);
        long begin = counted.count + LOCAL_HEADER + entry.getName().length() + EXTRA_HEADER;
        int padding = (int) (-begin & ALIGNMENT - 1);
        entry.setExtra(ByteBuffer.allocate(EXTRA_HEADER + padding)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(PADDING)
                .putShort((short) padding)
                .array());
        zip.putNextEntry(entry);
        Channels.newChannel(zip).write(storage.bytes.duplicate());
        zip.closeEntry();
    }

    /** The values in maps of maps. Where a name has a value and goes on, what it goes on with is kept. */
    private static Map<String, Object> tree(Map<String, String> values) {
        Map<String, Object> root = new TreeMap<>();
        // In this order a name comes before those that go on from it.
        new TreeMap<>(values).forEach((name, value) -> {
            Map<String, Object> node = root;
            String[] keys = name.split("\\.", -1);
            for (int i = 0; i < keys.length - 1; i++) {
                node = inner(node, keys[i]);
            }
            node.put(keys[keys.length - 1], value);
        });
        return root;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> inner(Map<String, Object> node, String key) {
        return (Map<String, Object>) node.compute(
                key, (same, old) -> old instanceof Map<?, ?> ? old : new TreeMap<String, Object>());
    }

    /** Knows how many bytes went through. */
    private static final class Counted extends FilterOutputStream {
        private long count;

        Counted(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int value) throws IOException {
            out.write(value);
            count++;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
            count += length;
        }
    }
}
