package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.files.Sha256;
import org.luthier.model.mt3.Mt3Family;

/** The published checkpoint of MT3, 165 MB. */
@Tag("full")
class RealMt3ConversionTest {
    private static final Path ORIGINAL =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/checkpoints/mt3");
    /** The largest weight has 3.1 MB; the rest is the program, and what its threads hold. */
    private static final int HEAP = 40;

    @TempDir
    Path folder;

    @BeforeEach
    void needsTheCheckpoint() {
        assumeTrue(Files.isDirectory(ORIGINAL), "no ../shared/checkpoints/mt3");
    }

    private Path convert(Path source, String target) {
        return new Converter(Checkpoints.builtIn(), List.of(new Mt3Family()))
                .convert(
                        Request.of(source, folder.resolve(target)).overwrite(true),
                        Runtime.getRuntime().availableProcessors(),
                        Progress.NONE,
                        Cancellation.NONE)
                .target();
    }

    @Test
    void throughAllFormatsAndBackBitForBit() {
        Path safetensors = convert(ORIGINAL, "a.safetensors");
        assertSame(convert(safetensors, "back"), "1000000");
        // A state_dict does not tell of the training.
        assertSame(convert(convert(safetensors, "b.pth"), "again"), "0");
    }

    private static void assertSame(Path back, String step) {
        try (Checkpoint before = Checkpoints.builtIn().open(ORIGINAL);
                Checkpoint after = Checkpoints.builtIn().open(back)) {
            assertEquals(189, before.tensors().size());
            assertEquals(before.tensors().keySet(), after.tensors().keySet());
            before.tensors().values().forEach(tensor -> {
                assertEquals(tensor, after.tensors().get(tensor.name()));
                assertEquals(before.read(tensor.name()), after.read(tensor.name()), tensor.name());
            });
            assertEquals(step, after.metadata().get("step"));
        }
    }

    /** To each format, from the folder and from a file. */
    @Test
    void aSmallHeapIsEnough() throws Exception {
        Path log = folder.resolve("log");
        Path safetensors = folder.resolve("x.safetensors");
        Path torch = folder.resolve("x.pth");
        Path t5x = folder.resolve("x");
        double[] seconds = {
            ChildJvm.convert(HEAP, log, ORIGINAL.toString(), "-o", safetensors.toString()),
            ChildJvm.convert(HEAP, log, safetensors.toString(), "-o", t5x.toString(), "--force"),
            ChildJvm.convert(HEAP, log, ORIGINAL.toString(), "-o", torch.toString(), "--force"),
            ChildJvm.convert(HEAP, log, torch.toString(), "-o", t5x.toString(), "--force")
        };
        System.out.println("with a heap of " + HEAP + " MB: " + Arrays.toString(seconds) + " s");
        assertTrue(Files.size(safetensors) > 180_000_000);
        assertSame(t5x, "0");
    }

    /** The bound of the task: reading, unpacking, summing up and writing everything once, by one thread, takes 1. */
    @Test
    void takesAtMostHalfAsLongAgainAsTheUnavoidable() throws IOException {
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        // Several threads against one: on a busy machine that compares shares, not work.
        assumeTrue(load < Runtime.getRuntime().availableProcessors(), "the machine is busy, its load is " + load);
        double[] unavoidable = new double[5];
        double[] conversion = new double[5];
        for (int round = 0; round < 5; round++) {
            long begin = System.nanoTime();
            unavoidable();
            unavoidable[round] = (System.nanoTime() - begin) / 1e9;
            begin = System.nanoTime();
            convert(ORIGINAL, "x.safetensors");
            conversion[round] = (System.nanoTime() - begin) / 1e9;
        }
        String told =
                "unavoidable " + Arrays.toString(unavoidable) + " s, conversion " + Arrays.toString(conversion) + " s";
        System.out.println(told);
        // The fastest of each: what a busy machine adds is nobody's.
        double ratio = Arrays.stream(conversion).min().orElseThrow()
                / Arrays.stream(unavoidable).min().orElseThrow();
        assertTrue(ratio <= 1.5, told);
    }

    private void unavoidable() throws IOException {
        byte[] block = new byte[1 << 16];
        try (Stream<Path> all = Files.walk(ORIGINAL);
                OutputStream out = new BufferedOutputStream(Files.newOutputStream(folder.resolve("bytes")), 1 << 16)) {
            for (Path file : all.filter(each -> each.endsWith("0.0")).sorted().toList()) {
                Sha256 sha256 = new Sha256();
                try (InputStream in = new GZIPInputStream(Files.newInputStream(file), 1 << 16)) {
                    for (int count = in.read(block); count >= 0; count = in.read(block)) {
                        sha256.update(block, 0, count);
                        out.write(block, 0, count);
                    }
                }
                sha256.hex();
            }
        }
    }
}
