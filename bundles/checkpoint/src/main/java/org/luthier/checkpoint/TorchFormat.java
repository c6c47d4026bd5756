package org.luthier.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.osgi.service.component.annotations.Component;

/**
 * What {@code torch.save} writes: a pickle and storages in a zip file, or, in its older form, pickles and storages end to end; also the
 * checkpoints of Lightning.
 *
 * <p>The pickle is read by a machine that imports, makes and calls nothing. Tensors are those of {@code state_dict} where the file has
 * one, otherwise all; a tensor inside an object of a class that is not known is an error. Storages are read when a tensor is, and then
 * only the part that it covers. Of the zip file, whatever could be read in two ways is refused, as is a compressed entry.
 */
@Component(service = CheckpointFormat.class)
public final class TorchFormat implements CheckpointFormat {
    private static final String PICKLE = "data.pkl";
    private static final String STORAGES = "data/";
    private static final String BYTE_ORDER = "byteorder";
    private static final Set<String> FIRST_NAMES =
            Set.of(PICKLE, BYTE_ORDER, "version", ".format_version", ".storage_alignment");
    private static final long MAX_PICKLE = 1 << 26;
    /** Bytes of a tensor that are in memory while it is looked through. */
    private static final int PIECE = 1 << 18;

    /** A pickle of the number 0x1950a86a20f9469cfc6c. */
    private static final byte[] LEGACY = {
        (byte) 0x80,
        2,
        (byte) 0x8a,
        10,
        0x6c,
        (byte) 0xfc,
        (byte) 0x9c,
        0x46,
        (byte) 0xf9,
        0x20,
        0x6a,
        (byte) 0xa8,
        0x50,
        0x19,
        '.'
    };

    private static final Long LEGACY_VERSION = 1001L;

    @Override
    public String id() {
        return "torch";
    }

    @Override
    public String description() {
        return "PyTorch files (.pth, .pt, .bin, .ckpt)";
    }

