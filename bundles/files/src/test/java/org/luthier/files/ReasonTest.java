package org.luthier.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ReasonTest {
    @TempDir
    Path folder;

    private static String reason(Executable what) {
        return Reason.of(assertThrows(IOException.class, what));
    }

    @Test
    void saysWhyWithoutTheName() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertEquals("there is no such file or folder", reason(() -> Files.size(folder.resolve("none"))));
        assertEquals("there is a file of that name", reason(() -> Files.createDirectories(file)));
        assertEquals("it is not a folder", reason(() -> Files.list(file).close()));
        assertEquals("the folder is not empty", reason(() -> Files.delete(folder)));
        assertEquals("no permission", Reason.of(new AccessDeniedException(file.toString())));
        assertEquals(
                "No space left on device", Reason.of(new FileSystemException("a", null, "No space left on device")));
        assertEquals("odd", Reason.of(new IOException("odd")));
    }
}
