package org.luthier.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;

class AtomicFileTest {
    @TempDir
    Path folder;

    @Test
    void writesNewFile() throws IOException {
        Path target = folder.resolve("song a;b$.mid");
        AtomicFile.write(target, false, text("notes"));
        assertEquals("notes", Files.readString(target));
        assertEquals(List.of(target), content());
    }

    @Test
    void newFileHasTheUsualPermissions() throws IOException {
        assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"));
        Path usual = Files.createFile(folder.resolve("usual"));
        Path target = folder.resolve("target");
        AtomicFile.write(target, false, text("notes"));
        assertEquals(Files.getPosixFilePermissions(usual), Files.getPosixFilePermissions(target));
    }

    @Test
    void existingFileNeedsForce() throws IOException {
        Path target = Files.writeString(folder.resolve("song.mid"), "old");
        assertEquals(target + " exists; use --force to replace it", refusal(target, false));
        assertEquals("old", Files.readString(target));
        AtomicFile.write(target, true, text("new"));
        assertEquals("new", Files.readString(target));
        assertEquals(List.of(target), content());
    }

    @Test
    void fileThatAppearsWhileWritingIsKept() throws IOException {
        Path target = folder.resolve("song.mid");
        assertThrows(
                LuthierException.class,
                () -> AtomicFile.write(target, false, out -> Files.writeString(target, "somebody else's")));
        assertEquals("somebody else's", Files.readString(target));
        assertEquals(List.of(target), content());
    }

    @Test
    void refusesWhatIsNoPlaceForAFile() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        Path inner = Files.createDirectory(folder.resolve("inner"));
        assertTrue(refusal(inner, true).contains("is a directory"));
        assertTrue(refusal(folder.resolve("missing/song.mid"), true)
                .contains("the folder " + folder.resolve("missing") + " does not exist"));
        assertTrue(refusal(file.resolve("song.mid"), true).contains("is not a folder"));
        assertEquals(List.of(file, inner), content());
    }

    @Test
    void refusesUnwritableFolder() throws IOException {
        assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"));
        Path locked = Files.createDirectory(
                folder.resolve("locked"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-x------")));
        assumeFalse(Files.isWritable(locked), "this user may write everywhere");
        assertTrue(refusal(locked.resolve("song.mid"), true).contains("no permission to write in " + locked));
    }

    @Test
    void refusesFolderThatNobodyCanWrite() {
        Path proc = Path.of("/proc");
        assumeTrue(Files.isDirectory(proc), "no /proc here");
        assertTrue(refusal(proc.resolve("song.mid"), false).startsWith("cannot write /proc/song.mid: "));
    }

    @Test
    void failureInTheMiddleLeavesNothing() throws IOException {
        Path target = folder.resolve("song.mid");
        LuthierException failed = assertThrows(
                LuthierException.class,
                () -> AtomicFile.write(target, false, out -> {
                    out.write(new byte[200_000]);
                    throw new IOException("disk full");
                }));
        assertEquals("cannot write " + target + ": disk full", failed.getMessage());
        assertEquals(List.of(), content());
    }

    @Test
    void exceptionsOfTheWriterPassThrough() throws IOException {
        Path target = Files.writeString(folder.resolve("song.mid"), "old");
        for (Throwable thrown :
                List.of(new CancelledException(), new IllegalStateException(), new StackOverflowError())) {
            Throwable seen = assertThrows(
                    thrown.getClass(),
                    () -> AtomicFile.write(target, true, out -> {
                        out.write(1);
                        if (thrown instanceof Error error) {
                            throw error;
                        }
                        throw (RuntimeException) thrown;
                    }));
            assertSame(thrown, seen);
            assertEquals(List.of(target), content());
            assertEquals("old", Files.readString(target));
        }
    }

    @Test
    void interruptLeavesNothing() throws IOException {
        Path target = folder.resolve("song.mid");
        for (int size : new int[] {1, 1_000_000}) {
            assertThrows(
                    CancelledException.class,
                    () -> AtomicFile.write(target, false, out -> {
                        Thread.currentThread().interrupt();
                        out.write(new byte[size]);
                    }));
            assertTrue(Thread.interrupted(), "the thread stays interrupted");
            assertEquals(List.of(), content());
        }
    }

    @Test
    void linkIsFollowed() throws IOException {
        Path real =
                Files.writeString(Files.createDirectory(folder.resolve("real")).resolve("song.mid"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.mid"), real);
        assertTrue(refusal(link, false).contains("exists"));
        AtomicFile.write(link, true, text("new"));
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("new", Files.readString(real));

        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nowhere"));
        assertTrue(refusal(dangling, true).contains("link to a file that does not exist"));
        assertFalse(Files.exists(folder.resolve("nowhere")));
    }

    @Test
    void relativeTargetWithoutFolder() {
        Path target = Path.of("no-such-file-" + ProcessHandle.current().pid());
        assertDoesNotThrow(() -> AtomicFile.check(target, false));
    }

    @Test
    void oneOfManyWritersWins() throws Exception {
        Path target = folder.resolve("song.mid");
        int writers = 8;
        CyclicBarrier together = new CyclicBarrier(writers);
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (int i = 0; i < writers; i++) {
            byte[] content = new byte[100_000];
            java.util.Arrays.fill(content, (byte) i);
            tasks.add(() -> {
                try {
                    AtomicFile.write(target, false, out -> {
                        try {
                            together.await();
                        } catch (Exception e) {
                            throw new IOException(e);
                        }
                        out.write(content);
                    });
                    return true;
                } catch (LuthierException e) {
                    assertTrue(e.getMessage().contains("exists"), e.getMessage());
                    return false;
                }
            });
        }
        ExecutorService pool = Executors.newFixedThreadPool(writers);
        int won = 0;
        try {
            for (Future<Boolean> result : pool.invokeAll(tasks)) {
                won += result.get() ? 1 : 0;
            }
        } finally {
            pool.shutdownNow();
        }
        assertEquals(1, won);
        byte[] content = Files.readAllBytes(target);
        assertEquals(100_000, content.length);
        for (byte b : content) {
            assertEquals(content[0], b);
        }
        assertEquals(List.of(target), content());
    }

    private static IOConsumer<OutputStream> text(String text) {
        return out -> out.write(text.getBytes(UTF_8));
    }

    private static String refusal(Path target, boolean overwrite) {
        return assertThrows(LuthierException.class, () -> AtomicFile.write(target, overwrite, text("new")))
                .getMessage();
    }

    private List<Path> content() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
