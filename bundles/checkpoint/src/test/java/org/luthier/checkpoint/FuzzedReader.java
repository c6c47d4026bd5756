package org.luthier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;

/**
 * The readers under attack. Each is given files in memory, and whatever they hold it must read them or refuse them with one short line:
 * a tensor has the bytes that its shape and type promise, nothing is written, and what is allocated is at most
 *
 * <ul>
 *   <li>for opening: {@link #FREE} and {@link #growth} times the bytes of the files;
 *   <li>for reading a tensor: the same, and {@link #PER_BYTE} times the bytes of the tensor.
 * </ul>
 */
enum FuzzedReader {
    SAFETENSORS(64, "x.safetensors") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            return List.of(
                    List.of(safetensors(Map.of("format", "pt"), Tensor.of("a.weight", new float[] {1, 2, 3, 4}, 2, 2))),
                    List.of(resource("expected.safetensors")),
                    List.of(TestFiles.safetensors("{}", 0)));
        }

        @Override
        void run(Path folder) {
            readAll(new SafetensorsFormat(), folder.resolve("x.safetensors"));
        }
    },
    SHARDED_SAFETENSORS(64, "model.safetensors.index.json", "a", "b") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            byte[] a = safetensors(Map.of(), Tensor.of("x", new float[] {1, 2}, 2), Tensor.of("y", new float[] {3}));
            byte[] b = safetensors(Map.of(), Tensor.of("z", new float[] {4, 5}, 1, 2));
            return List.of(
                    List.of(utf8("{'weight_map':{'x':'a','y':'a','z':'b'},'metadata':{'total_size':20}}"), a, b),
                    List.of(utf8("{'metadata':{'w':1.5},'weight_map':{'z':'b'}}"), a, b));
        }

        @Override
        void run(Path folder) {
            readAll(new ShardedSafetensorsFormat(), folder);
        }
    },
    NPY(64, "x.npy") {
        @Override
        List<List<byte[]>> makeSeeds() {
            byte[] six = TestFiles.floats(ByteOrder.BIG_ENDIAN, 1, 2, 3, 4, 5, 6);
            String bools = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}";
            return List.of(
                    List.of(TestFiles.npy(">f4", true, "(2, 3)", six)),
                    List.of(TestFiles.npy("<f8", false, "(3,)", six)),
                    List.of(TestFiles.npy("<i2", true, "(2, 3, 2)", six)),
                    List.of(TestFiles.npy("<i8", false, "()", new byte[8])),
                    List.of(TestFiles.npy(2, bools, new byte[3])),
                    List.of(TestFiles.npy(3, bools, new byte[3])));
        }

        @Override
        void run(Path folder) {
            readAll(new NpyFormat(), folder.resolve("x.npy"));
        }
    },
    NPZ(Limit.INFLATING, "x.npz") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            Map<String, byte[]> entries = new LinkedHashMap<>();
            entries.put("a.npy", TestFiles.npy("<f8", true, "(2, 3)", new byte[48]));
            entries.put("b.npy", TestFiles.npy("|u1", false, "(3,)", new byte[3]));
            return List.of(List.of(TestFiles.zip(false, entries)), List.of(TestFiles.zip(true, entries)));
        }

        @Override
        void run(Path folder) {
            readAll(new NpzFormat(), folder.resolve("x.npz"));
        }

        @Override
        List<byte[]> mended(List<byte[]> files) {
            return List.of(MendedZip.of(files.get(0)));
        }
    },
    ZIP(Limit.INFLATING, "x.zip") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            List<List<byte[]>> seeds = new ArrayList<>();
            for (boolean deflated : new boolean[] {false, true}) {
                Map<String, byte[]> entries = new LinkedHashMap<>();
                entries.put("a/b", utf8("twenty bytes or more of text"));
                entries.put("c", new byte[0]);
                entries.put("d", new byte[100]);
                seeds.add(List.of(TestFiles.zip(deflated, entries)));
            }
            seeds.add(List.of(resource("tensor.pth")));
            return seeds;
        }

        @Override
        void run(Path folder) {
            try (FileBytes file = FileBytes.open(folder.resolve("x.zip"))) {
                ZipArchive archive = new ZipArchive(file);
                for (ZipArchive.Entry entry : archive.entries().values()) {
                    require(entry.size() <= Limit.INFLATING * (entry.compressedSize() + 1), "a size that cannot be");
                    try (InputStream in = archive.open(entry)) {
                        long count = 0;
                        byte[] block = new byte[1 << 12];
                        for (int got = in.read(block); got >= 0; got = in.read(block)) {
                            count += got;
                        }
                        require(count == entry.size(), "another size than promised");
                    } catch (IOException e) {
                        throw archive.broken(entry, e);
                    }
                }
            }
        }

        @Override
        List<byte[]> mended(List<byte[]> files) {
            return List.of(MendedZip.of(files.get(0)));
        }
    },
    TORCH_ZIP(256, "x.pth") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            return resources(
                    "zip.pth",
                    "protocol4.pth",
                    "lightning.ckpt",
                    "big-endian.pth",
                    "nested.pth",
                    "tensor.pth",
                    "module.pth",
                    "complex.pth",
                    "sparse.pth",
                    "script.pt");
        }

        @Override
        void run(Path folder) {
            readAll(new TorchFormat(), folder.resolve("x.pth"));
        }

        @Override
        List<byte[]> mended(List<byte[]> files) {
            return List.of(MendedZip.of(files.get(0)));
        }
    },
    TORCH_LEGACY(256, "x.pth") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            return resources("legacy.pth", "lightning-legacy.ckpt");
        }

        @Override
        void run(Path folder) {
            readAll(new TorchFormat(), folder.resolve("x.pth"));
        }
    },
    /** The pickle of a zip file with one storage, so that every case reaches the machine. */
    PICKLE(256, "data.pkl") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            List<List<byte[]>> seeds = new ArrayList<>();
            for (String name : List.of("zip.pth", "protocol4.pth", "lightning.ckpt", "tensor.pth", "module.pth")) {
                seeds.add(List.of(pickleOf(name)));
            }
            String end = "K\1\u0085R.";
            for (String attack : List.of(
                    "\u0080\2cos\nsystem\n" + end,
                    "\u0080\4\u008c\2os\u008c\6system\u0093" + end,
                    "\u0080\2(ios\nsystem\n.",
                    "\u0080\2(cos\nsystem\no.",
                    "\u0080\2cmine\nThing\n)\u0081}b.",
                    "\u0080\2(X\7\0\0\0storageQQ.",
                    "\u0080\2]q\1h\1ah\1h\1\u0086h\1e.")) {
                seeds.add(List.of(attack.getBytes(ISO_8859_1)));
            }
            return seeds;
        }

        @Override
        void run(Path folder) {
            Path pickle = folder.resolve("data.pkl");
            try (FileBytes file = FileBytes.open(pickle)) {
                Pickle machine = new Pickle(file, 0, file.size());
                Object root = machine.read();
                TorchTensors tensors = new TorchTensors(file, machine);
                tensors.read(root);
                tensors.tensors().forEach((name, tensor) -> {
                    long bytes = Shapes.bytes(
                            tensor.tensor().shape(), tensor.tensor().dtype());
                    long end = tensor.offset() + tensor.span();
                    require(
                            bytes >= 0
                                    && tensor.offset() >= 0
                                    && end >= 0
                                    && end <= tensor.storage().elements(),
                            "a tensor outside of its storage");
                });
            }
        }
    },
    T5X(
            Limit.INFLATING,
            "checkpoint",
            "target.k/.zarray",
            "target.k/0.0",
            "target.m/.zarray",
            "target.m/0.0",
            "target.m/1.0",
            "target.u/.zarray",
            "target.u/0") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            Path folder = Files.createTempDirectory("t5x");
            try {
                T5xFolder.oneOfEachKind(folder).write();
                List<byte[]> files = new ArrayList<>();
                for (String name : names) {
                    files.add(Files.readAllBytes(folder.resolve(name)));
                }
                return List.of(files);
            } finally {
                try (Stream<Path> all = Files.walk(folder)) {
                    for (Path each : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                        Files.delete(each);
                    }
                }
            }
        }

        @Override
        void run(Path folder) {
            readAll(new T5xFormat(), folder);
        }
    },
    MSGPACK(64, "x.msgpack") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("a", T5xFolder.floats(1, 2, 3));
            map.put("b", Arrays.asList(null, true, -1, 300, 70_000, 1L << 40, 1.5, "text", new byte[3]));
            map.put("c", new T5xFolder.Wide(Map.of("d", new T5xFolder.Wide(List.of(1)))));
            return List.of(
                    List.of(T5xFolder.pack(map)), List.of(T5X.seeds().get(0).get(0)));
        }

        @Override
        void run(Path folder) {
            try (FileBytes file = FileBytes.open(folder.resolve("x.msgpack"))) {
                MsgPack skipped = new MsgPack(file, 0, file.size());
                skipped.skip();
                MsgPack read = new MsgPack(file, 0, file.size());
                read.read();
                require(read.at() == skipped.at(), "read and skip end at two places");
            }
        }
    },
    ZARR(Limit.INFLATING, "z/.zarray", "z/0.0", "z/0.1", "z/1.0") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            List<List<byte[]>> seeds = new ArrayList<>();
            for (String compressor : List.of("gzip", "zlib", "none")) {
                Map<String, Object> header = T5xFolder.header(List.of(3, 4));
                T5xFolder.compressor(header, compressor);
                header.put("chunks", List.of(2, 2));
                header.put("fill_value", compressor.equals("zlib") ? 1.5 : 0);
                header.put("order", compressor.equals("gzip") ? "F" : "C");
                byte[] chunk = T5xFolder.compress(compressor, T5xFolder.little(1, 2, 3, 4));
                seeds.add(List.of(Json.mapper().writeValueAsBytes(header), chunk, chunk, chunk));
            }
            return seeds;
        }

        @Override
        void run(Path folder) {
            CheckpointFolder files = new CheckpointFolder(folder);
            ZarrArray array = new ZarrArray(files, "z");
            array.checkChunks(new ZarrArray.Budget());
            long bytes = Shapes.bytes(array.shape(), array.dtype());
            require(bytes >= 0, "a size that cannot be");
            if (bytes <= MOST_READ) {
                require(array.read().remaining() == bytes, "another size than promised");
            }
        }
    },
    TFJS(64, "model.json", "a.bin", "b.bin") {
        @Override
        List<List<byte[]>> makeSeeds() {
            return List.of(List.of(
                    utf8("{'format':'graph-model','modelTopology':{'node':[{},[]]},'weightsManifest':["
                            + "{'paths':['a.bin','b.bin'],'weights':[{'name':'w','shape':[2,1],'dtype':'float32'},"
                            + "{'name':'n','shape':[],'dtype':'int32'},{'name':'t','shape':[3],'dtype':'bool'}]}]}"),
                    new byte[5],
                    new byte[10]));
        }

        @Override
        void run(Path folder) {
            readAll(new TfjsFormat(), folder);
        }
    },
    /** Rules of a user, used on a small checkpoint. */
    NAME_RULES(256, "names.json") {
        @Override
        List<List<byte[]>> makeSeeds() throws IOException {
            Path root = Path.of(System.getProperty("luthier.root"));
            return List.of(
                    List.of(utf8("{'format':'luthier-names/1','scheme':'torch','recognisedBy':['**'],'rules':["
                            + "{'match':'l.*.q','to':'layer{1}.q','transform':['transpose 1 0'],'shape':['n',2]},"
                            + "{'match':'l.*.k','to':['a{1}','b{1}'],'split':1},"
                            + "{'match':['l.0.v','l.1.v'],'to':'v','stack':0},"
                            + "{'match':'head','transform':['transpose 1 0']},"
                            + "{'match':'tied','sameAs':'head'},"
                            + "{'match':'pos','drop':'computed','expect':'10000^(-i/4)'},"
                            + "{'match':'**','optional':true}]}")),
                    List.of(Files.readAllBytes(root.resolve("docs/mr-mt3.names.json"))));
        }

        @Override
        void run(Path folder) {
            NameRules rules = NameRules.read(inMemory(folder.resolve("names.json")));
            Checkpoint checkpoint = SMALL.get();
            rules.matches(checkpoint);
            all(
                    () -> rules.apply(checkpoint, "family").ledger(),
                    () -> readTensors(rules.applyToSome(checkpoint).asCheckpoint()),
                    () -> readTensors(rules.survey(checkpoint).asCheckpoint()),
                    () -> rules.inverse()
                            .applyToSome(rules.apply(checkpoint, "family").asCheckpoint())
                            .ledger());
        }
    };

    /** Bytes that each call may allocate whatever it is given: buffers of readers and parsers. */
    static final long FREE = 1 << 20;

    /** Elements, the same as floats, and the copies on the way to the order that is promised. */
    static final long PER_BYTE = 16;

    /** Here, because the constants above need it. */
    private static final class Limit {
        /** What deflate makes of a byte, and as much again for the buffer that it grows in. */
        static final long INFLATING = 3 * 1032;
    }

    /** A claim of more than this is not put to the proof. */
    private static final long MOST_READ = 1 << 20;

    private static final int LONGEST_MESSAGE = 2000;

    /** Times the limit, for a driver that allocates for itself on the same thread. */
    static volatile int slack = 1;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final ThreadLocal<Path> FOLDER = ThreadLocal.withInitial(FuzzedReader::folder);
    private static final ThreadLocal<Checkpoint> SMALL = ThreadLocal.withInitial(FuzzedReader::small);

    final List<String> names;
    private final long growth;

    /** Files and folders that there are, the one around them among them. */
    private final long entries;

    private List<List<byte[]>> seeds;
    /** @param names of the files that it is given, in its folder */
    FuzzedReader(long growth, String... names) {
        this.growth = growth;
        this.names = List.of(names);
        Set<String> paths = new HashSet<>(this.names);
        this.names.forEach(name -> paths.add(name.substring(0, Math.max(0, name.lastIndexOf('/')))));
        paths.add("");
        this.entries = paths.size();
    }

    abstract List<List<byte[]>> makeSeeds() throws IOException;

    /** Reads everything; a LuthierException is a refusal. */
    abstract void run(Path folder);

    /** The files with checksums that fit them, so that a case reaches what is behind these; null if there are none. */
    List<byte[]> mended(List<byte[]> files) {
        return null;
    }

    /** Real files: each list has one for each name. */
    final synchronized List<List<byte[]>> seeds() {
        if (seeds == null) {
            try {
                seeds = makeSeeds();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return seeds;
    }

    /**
     * Tries one case, and once more with mended checksums if it was refused.
     *
     * @return whether it was read
     * @throws AssertionError if something else happens than reading or refusing
     */
    final boolean read(List<byte[]> files) {
        if (readOnce(files)) {
            return true;
        }
        List<byte[]> mended = mended(files);
        return mended != null && readOnce(mended);
    }

    /** More was allocated than is allowed. */
    private static final class Excess extends AssertionError {
        private static final long serialVersionUID = 1L;

        Excess(String message) {
            super(message);
        }
    }

    private boolean readOnce(List<byte[]> files) {
        try {
            return attempt(files);
        } catch (Excess e) {
            // What code takes when it runs for the first time is not counted, and is not taken twice.
            return attempt(files);
        }
    }

    private boolean attempt(List<byte[]> files) {
        Path folder = FOLDER.get().resolve(name());
        long size = 0;
        try {
            List<byte[]> before = written.get();
            for (int i = 0; i < files.size(); i++) {
                Path file = folder.resolve(names.get(i));
                if (before == null) {
                    Files.createDirectories(file.getParent());
                }
                if (before == null || !Arrays.equals(before.get(i), files.get(i))) {
                    Files.write(file, files.get(i));
                }
                size += files.get(i).length;
            }
            written.set(List.copyOf(files));
            limit.set(FREE + growth * size);
            begin.set(allocated());
            run(folder);
            checkAllocated(0);
            return true;
        } catch (LuthierException e) {
            checkAllocated(0);
            String message = String.valueOf(e.getMessage());
            require(message.length() <= LONGEST_MESSAGE, "a message of " + message.length() + " characters");
            require(
                    message.chars().noneMatch(Character::isISOControl),
                    "a message with control characters: " + message);
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            checkNothingWritten(files);
        }
    }

    private final ThreadLocal<List<byte[]>> written = new ThreadLocal<>();
    private final ThreadLocal<Long> begin = new ThreadLocal<>();
    private final ThreadLocal<Long> limit = new ThreadLocal<>();

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    /** Holds what was allocated since the last time against the limit, and begins anew. */
    final void checkAllocated(long tensorBytes) {
        long now = allocated();
        long taken = now - begin.get();
        long allowed = slack * (limit.get() + PER_BYTE * tensorBytes);
        begin.set(now);
        if (taken > allowed) {
            throw new Excess(taken + " bytes allocated, allowed are " + allowed);
        }
    }

    private void checkNothingWritten(List<byte[]> files) {
        Path folder = FOLDER.get().resolve(name());
        try (Stream<Path> all = Files.walk(folder)) {
            require(all.count() == entries, "another number of files than before");
            for (int i = 0; i < files.size(); i++) {
                require(Files.size(folder.resolve(names.get(i))) == files.get(i).length, "a file changed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Opens and reads all tensors but those that claim to be large. */
    final void readAll(CheckpointFormat format, Path path) {
        format.recognises(path);
        try (Checkpoint checkpoint = format.open(path)) {
            checkAllocated(0);
            readTensors(checkpoint);
            require(checkpoint.sha256().length() == 64, "no checksum");
            require(!checkpoint.files().isEmpty(), "no files");
            checkpoint
                    .warnings()
                    .forEach(warning -> require(warning.length() <= LONGEST_MESSAGE * 4, "a long warning"));
        }
    }

    final void readTensors(Checkpoint checkpoint) {
        LuthierException refused = null;
        long left = 4 * MOST_READ;
        for (TensorInfo tensor : checkpoint.tensors().values()) {
            long bytes = Shapes.bytes(tensor.shape(), tensor.dtype());
            require(
                    bytes >= 0 && bytes == tensor.elements() * tensor.dtype().bytes(),
                    "a shape whose product does not fit a long");
            if (bytes > MOST_READ || (left -= bytes) < 0) {
                continue;
            }
            try {
                ByteBuffer read = checkpoint.read(tensor.name());
                require(read.position() == 0 && read.remaining() == bytes, "another size than promised");
                require(read.order() == ByteOrder.LITTLE_ENDIAN, "another byte order");
                require(checkpoint.floats(tensor.name()).length == tensor.elements(), "another number of floats");
            } catch (LuthierException e) {
                // Damage that shows only here; the others are read all the same.
                refused = e;
            }
            checkAllocated(bytes);
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** Runs each, whatever the others refuse; refuses if one of them did. */
    private static void all(Runnable... runs) {
        LuthierException refused = null;
        for (Runnable run : runs) {
            try {
                run.run();
            } catch (LuthierException e) {
                refused = e;
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** The files as one array of bytes: the lengths of all but the last, two bytes each, and then the files. */
    static byte[] join(List<byte[]> files) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] file : files.subList(0, files.size() - 1)) {
            all.write(file.length);
            all.write(file.length >> 8);
        }
        files.forEach(all::writeBytes);
        return all.toByteArray();
    }

    /** What {@link #join} made, or of any other bytes as many files. */
    final List<byte[]> split(byte[] all) {
        List<byte[]> files = new ArrayList<>();
        int heads = Math.min(2 * (names.size() - 1), all.length);
        int at = heads;
        for (int i = 0; i < names.size() - 1; i++) {
            int length = 2 * i + 1 < heads ? all[2 * i] & 0xff | (all[2 * i + 1] & 0xff) << 8 : 0;
            int end = Math.min(all.length, at + length);
            files.add(Arrays.copyOfRange(all, at, end));
            at = end;
        }
        files.add(Arrays.copyOfRange(all, at, all.length));
        return files;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static Path folder() {
        // Without watchers and views that nothing here asks for.
        FileSystem files = Jimfs.newFileSystem(Configuration.unix());
        return files.getPath("/files");
    }

    private static byte[] utf8(String text) {
        return text.replace('\'', '"').getBytes(UTF_8);
    }

    private static byte[] safetensors(Map<String, String> metadata, Tensor... tensors) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(out, metadata, List.of(tensors));
        return out.toByteArray();
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = FuzzedReader.class.getResourceAsStream("torch/" + name)) {
            return in.readAllBytes();
        }
    }

    private static List<List<byte[]>> resources(String... names) throws IOException {
        List<List<byte[]>> all = new ArrayList<>();
        for (String name : names) {
            all.add(List.of(resource(name)));
        }
        return all;
    }

    private static byte[] pickleOf(String name) throws IOException {
        String file = FuzzedReader.class.getResource("torch/" + name).getPath();
        try (ZipFile zip = new ZipFile(file)) {
            ZipEntry pickle = zip.stream()
                    .filter(entry -> entry.getName().endsWith("/data.pkl"))
                    .findFirst()
                    .orElseThrow();
            return zip.getInputStream(pickle).readAllBytes();
        }
    }

    private static Checkpoint small() {
        Path file = folder().resolve("small");
        try {
            Files.createDirectories(file.getParent());
            Files.write(
                    file,
                    safetensors(
                            Map.of(),
                            Tensor.of("l.0.q", new float[6], 2, 3),
                            Tensor.of("l.1.q", new float[6], 2, 3),
                            Tensor.of("l.0.k", new float[8], 2, 4),
                            Tensor.of("l.1.k", new float[8], 2, 4),
                            Tensor.of("l.0.v", new float[2], 1, 2),
                            Tensor.of("l.1.v", new float[2], 1, 2),
                            Tensor.of("head", new float[] {1, 2, 3, 4}, 1, 4),
                            Tensor.of("tied", new float[] {1, 2, 3, 4}, 1, 4),
                            Tensor.of("pos", new float[4], 4),
                            new Tensor("step", DType.I64, List.of(), ByteBuffer.allocate(8))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new SafetensorsFormat().open(file);
    }

    private static URL inMemory(Path file) {
        try {
            return new URL(null, "memory:names.json", new URLStreamHandler() {
                @Override
                protected URLConnection openConnection(URL url) {
                    return new URLConnection(url) {
                        @Override
                        public void connect() {
                            // It is there.
                        }

                        @Override
                        public InputStream getInputStream() throws IOException {
                            return Files.newInputStream(file);
                        }
                    };
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
