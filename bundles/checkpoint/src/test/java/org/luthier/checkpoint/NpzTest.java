package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;

class NpzTest {
    private static final byte[] ONE = TestFiles.npy("<f4", false, "(1,)", TestFiles.floats(ByteOrder.LITTLE_ENDIAN, 1));
    private static final byte[] PAIR =
            TestFiles.npy(">f4", false, "(2,)", TestFiles.floats(ByteOrder.BIG_ENDIAN, 2, 3));

    @TempDir
    Path folder;

    private final NpzFormat format = new NpzFormat();

    /** A zip file whose every number can be set wrong. */
    private static final class RawZip {
        private final ByteArrayOutputStream local = new ByteArrayOutputStream();
        private final ByteArrayOutputStream central = new ByteArrayOutputStream();
        private int count;

        int flags;
        int localFlags;
        int method;
        int extraCrc;
        int extraSize;
        int extraCompressed;
        int extraLocalSize;
        int extraOffset;
        String localName;
        byte[] localExtra = {};
        boolean zip64;
        String comment = "";
        String gap = "";

        RawZip add(String name, byte[] data) {
            byte[] packed = method == 8 ? deflate(data) : data;
            CRC32 crc = new CRC32();
            crc.update(data);
            int sum = (int) crc.getValue() + extraCrc;
            byte[] here = (localName == null ? name : localName).getBytes(StandardCharsets.UTF_8);
            int offset = local.size() + extraOffset;
            ByteBuffer header = little(30 + here.length + localExtra.length);
            header.putInt(0x04034b50).putShort((short) 20).putShort((short) (flags + localFlags));
            header.putShort((short) method).putInt(0).putInt(sum);
            if (zip64) {
                header.putInt(-1).putInt(-1);
            } else {
                header.putInt(packed.length + extraCompressed).putInt(data.length + extraSize + extraLocalSize);
            }
            header.putShort((short) here.length)
                    .putShort((short) localExtra.length)
                    .put(here)
                    .put(localExtra);
            local.writeBytes(header.array());
            local.writeBytes(packed);

            byte[] there = name.getBytes(StandardCharsets.UTF_8);
            ByteBuffer entry = little(46 + there.length);
            entry.putInt(0x02014b50).putShort((short) 20).putShort((short) 20).putShort((short) flags);
            entry.putShort((short) method).putInt(0).putInt(sum);
            entry.putInt(packed.length + extraCompressed).putInt(data.length + extraSize);
            entry.putShort((short) there.length).putInt(0).putInt(0).putInt(0).putShort((short) 0);
            entry.putInt(42, offset).position(46);
            entry.put(there);
            central.writeBytes(entry.array());
            count++;
            return this;
        }

        byte[] bytes() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            all.writeBytes(local.toByteArray());
            all.writeBytes(gap.getBytes(StandardCharsets.UTF_8));
            all.writeBytes(central.toByteArray());
            ByteBuffer end = little(22 + comment.length());
            end.putInt(0x06054b50).putInt(0).putShort((short) count).putShort((short) count);
            end.putInt(central.size()).putInt(local.size()).putShort((short) comment.length());
            end.put(comment.getBytes(StandardCharsets.UTF_8));
            all.writeBytes(end.array());
            return all.toByteArray();
        }

        private static byte[] deflate(byte[] data) {
            Deflater deflater = new Deflater(9, true);
            deflater.setInput(data);
            deflater.finish();
            byte[] packed = new byte[data.length + 100];
            int length = deflater.deflate(packed);
            deflater.end();
            return java.util.Arrays.copyOf(packed, length);
        }

