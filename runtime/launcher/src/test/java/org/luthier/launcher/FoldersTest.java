package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FoldersTest {
    private static final Path INSTALL = Path.of("install");

    @Test
    void ownVariablesComeFirst() {
        Folders folders =
                Folders.of(INSTALL, Map.of("LUTHIER_HOME", "/a", "LUTHIER_CACHE", "b", "XDG_DATA_HOME", "/c"));
        assertEquals(Path.of("/a"), folders.home());
        assertEquals(Path.of("b").toAbsolutePath(), folders.cache());
        assertTrue(folders.install().isAbsolute());
    }

    @Test
    void thenTheXdgFoldersIfTheyAreAbsolute() {
        Folders folders = Folders.of(
                INSTALL,
                Map.of("LUTHIER_HOME", " ", "XDG_DATA_HOME", "/data", "XDG_CACHE_HOME", "relative", "HOME", "/home/x"));
        assertEquals(Path.of("/data/luthier"), folders.home());
        assertEquals(Path.of("/home/x/.cache/luthier"), folders.cache());
    }

    @Test
    void thenTheirDefaults() {
        Folders folders = Folders.of(INSTALL, Map.of());
        assertEquals(Path.of(System.getProperty("user.home"), ".local/share/luthier"), folders.home());
    }

    @Test
    void namesThatTheWatcherCannotTakeAreRefused() {
        LaunchException e =
                assertThrows(LaunchException.class, () -> Folders.of(INSTALL, Map.of("LUTHIER_HOME", "/a,b")));
        assertTrue(e.getMessage().contains("LUTHIER_HOME") && e.getMessage().contains("/a,b"), e.getMessage());
        assertThrows(LaunchException.class, () -> Folders.of(INSTALL, Map.of("LUTHIER_CACHE", "/a${b}")));
    }

    /** A word that is not in UTF-8 arrives with such letters. */
    @Test
    void namesThatJavaCannotReadAreRefused() {
        for (String variable : List.of("LUTHIER_HOME", "LUTHIER_CACHE")) {
            LaunchException e =
                    assertThrows(LaunchException.class, () -> Folders.of(INSTALL, Map.of(variable, "/caf\uFFFD")));
            assertTrue(e.getMessage().startsWith(variable + " '/caf?' is not in UTF-8"), e.getMessage());
        }
        LaunchException e = assertThrows(LaunchException.class, () -> Arguments.parse("transcribe", "caf\uFFFD.flac"));
        assertTrue(e.getMessage().startsWith("the argument 'caf?.flac' is not in UTF-8"), e.getMessage());
        assertEquals(1, e.exitCode());
    }
}
