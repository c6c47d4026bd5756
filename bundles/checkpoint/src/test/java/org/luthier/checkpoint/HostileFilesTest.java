package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.checkpoint.SafetensorsWriter.Tensor;

/** Cut and damaged files: whatever happens, a reader gives tensors or one typed error, never anything else. */
class HostileFilesTest {
    private static final long SEED = 20260101;

    private int damagedCopies = 600;

    @TempDir
    Path folder;

    @Test
    @Tag("full")
    void manyMoreCopies() throws IOException {
        damagedCopies = 50_000;
        safetensors();
        npy();
        npz();
        tfjs();
        torch();
    }

    @Test
    void safetensors() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(
                out,
                Map.of("format", "test"),
                List.of(
                        Tensor.of("a.weight", new float[] {1, 2, 3, 4}, 2, 2),
                        new Tensor("b", DType.BOOL, List.of(3L), ByteBuffer.wrap(new byte[] {0, 1, 1})),
                        new Tensor("c", DType.I64, List.of(1L), ByteBuffer.allocate(8))));
        check(new SafetensorsFormat(), out.toByteArray(), folder.resolve("x"), folder.resolve("x"));
    }

    @Test
    void npy() throws IOException {
        byte[] data = TestFiles.floats(ByteOrder.BIG_ENDIAN, 1, 2, 3, 4, 5, 6);
        check(new NpyFormat(), TestFiles.npy(">f4", true, "(2, 3)", data), folder.resolve("x"), folder.resolve("x"));
    }

    @Test
    void npz() throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("a.npy", TestFiles.npy("<f8", true, "(2, 3)", new byte[48]));
        entries.put("b.npy", TestFiles.npy(2, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", new byte[3]));
        for (boolean deflated : new boolean[] {false, true}) {
            check(new NpzFormat(), TestFiles.zip(deflated, entries), folder.resolve("x"), folder.resolve("x"));
        }
    }

    @Test
    void tfjs() throws IOException {
        Path model = TestFiles.tfjs(
                folder.resolve("m"),
                "[{\"paths\": [\"a.bin\"], \"weights\": [{\"name\": \"w\", \"shape\": [2, 1], \"dtype\": \"float32\"},"
                        + " {\"name\": \"n\", \"shape\": [], \"dtype\": \"int32\"}]}]",
                new byte[12]);
        Path json = model.resolve("model.json");
        check(new TfjsFormat(), Files.readAllBytes(json), json, model);
        Path shard = model.resolve("a.bin");
        check(new TfjsFormat(), Files.readAllBytes(shard), shard, model);
    }

    @Test
    void torch() throws IOException {
        // The older form has no checksums: damage to its pickles reaches the machine.
        for (String name : List.of("big-endian.pth", "legacy.pth", "lightning-legacy.ckpt")) {
            try (InputStream in = HostileFilesTest.class.getResourceAsStream("torch/" + name)) {
                check(new TorchFormat(), in.readAllBytes(), folder.resolve("x"), folder.resolve("x"));
            }
        }
    }

    /**
     * @param valid content of {@code part} with which {@code whole} opens
     */
    private void check(CheckpointFormat format, byte[] valid, Path part, Path whole) throws IOException {
        Files.write(part, valid);
        readAll(format, whole);
        for (int length = 0; length < valid.length; length++) {
            Files.write(part, Arrays.copyOf(valid, length));
            format.recognises(whole);
            assertThrows(CheckpointException.class, () -> readAll(format, whole), "cut to " + length + " bytes");
        }
        Random random = new Random(SEED);
        int refused = 0;
        for (int copy = 0; copy < damagedCopies; copy++) {
            byte[] damaged = valid.clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            }
            if (random.nextInt(4) == 0) {
                damaged[random.nextInt(damaged.length)] = (byte) 0xff;
            }
            Files.write(part, damaged);
            try {
                format.recognises(whole);
                readAll(format, whole);
            } catch (CheckpointException e) {
                refused++;
            } catch (Throwable e) {
                fail("copy " + copy + " of seed " + SEED + ": " + e, e);
            }
        }
        // A shard has no structure to damage; everything else must be refused now and then.
        assertEquals(
                part.equals(whole) || part.endsWith("model.json"), refused > damagedCopies / 10, refused + " refused");
        Files.write(part, valid);
        readAll(format, whole);
    }

    private static void readAll(CheckpointFormat format, Path path) {
        try (Checkpoint checkpoint = format.open(path)) {
            checkpoint.sha256();
            checkpoint.tensors().values().forEach(tensor -> {
                assertEquals(
                        Math.multiplyExact(tensor.elements(), tensor.dtype().bytes()),
                        checkpoint.read(tensor.name()).remaining());
                checkpoint.floats(tensor.name());
            });
        }
    }
}