        private static ByteBuffer little(int size) {
            return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    @Test
    void readsWhatNumpyWrote() {
        Path file = Path.of(System.getProperty("luthier.root")).resolve("samples/vocadito14/posteriorgrams.npz");
        assertTrue(format.recognises(file));
        try (Checkpoint checkpoint = format.open(file)) {
            assertEquals(
                    List.of("note", "onset", "contour"),
                    List.copyOf(checkpoint.tensors().keySet()));
            long frames = checkpoint.tensors().get("note").shape().get(0);
            assertEquals(List.of(frames, 88L), checkpoint.tensors().get("note").shape());
            assertEquals(
                    List.of(frames, 264L), checkpoint.tensors().get("contour").shape());
            for (String name : checkpoint.tensors().keySet()) {
                for (float value : checkpoint.floats(name)) {
                    assertTrue(value >= 0 && value <= 1, name + " " + value);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void storedAndDeflated(boolean deflated) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("b.npy", ONE);
        entries.put("layer/a.npy", PAIR);
        try (Checkpoint checkpoint = format.open(write(TestFiles.zip(deflated, entries)))) {
            assertEquals("npz", checkpoint.format());
            assertEquals(
                    List.of("b", "layer/a"), List.copyOf(checkpoint.tensors().keySet()));
            assertArrayEquals(new float[] {1}, checkpoint.floats("b"));
            assertArrayEquals(new float[] {2, 3}, checkpoint.floats("layer/a"));
            assertArrayEquals(new float[] {2, 3}, checkpoint.floats("layer/a"));
        }
    }

    @Test
    void emptyArchive() throws IOException {
        try (Checkpoint checkpoint = format.open(write(new RawZip().bytes()))) {
            assertTrue(checkpoint.tensors().isEmpty());
        }
    }

    @Test
    void localSizesOf64Bits() throws IOException {
        RawZip zip = new RawZip();
        zip.zip64 = true;
        zip.localExtra = ByteBuffer.allocate(20)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) 1)
                .putShort((short) 16)
                .putLong(ONE.length)
                .putLong(ONE.length)
                .array();
        format.open(write(zip.add("a.npy", ONE).bytes())).close();
        zip.localExtra[4]++;
        broken(zip.add("b.npy", ONE).bytes(), "zip-local");
    }

    @Test
    void zip64End() throws IOException {
        byte[] plain = new RawZip().add("a.npy", ONE).add("b.npy", PAIR).bytes();
        int end = plain.length - 22;
        ByteBuffer old = ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer file = ByteBuffer.allocate(plain.length + 76).order(ByteOrder.LITTLE_ENDIAN);
        file.put(plain, 0, end);
        file.putInt(0x06064b50)
                .putLong(44)
                .putShort((short) 45)
                .putShort((short) 45)
                .putInt(0)
                .putInt(0);
        file.putLong(2).putLong(2).putLong(old.getInt(end + 12)).putLong(old.getInt(end + 16));
        file.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
        file.putInt(0x06054b50).putInt(0).putInt(-1).putInt(-1).putInt(-1).putShort((short) 0);
        try (Checkpoint checkpoint = format.open(write(file.array()))) {
            assertArrayEquals(new float[] {2, 3}, checkpoint.floats("b"));
        }
        byte[] elsewhere = file.array().clone();
        elsewhere[end + 56 + 8]--;
        broken(elsewhere, "zip-end");
        byte[] differs = file.array().clone();
        differs[end + 32] = 1;
        broken(differs, "zip-end");
    }

    @Test
    void whatCouldBeReadInTwoWaysIsRefused() throws IOException {
        broken(new RawZip().add("a.npy", ONE).add("a.npy", PAIR).bytes(), "zip-duplicate");

        RawZip comment = new RawZip();
        comment.comment = "hello";
        broken(comment.add("a.npy", ONE).bytes(), "zip-end");

        RawZip gap = new RawZip();
        gap.gap = "gap";
        broken(gap.add("a.npy", ONE).bytes(), "zip-end");

        RawZip name = new RawZip();
        name.localName = "b.npy";
        broken(name.add("a.npy", ONE).bytes(), "zip-local");

        RawZip flags = new RawZip();
        flags.localFlags = 1;
        broken(flags.add("a.npy", ONE).bytes(), "zip-local");

        RawZip size = new RawZip();
        size.extraLocalSize = 1;
        broken(size.add("a.npy", ONE).bytes(), "zip-local");

        RawZip overlap = new RawZip();
        overlap.add("a.npy", ONE);
        overlap.extraOffset = -(30 + 5 + ONE.length);
        overlap.localName = "a.npy";
        broken(overlap.add("b.npy", ONE).bytes(), "zip-local");

        byte[] before = new RawZip().add("a.npy", ONE).bytes();
        byte[] shifted = new byte[before.length + 4];
        System.arraycopy(before, 0, shifted, 4, before.length);
        broken(shifted, "zip-end");
    }

    @Test
    void overlappingEntriesAreRefused() throws IOException {
        // The second entry's local header lies inside the first one's data.
        byte[] inner = new RawZip().add("b.npy", ONE).bytes();
        int innerLocal = 30 + 5 + ONE.length;
        byte[] data = java.util.Arrays.copyOf(inner, innerLocal);
        byte[] outer = TestFiles.npy("|u1", false, "(" + data.length + ",)", data);
        RawZip zip = new RawZip();
        zip.add("a.npy", outer);
        byte[] first = zip.local.toByteArray();
        zip.extraOffset = 30 + 5 + outer.length - data.length - first.length;
        zip.add("b.npy", ONE);
        ByteBuffer whole = ByteBuffer.wrap(zip.bytes());
        // Cut the second local entry out again and move the directory's offset.
        byte[] bytes = new byte[whole.capacity() - innerLocal];
        System.arraycopy(whole.array(), 0, bytes, 0, first.length);
        System.arraycopy(whole.array(), first.length + innerLocal, bytes, first.length, bytes.length - first.length);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length - 6, first.length);
        broken(bytes, "zip-overlap");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../a.npy",
                "/a.npy",
                "a/../../b.npy",
                "a\\b.npy",
                "c:a.npy",
                "",
                "./a.npy",
                "a//b.npy",
                "a\0.npy",
                "dir/"
            })
    void namesThatLeaveTheArchiveAreRefused(String name) throws IOException {
        broken(new RawZip().add(name, ONE).bytes(), "zip-name");
    }