    @Override
    public boolean recognises(Path path) {
        String first = ZipArchive.firstName(path);
        String inside = first.substring(first.indexOf('/') + 1);
        return inside.length() < first.length() && (FIRST_NAMES.contains(inside) || inside.startsWith(STORAGES))
                || FileBytes.startsWith(path, LEGACY.length, start -> Arrays.equals(start.array(), LEGACY));
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes file = FileBytes.open(path);
        try {
            boolean legacy = file.size() >= LEGACY.length
                    && Arrays.equals(file.read(0, LEGACY.length).array(), LEGACY);
            return legacy ? openLegacy(file) : openZip(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /**
     * Where the elements of a storage are.
     *
     * @param entry that they are in, or null if the file is no zip file
     */
    private record Place(long offset, ZipArchive.Entry entry) {}

    private static Checkpoint openZip(FileBytes file) {
        ZipArchive archive = new ZipArchive(file);
        if (archive.entries().keySet().stream().anyMatch(name -> name.endsWith("/constants.pkl"))) {
            throw file.broken(
                    -1,
                    "torchscript",
                    "it is a program of TorchScript; save the state_dict() of its model with torch.save");
        }
        String prefix = null;
        for (ZipArchive.Entry entry : archive.entries().values()) {
            String folder = entry.name().substring(0, entry.name().indexOf('/') + 1);
            if (folder.isEmpty() || prefix != null && !folder.equals(prefix)) {
                throw file.broken(
                        entry.headerOffset(),
                        "torch-folder",
                        "entry '" + Names.brief(entry.name()) + "' is not in the one folder that the others are in");
            }
            prefix = folder;
            if (entry.size() != entry.compressedSize() || entry.isCompressed()) {
                throw file.broken(
                        entry.headerOffset(),
                        "torch-compressed",
                        "entry '" + Names.brief(entry.name()) + "' is compressed, torch.save compresses nothing");
            }
        }
        ZipArchive.Entry pickle = archive.entries().get(prefix + PICKLE);
        if (pickle == null) {
            throw file.broken(-1, "torch-pickle", "there is no entry '" + PICKLE + "' in its folder");
        }
        if (pickle.size() > MAX_PICKLE) {
            throw file.broken(
                    pickle.dataOffset(),
                    "too-large",
                    "its pickle has " + pickle.size() + " bytes, at most are " + MAX_PICKLE);
        }
        check(archive, pickle);
        Pickle machine = new Pickle(file, pickle.dataOffset(), pickle.dataOffset() + pickle.size());
        Object root = machine.read();
        if (machine.at() != pickle.dataOffset() + pickle.size()) {
            throw file.broken(machine.at(), "trailing-data", "something follows the pickle");
        }
        boolean bigEndian = bigEndian(file, archive, archive.entries().get(prefix + BYTE_ORDER));
        TorchTensors tensors = new TorchTensors(file, machine);
        tensors.read(root);
        Map<String, Place> places = new HashMap<>();
        for (TorchTensors.Tensor tensor : tensors.tensors().values()) {
            TorchTensors.Storage storage = tensor.storage();
            ZipArchive.Entry entry = archive.entries().get(prefix + STORAGES + storage.key());
            if (entry == null || entry.size() != storage.bytes()) {
                throw file.broken(
                        entry == null ? -1 : entry.dataOffset(),
                        "storage-size",
                        "tensor '" + tensor.tensor().name() + "' needs a storage '" + Names.brief(storage.key())
                                + "' of "
                                + storage.bytes() + " bytes, there is "
                                + (entry == null ? "none" : "one of " + entry.size()));
            }
            places.put(storage.key(), new Place(entry.dataOffset(), entry));
        }
        return new Opened(file, archive, tensors, places, bigEndian);
    }

    private static boolean bigEndian(FileBytes file, ZipArchive archive, ZipArchive.Entry entry) {
        if (entry == null) {
            // Older files do not say, and are little-endian.
            return false;
        }
        check(archive, entry);
        String order = StandardCharsets.ISO_8859_1
                .decode(file.read(entry.dataOffset(), Math.min(entry.size(), 16)))
                .toString();
        if (!order.equals("little") && !order.equals("big")) {
            throw file.broken(
                    entry.dataOffset(),
                    "torch-byteorder",
                    "byte order '" + Names.brief(order) + "', expected little or big");
        }
        return order.equals("big");
    }

    private static Checkpoint openLegacy(FileBytes file) {
        long end = Math.min(file.size(), MAX_PICKLE);
        Pickle machine = new Pickle(file, LEGACY.length, end);
        long at = machine.at();
        Object version = machine.read();
        if (!LEGACY_VERSION.equals(version)) {
            throw file.broken(
                    at, "torch-version", "protocol " + Pickle.brief(version) + ", readable is " + LEGACY_VERSION);
        }
        at = machine.at();
        if (!(machine.read() instanceof Pickle.Dict)) {
            throw file.broken(at, "torch-legacy", "expected what the file says of the system that wrote it");
        }
        Object root = machine.read();
        at = machine.at();
        if (!(machine.read() instanceof List<?> keys)) {
            throw file.broken(at, "torch-legacy", "expected the list of storages");
        }
        TorchTensors tensors = new TorchTensors(file, machine);
        tensors.read(root);
        Map<String, Place> places = new HashMap<>();
        at = machine.at();
        for (Object key : keys) {
            TorchTensors.Storage storage =
                    key instanceof String text ? tensors.storages().get(text) : null;
            if (storage == null || places.containsKey(storage.key())) {
                throw file.broken(
                        at,
                        "torch-legacy",
                        "a storage '" + Pickle.brief(key) + "' that no tensor has, or that was there");
            }
            long elements = file.read(at, Long.BYTES).getLong();
            if (elements != storage.elements() || storage.bytes() > file.size() - at - Long.BYTES) {
                throw file.broken(
                        at,
                        "storage-size",
                        "storage '" + Names.brief(storage.key()) + "' of " + storage.bytes() + " bytes: the file has "
                                + (file.size() - at - Long.BYTES) + " left and says " + elements + " elements");
            }
            places.put(storage.key(), new Place(at + Long.BYTES, null));
            at += Long.BYTES + storage.bytes();
        }
        if (at != file.size()) {
            throw file.broken(at, "trailing-data", (file.size() - at) + " bytes follow the last storage");
        }
        for (TorchTensors.Tensor tensor : tensors.tensors().values()) {
            if (!places.containsKey(tensor.storage().key())) {
                throw file.broken(
                        -1, "storage-size", "tensor '" + tensor.tensor().name() + "' has no storage");
            }
        }
        // Whatever machine wrote it, this form is little-endian.
        return new Opened(file, null, tensors, places, false);
    }

    /** Reads an entry to its end, where its checksum is held against it. */
    private static void check(ZipArchive archive, ZipArchive.Entry entry) {
        try (InputStream in = archive.open(entry)) {
            in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw archive.broken(entry, e);
        }
    }

    private static final class Opened extends StoredCheckpoint<TorchTensors.Tensor> {
        private final FileBytes file;
        private final ZipArchive archive;
        private final Map<String, Place> places;
        private final boolean bigEndian;
        private final List<String> warnings;
        private final Set<String> checked = ConcurrentHashMap.newKeySet();

        Opened(FileBytes file, ZipArchive archive, TorchTensors tensors, Map<String, Place> places, boolean bigEndian) {
            super("torch", file, tensors.tensors(), tensors.metadata());
            this.file = file;
            this.archive = archive;
            this.places = places;
            this.bigEndian = bigEndian;
            this.warnings = tensors.warnings();
        }

        @Override
        public List<String> warnings() {
            return warnings;
        }

        @Override
        ByteBuffer bytes(TorchTensors.Tensor tensor) {
            int width = tensor.tensor().dtype().bytes();
            long length = tensor.tensor().elements() * width;
            if (length > FileBytes.MAX_ARRAY) {
                throw file.broken(
                        -1,
                        "too-large",
                        "tensor '" + tensor.tensor().name() + "' has " + length + " bytes, a buffer holds "
                                + FileBytes.MAX_ARRAY);
            }
            Place place = checked(tensor.storage());
            ByteBuffer span = file.read(place.offset + tensor.offset() * width, tensor.span() * width);
            ByteBuffer bytes = tensor.isContiguous()
                    ? span
                    : Transpose.gather(
                            span,
                            tensor.tensor().shape().stream()
                                    .mapToLong(Long::longValue)
                                    .toArray(),
                            tensor.strides(),
                            width,
                            (int) length);
            if (bigEndian) {
                NumpyType.swap(bytes, width);
            }
            return bytes;
        }

        @Override
        void pieces(TorchTensors.Tensor tensor, Consumer<ByteBuffer> pieces) {
            if (bigEndian || !tensor.isContiguous()) {
                pieces.accept(bytes(tensor));
                return;
            }
            int width = tensor.tensor().dtype().bytes();
            long begin = checked(tensor.storage()).offset + tensor.offset() * width;
            long length = tensor.tensor().elements() * width;
            for (long at = 0; at < length; at += PIECE) {
                pieces.accept(file.read(begin + at, Math.min(PIECE, length - at)));
            }
        }

        /** Where a storage is; its checksum is held against it once. */
        private Place checked(TorchTensors.Storage storage) {
            Place place = places.get(storage.key());
            if (place.entry != null && !checked.contains(storage.key())) {
                check(archive, place.entry);
                checked.add(storage.key());
            }
            return place;
        }
    }
}
