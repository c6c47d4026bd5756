package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.files.Sha256;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessageUnpacker;
import org.msgpack.value.MapValue;
import org.msgpack.value.Value;
import org.msgpack.value.ValueFactory;

/**
 * Damaged T5X folders, small ones and copies of the real one: a typed error, or exactly the arrays that the bytes spell. What those are
 * is told by msgpack-core, which decodes the file a second time.
 */
class T5xDamageTest {
    private static final long SEED = 20260101;
    private static final Path REAL = Path.of(System.getProperty("luthier.root")).resolve("../shared/checkpoints/mt3");
    private static final Path SUMS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/mt3/SHA256SUMS");

    @TempDir
    Path temporary;

    private final T5xFormat format = new T5xFormat();

    /** An array as a file spells it, or one beside the file, of which nothing but the name is told there. */
    private record Spelled(List<Long> shape, String dtype, ByteBuffer data) {}

    @Test
    void flippedBitsOfASmallFolder() throws IOException {
        Path folder = T5xFolder.oneOfEachKind(temporary.resolve("small")).write();
        Map<String, ByteBuffer> whole = arrays(folder);
        List<Path> files = files(folder);
        Random random = new Random(SEED);
        int refused = 0;
        for (int copy = 0; copy < 3000; copy++) {
            Path file = files.get(copy % files.size());
            byte[] valid = Files.readAllBytes(file);
            byte[] damaged = valid.clone();
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, damaged);
            try (Checkpoint checkpoint = format.open(folder)) {
                Map<String, ByteBuffer> read = read(checkpoint);
                if (file.endsWith("checkpoint")) {
                    assertSpelled(checkpoint, damaged);
                } else if (file.getParent().endsWith("target.u") && !file.endsWith(".zarray")) {
                    assertEquals(ByteBuffer.wrap(damaged), read.get("u"));
                } else if (!file.endsWith(".zarray")) {
                    // Compressed data has a checksum: what passes it is whole.
                    assertEquals(whole, read);
                }
            } catch (CheckpointException e) {
                refused++;
            } catch (RuntimeException | Error e) {
                fail("copy " + copy + " of seed " + SEED + ", " + file.getFileName() + ": " + e, e);
            }
            Files.write(file, valid);
        }
        // Data and unused fields may change; most damage is seen.
        assertTrue(refused > 1500, refused + " refused");
        assertEquals(whole, arrays(folder));
    }

    @Test
    void theSmallFolderCutAtEveryByte() throws IOException {
        Path folder = T5xFolder.oneOfEachKind(temporary.resolve("small")).write();
        for (Path file : files(folder)) {
            byte[] valid = Files.readAllBytes(file);
            for (int length = 0; length < valid.length; length++) {
                Files.write(file, Arrays.copyOf(valid, length));
                assertThrows(CheckpointException.class, () -> arrays(folder), file + " cut to " + length);
            }
            Files.write(file, valid);
        }
        arrays(folder);
    }

    @Test
    void theRealCheckpointIsWhatNumpyReads() throws IOException {
        assumeReal();
        Map<String, String> expected = new LinkedHashMap<>();
        try (var in = T5xDamageTest.class.getResourceAsStream("mt3-arrays.sha256")) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n")) {
                if (!line.startsWith("#")) {
                    expected.put(line.substring(66), line.substring(0, 64));
                }
            }
        }
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(REAL)) {
            assertEquals(Map.of("version", "3", "step", "1000000"), checkpoint.metadata());
            assertEquals(189, checkpoint.tensors().size());
            assertEquals(
                    45_896_704,
                    checkpoint.tensors().values().stream()
                            .mapToLong(TensorInfo::elements)
                            .sum());
            checkpoint.tensors().values().forEach(tensor -> assertEquals(DType.F32, tensor.dtype()));
            assertEquals(
                    List.of(512L, 384L),
                    checkpoint
                            .tensors()
                            .get("encoder.layers_3.attention.query.kernel")
                            .shape());
            Map<String, String> sums = new LinkedHashMap<>();
            checkpoint.tensors().keySet().forEach(name -> sums.put(name, Sha256.hex(checkpoint.read(name))));
            assertEquals(expected, sums);

            Map<String, String> files = new TreeMap<>();
            Files.readAllLines(SUMS).forEach(line -> files.put(line.substring(66), line.substring(0, 64)));
            assertEquals(files, checkpoint.files());
        }
    }

    @Test
    @Tag("full")
    void tenThousandFlipsOfTheRealFile() throws IOException {
        Path folder = copyOfReal();
        Path file = folder.resolve("checkpoint");
        byte[] bytes = Files.readAllBytes(file);
        int target = indexOf(bytes, "target");
        Random random = new Random(SEED);
        int refused = 0;
        try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
            for (int copy = 0; copy < 10_000; copy++) {
                // Six of seven bytes are the optimizer's state: half of the damage goes to the parameters.
                int at = copy % 2 == 0 ? random.nextInt(bytes.length) : target + random.nextInt(bytes.length - target);
                byte valid = bytes[at];
                bytes[at] = copy % 4 < 2 ? (byte) (valid ^ 1 << random.nextInt(8)) : (byte) random.nextInt(256);
                write(damaged, at, bytes[at]);
                try (Checkpoint checkpoint = format.open(folder)) {
                    assertSpelled(checkpoint, bytes);
                } catch (CheckpointException e) {
                    refused++;
                } catch (RuntimeException | Error e) {
                    fail("copy " + copy + " of seed " + SEED + ", byte " + at + ": " + e, e);
                }
                bytes[at] = valid;
                write(damaged, at, valid);
            }
        }
        assertTrue(refused > 500, refused + " refused");
    }

    @Test
    @Tag("full")
    void theRealFilesCutAndMissing() throws IOException {
        Path folder = copyOfReal();
        for (Path file : files(folder)) {
            byte[] valid = Files.readAllBytes(file);
            int length = valid.length;
            for (int cut : List.of(0, 1, 9, 10, length / 3, length / 2, length - 9, length - 8, length - 1)) {
                Files.write(file, Arrays.copyOf(valid, cut));
                CheckpointException e =
                        assertThrows(CheckpointException.class, () -> read(folder, file), file + " cut to " + cut);
                assertEquals(file.toString(), e.file());
            }
            Files.delete(file);
            CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(folder));
            assertEquals(file.toString(), e.file());
            assertEquals(file.endsWith("0.0") ? "missing-chunk" : "unreadable", e.rule());
            Files.write(file, valid);
        }
        read(folder, folder.resolve("checkpoint"));
    }

    @Test
    @Tag("full")
    void otherShapesAndTypesForTheRealArrays() throws IOException {
        Path folder = copyOfReal();
        byte[] file = Files.readAllBytes(folder.resolve("checkpoint"));
        String name = "decoder.layers_0.mlp.wo.kernel";
        Path header = folder.resolve("target." + name + "/.zarray");
        String text = Files.readString(header);

        Files.writeString(header, text.replace("\"shape\":[1024,512]", "\"shape\":[1024,511]"));
        assertEquals("disagreement", refused(folder, header));
        Files.writeString(header, text.replace("\"<f4\"", "\"<f2\""));
        assertEquals("disagreement", refused(folder, header));
        Files.writeString(header, text);

        // Both say so: the data is too long, or too short, for it.
        int at = indexOf(file, "target." + name);
        Path chunk = header.resolveSibling("0.0");
        write(
                folder,
                file,
                at,
                "\u00a5shape\u0092\u00cd\u0004\u0000\u00cd\u0002\u0000",
                "\u00a5shape\u0092\u00cd\u0003\u0000\u00cd\u0002\u0000");
        assertEquals("disagreement", refused(folder, header));
        byte[] smaller =
                replaced(file, at, "\u00a6chunks\u0092\u00cd\u0004\u0000", "\u00a6chunks\u0092\u00cd\u0003\u00f8");
        smaller = replaced(smaller, at, "\u00a5shape\u0092\u00cd\u0004\u0000", "\u00a5shape\u0092\u00cd\u0003\u00f8");
        smaller = replaced(smaller, at, "max\u0092\u0091\u00cd\u0004\u0000", "max\u0092\u0091\u00cd\u0003\u00f8");
        Files.write(folder.resolve("checkpoint"), smaller);
        Files.writeString(header, text.replace("[1024,512]", "[1016,512]"));
        assertEquals("length", refused(folder, chunk));
        Files.writeString(header, text);

        // An array in the file.
        write(
                folder,
                file,
                indexOf(file, "target"),
                "\u0093\u0091\u00cd\u0002\u0000\u00a7float32",
                "\u0093\u0091\u00cd\u0001\u0000\u00a7float32");
        assertEquals("tensor-size", refused(folder, folder.resolve("checkpoint")));
        write(
                folder,
                file,
                indexOf(file, "target"),
                "\u0093\u0091\u00cd\u0002\u0000\u00a7float32",
                "\u0093\u0091\u00cd\u0002\u0000\u00a7float64");
        assertEquals("tensor-size", refused(folder, folder.resolve("checkpoint")));
        write(
                folder,
                file,
                indexOf(file, "target"),
                "\u0093\u0091\u00cd\u0002\u0000\u00a7float32",
                "\u0093\u0091\u00cd\u0002\u0000\u00a7floot32");
        assertEquals("dtype", refused(folder, folder.resolve("checkpoint")));
    }

    private String refused(Path folder, Path file) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> read(folder, file));
        assertEquals(file.toString(), e.file());
        return e.rule();
    }

    /** Opens a folder and reads the array that a file belongs to. */
    private void read(Path folder, Path file) {
        try (Checkpoint checkpoint = format.open(folder)) {
            String array = file.getParent().getFileName().toString();
            if (array.startsWith("target.")) {
                checkpoint.read(array.substring("target.".length()));
            }
        }
    }

    private Map<String, ByteBuffer> arrays(Path folder) {
        try (Checkpoint checkpoint = format.open(folder)) {
            return read(checkpoint);
        }
    }

    private static Map<String, ByteBuffer> read(Checkpoint checkpoint) {
        Map<String, ByteBuffer> arrays = new LinkedHashMap<>();
        checkpoint.tensors().keySet().forEach(name -> arrays.put(name, checkpoint.read(name)));
        return arrays;
    }

    /** Whether the arrays in the file are those that msgpack-core decodes, name by name and byte by byte. */
    private static void assertSpelled(Checkpoint checkpoint, byte[] file) throws IOException {
        Map<String, Spelled> spelled = new LinkedHashMap<>();
        try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(file)) {
            MapValue root = unpacker.unpackValue().asMapValue();
            assertFalse(unpacker.hasNext());
            Value optimizer = get(root, "optimizer");
            collect("", get(optimizer == null ? root : optimizer.asMapValue(), "target"), spelled);
        }
        assertEquals(
                List.copyOf(spelled.keySet()), List.copyOf(checkpoint.tensors().keySet()));
        for (Map.Entry<String, Spelled> entry : spelled.entrySet()) {
            Spelled array = entry.getValue();
            if (array != null) {
                TensorInfo tensor = checkpoint.tensors().get(entry.getKey());
                assertEquals(array.shape, tensor.shape());
                assertEquals(
                        array.dtype.replaceFirst("float|int", ""),
                        String.valueOf(8 * tensor.dtype().bytes()));
                assertEquals(array.data, checkpoint.read(entry.getKey()));
            }
        }
    }

    private static void collect(String name, Value value, Map<String, Spelled> spelled) throws IOException {
        if (value.isExtensionValue()) {
            try (MessageUnpacker body =
                    MessagePack.newDefaultUnpacker(value.asExtensionValue().getData())) {
                List<Value> parts = body.unpackValue().asArrayValue().list();
                List<Long> shape = parts.get(0).asArrayValue().list().stream()
                        .map(size -> size.asIntegerValue().asLong())
                        .toList();
                spelled.put(
                        name,
                        new Spelled(
                                shape,
                                parts.get(1).asStringValue().asString(),
                                parts.get(2).asBinaryValue().asByteBuffer()));
            }
        } else if (get(value.asMapValue(), "driver") != null
                && get(value.asMapValue(), "driver").isStringValue()) {
            spelled.put(name, null);
        } else {
            for (Map.Entry<Value, Value> entry : value.asMapValue().entrySet()) {
                String key = entry.getKey().asStringValue().asString();
                collect(name.isEmpty() ? key : name + "." + key, entry.getValue(), spelled);
            }
        }
    }

    private static Value get(MapValue map, String key) {
        return map.map().get(ValueFactory.newString(key));
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private Path copyOfReal() throws IOException {
        assumeReal();
        Path copy = temporary.resolve("mt3");
        for (Path file : files(REAL)) {
            Path target = copy.resolve(REAL.relativize(file).toString());
            Files.createDirectories(target.getParent());
            // Not Files.copy: the original is read-only.
            Files.write(target, Files.readAllBytes(file));
        }
        return copy;
    }

    private static void assumeReal() {
        Assumptions.assumeTrue(Files.isDirectory(REAL), "the MT3 checkpoint is not at " + REAL);
    }

    private static void write(RandomAccessFile file, int at, byte value) throws IOException {
        file.seek(at);
        file.write(value);
    }

    private static void write(Path folder, byte[] bytes, int from, String before, String after) throws IOException {
        Files.write(folder.resolve("checkpoint"), replaced(bytes, from, before, after));
    }

    /** The first such bytes behind a place are replaced; a character is a byte. */
    private static byte[] replaced(byte[] bytes, int from, String before, String after) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int at = text.indexOf(before, from);
        return (text.substring(0, at) + after + text.substring(at + before.length()))
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    private static int indexOf(byte[] bytes, String text) {
        return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    }
}