    @Test
    void otherEntriesAreRefused() throws IOException {
        broken(new RawZip().add("readme.txt", ONE).bytes(), "npz-entry");
    }

    @Test
    void encryptionAndOtherMethodsAreRefused() throws IOException {
        for (int flag : new int[] {1, 1 << 6, 1 << 13}) {
            RawZip zip = new RawZip();
            zip.flags = flag;
            broken(zip.add("a.npy", ONE).bytes(), "zip-encrypted");
        }
        RawZip zip = new RawZip();
        zip.method = 14;
        broken(zip.add("a.npy", ONE).bytes(), "zip-method");
    }

    @Test
    void wrongChecksumIsRefused() throws IOException {
        for (int method : new int[] {0, 8}) {
            byte[] large = TestFiles.npy("|u1", false, "(100000,)", new byte[100_000]);
            RawZip zip = new RawZip();
            zip.method = method;
            zip.extraCrc = 1;
            zip.add("a.npy", large);
            try (Checkpoint checkpoint = format.open(write(zip.bytes()))) {
                CheckpointException e = assertThrows(CheckpointException.class, () -> checkpoint.read("a"));
                assertEquals("zip-data", e.rule());
                assertTrue(e.getMessage().contains("CRC"), e.getMessage());
            }
        }
    }

    @Test
    void declaredSizesThatLieAreRefused() throws IOException {
        byte[] array = TestFiles.npy("|u1", false, "(100000,)", new byte[100_000]);
        byte[] shorter = TestFiles.npy("|u1", false, "(099999,)", new byte[100_000]);
        RawZip more = new RawZip();
        more.method = 8;
        more.extraSize = -1;
        try (Checkpoint checkpoint =
                format.open(write(more.add("a.npy", shorter).bytes()))) {
            assertEquals(
                    "zip-data",
                    assertThrows(CheckpointException.class, () -> checkpoint.read("a"))
                            .rule());
        }
        RawZip less = new RawZip();
        less.method = 8;
        less.extraSize = 10_000;
        broken(less.add("a.npy", array).bytes(), "truncated", "tensor-size");

        RawZip bomb = new RawZip();
        bomb.method = 8;
        bomb.extraSize = 2_000_000_000;
        broken(bomb.add("a.npy", array).bytes(), "zip-size");

        RawZip stored = new RawZip();
        stored.extraSize = 1;
        broken(stored.add("a.npy", ONE).bytes(), "zip-size");

        RawZip outside = new RawZip();
        outside.extraSize = 5;
        outside.extraCompressed = 5;
        broken(outside.add("a.npy", ONE).bytes(), "zip-local");
    }

    @Test
    void zerosAtDeflatesBestRatioAreFine() throws IOException {
        byte[] array = TestFiles.npy("|u1", false, "(10000000,)", new byte[10_000_000]);
        RawZip zip = new RawZip();
        zip.method = 8;
        try (Checkpoint checkpoint = format.open(write(zip.add("a.npy", array).bytes()))) {
            assertEquals(10_000_000, checkpoint.read("a").remaining());
        }
    }

    @Test
    void brokenArrayNamesItsEntry() throws IOException {
        byte[] objects = TestFiles.npy("|O", false, "(1,)", new byte[8]);
        CheckpointException e = broken(new RawZip().add("a.npy", objects).bytes(), "dtype");
        assertTrue(e.getMessage().contains("entry 'a.npy'"), e.getMessage());
    }

    @Test
    void otherZipFilesAreNotRecognised() throws IOException {
        assertFalse(format.recognises(
                write(new RawZip().add("archive/data.pkl", ONE).bytes())));
        assertFalse(format.recognises(write(new byte[0])));
        assertFalse(format.recognises(folder));
    }

    private CheckpointException broken(byte[] bytes, String... rules) throws IOException {
        Path file = write(bytes);
        CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(file));
        assertTrue(List.of(rules).contains(e.rule()), e.getMessage());
        return e;
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("x.npz"), bytes);
    }
}
