package org.luthier.converter;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.luthier.api.checkpoint.DType;
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
        Pickle pickle = new Pickle();
        pickle.write(0x80, 2);
        if (inside == null) {
            pickle.tensors(tensors, secondNames);
        } else {
            pickle.write('}', '(');
            pickle.text(inside);
            pickle.tensors(tensors, secondNames);
            pickle.entries(tree(beside));
            pickle.write('u');
        }
        pickle.write('.');
        entry("data.pkl", Storage.of(ByteBuffer.wrap(pickle.out.toByteArray())));
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

    /** Writes the operations of a pickle that make a dictionary of tensors. */
    private static final class Pickle {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        void write(int... bytes) {
            for (int each : bytes) {
                out.write(each);
            }
        }

        void tensors(List<TensorInfo> tensors, Map<String, String> secondNames) {
            Map<String, Integer> places = new LinkedHashMap<>();
            write('}', '(');
            for (TensorInfo tensor : tensors) {
                tensor(tensor.name(), tensor, places.size());
                places.put(tensor.name(), places.size());
            }
            secondNames.forEach((second, first) -> tensor(second, tensors.get(places.get(first)), places.get(first)));
            write('u');
        }

        void entries(Map<?, ?> entries) {
            entries.forEach((key, value) -> {
                text((String) key);
                if (value instanceof Map<?, ?> inner) {
                    write('}', '(');
                    entries(inner);
                    write('u');
                } else {
                    value((String) value);
                }
            });
        }

        /** A value as a reader told it: a number, true or false, a list of such in brackets, or text. */
        private void value(String value) {
            if (value.matches("-?\\d{1,18}")) {
                number(Long.parseLong(value));
            } else if (value.matches("-?\\d{1,18}\\.\\d{1,18}(E-?\\d{1,3})?")) {
                write('G');
                out.writeBytes(ByteBuffer.allocate(8)
                        .putDouble(Double.parseDouble(value))
                        .array());
            } else if (value.equals("true") || value.equals("false")) {
                write(value.equals("true") ? 0x88 : 0x89);
            } else if (value.startsWith("[") && value.endsWith("]")) {
                String inner = value.substring(1, value.length() - 1);
                write(']', '(');
                for (String each : inner.isEmpty() ? new String[0] : inner.split(", ")) {
                    value(each);
                }
                write('e');
            } else {
                text(value);
            }
        }

        private void tensor(String name, TensorInfo tensor, int storage) {
            text(name);
            global("torch._utils", "_rebuild_tensor_v2");
            write('(', '(');
            text("storage");
            global("torch", type(tensor.dtype()) + "Storage");
            text(String.valueOf(storage));
            text("cpu");
            number(tensor.elements());
            // The end of the tuple that names a storage, which stands outside the pickle.
            write('t', 'Q');
            number(0);
            numbers(tensor.shape());
            numbers(strides(tensor.shape()));
            // It needs no gradient, and has no hooks.
            write(0x89);
            global("collections", "OrderedDict");
            write(')', 'R', 't', 'R');
        }

        private static List<Long> strides(List<Long> shape) {
            Long[] strides = new Long[shape.size()];
            long stride = 1;
            for (int i = strides.length - 1; i >= 0; i--) {
                strides[i] = stride;
                stride *= Math.max(1, shape.get(i));
            }
            return List.of(strides);
        }

        private void numbers(List<Long> numbers) {
            write('(');
            numbers.forEach(this::number);
            write('t');
        }

        private void number(long number) {
            if (number == (int) number) {
                write('J');
                little(number, 4);
            } else {
                write(0x8a, 8);
                little(number, 8);
            }
        }

        private void text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            write('X');
            little(utf8.length, 4);
            out.writeBytes(utf8);
        }

        private void global(String module, String name) {
            out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
        }

        private void little(long value, int width) {
            out.write(
                    ByteBuffer.allocate(8)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(value)
                            .array(),
                    0,
                    width);
        }

        private static String type(DType dtype) {
            return switch (dtype) {
                case F64 -> "Double";
                case F32 -> "Float";
                case F16 -> "Half";
                case BF16 -> "BFloat16";
                case I64 -> "Long";
                case I32 -> "Int";
                case I16 -> "Short";
                case I8 -> "Char";
                case U8 -> "Byte";
                case BOOL -> "Bool";
            };
        }
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
