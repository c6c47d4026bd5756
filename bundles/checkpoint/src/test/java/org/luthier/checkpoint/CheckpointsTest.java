package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;

class CheckpointsTest {
    @TempDir
    Path folder;

    @Test
    void formatIsToldByContentNotByName() throws IOException {
        byte[] npy = TestFiles.npy("<f4", false, "(1,)", TestFiles.floats(ByteOrder.LITTLE_ENDIAN, 1));
        assertFormat("npy", Files.write(folder.resolve("a.safetensors"), npy));
        assertFormat("npz", Files.write(folder.resolve("b.npy"), TestFiles.zip(true, Map.of("a.npy", npy))));
        assertFormat("safetensors", Files.write(folder.resolve("model.json"), TestFiles.safetensors("{}", 0)));
        Path model = TestFiles.tfjs(folder.resolve("m"), "[]", new byte[0]);
        assertFormat("tfjs", model);
        assertFormat("tfjs", model.resolve("model.json"));
    }

    @Test
    void whatIsNoCheckpointIsToldPlainly() throws IOException {
        Path text = Files.writeString(folder.resolve("song.txt"), "la la la");
        CheckpointException e = refused(text);
        assertEquals("unknown-format", e.rule());
        assertTrue(e.getMessage().contains("safetensors files"), e.getMessage());
        assertEquals("unknown-format", refused(folder).rule());
        assertEquals(
                "unknown-format",
                refused(Files.createFile(folder.resolve("empty"))).rule());
        assertEquals("unreadable", refused(folder.resolve("missing")).rule());
    }

    @Test
    void whatWentWrongIsTold() throws IOException {
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("gone"));
        Files.writeString(folder.resolve("pointer.pth"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        Files.writeString(folder.resolve("page"), "<!doctype html>");
        Files.createFile(folder.resolve("empty"));
        Files.createDirectory(folder.resolve("folder"));
        Map<String, String> details = Map.of(
                "link", "it is a link to what does not exist",
                "pointer.pth", "it is a pointer of Git LFS",
                "page", "it is a web page or XML",
                "empty", "it is empty",
                "folder", "no checkpoint lies in this folder");
        details.forEach((name, detail) -> {
            String message = refused(folder.resolve(name)).getMessage();
            assertTrue(message.startsWith(folder.resolve(name) + ": " + detail), message);
        });
    }

    @Test
    void whatTheJsonParserSaysIsOneCleanLine() throws IOException {
        Path header = Files.write(folder.resolve("a.safetensors"), TestFiles.safetensors("{\"a\":{\"shape\":[1", 0));
        String message = refused(header).getMessage();
        assertTrue(message.contains("expected close marker for Array (from line 1)"), message);
        Path model = TestFiles.tfjs(folder.resolve("m"), "[}", new byte[0]).resolve("model.json");
        message = assertThrows(CheckpointException.class, () -> new TfjsFormat().open(model))
                .getMessage();
        assertTrue(message.contains("expected ']' (from line 1)"), message);
    }

    @Test
    void anInterruptedReaderIsCancelled() throws IOException {
        Path file = Files.write(folder.resolve("a.npy"), TestFiles.npy("<f4", false, "(1,)", new byte[4]));
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            Thread.currentThread().interrupt();
            assertThrows(CancelledException.class, () -> checkpoint.read(NpyFormat.ARRAY));
            assertTrue(Thread.interrupted());
        }
        try (Checkpoint again = Checkpoints.builtIn().open(file)) {
            assertEquals(0, again.floats(NpyFormat.ARRAY)[0]);
        }
    }

    private static CheckpointException refused(Path path) {
        return assertThrows(
                CheckpointException.class, () -> Checkpoints.builtIn().open(path));
    }

    private static void assertFormat(String format, Path path) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
            assertEquals(format, checkpoint.format());
        }
    }
}
