package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FrameworkFolderTest {
    @TempDir
    Path parent;

    @Test
    void eachProcessHasItsOwnAndLeavesNothing() throws Exception {
        FrameworkFolder one = FrameworkFolder.create(parent);
        FrameworkFolder two = FrameworkFolder.create(parent);
        assertNotEquals(one.path(), two.path());
        Files.createDirectories(one.path().resolve("felix/bundle1"));
        Files.writeString(one.path().resolve("felix/bundle1/state"), "x");
        one.close();
        assertFalse(Files.exists(one.path()));
        assertTrue(Files.exists(two.path()), "another one's folder stays");
        two.close();
        assertFalse(Files.exists(two.path()));
    }

    @Test
    void whatACrashLeftIsRemoved() throws Exception {
        Path left = Files.createDirectories(parent.resolve("process-123/felix/bundle0"));
        Files.writeString(parent.resolve("process-123/lock"), "");
        Path other = Files.createDirectories(parent.resolve("something-else"));
        try (FrameworkFolder folder = FrameworkFolder.create(parent)) {
            assertFalse(Files.exists(left.getParent().getParent()));
            assertTrue(Files.exists(other), "only its own kind is removed");
            assertTrue(Files.exists(folder.path()));
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsOneLine() throws Exception {
        Path file = Files.writeString(parent.resolve("file"), "");
        LaunchException e =
                assertThrows(LaunchException.class, () -> FrameworkFolder.create(file.resolve("frameworks")));
        assertEquals(1, e.exitCode());
        assertTrue(e.getMessage().contains("LUTHIER_CACHE"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }
}
