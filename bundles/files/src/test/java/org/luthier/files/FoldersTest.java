package org.luthier.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldersTest {
    @TempDir
    Path folder;

    private Path tree(String name, String content) throws IOException {
        Path tree = Files.createDirectories(folder.resolve(name).resolve("inner"));
        Files.writeString(tree.resolve("file"), content);
        return folder.resolve(name);
    }

    private static String content(Path tree) throws IOException {
        return Files.readString(tree.resolve("inner/file"));
    }

    @Test
    void deletesAllOfAFolderAndFollowsNoLink() throws IOException {
        Path kept = tree("kept", "kept");
        Path gone = tree("gone", "gone");
        Files.createSymbolicLink(gone.resolve("link"), kept);
        Folders.delete(gone);
        assertFalse(Files.exists(gone));
        assertEquals("kept", content(kept));
        Folders.delete(gone);
    }

    @Test
    void replacesWhatIsThere() throws IOException {
        Path target = folder.resolve("target");
        Folders.replace(tree("first", "1"), target, folder.resolve("aside"));
        assertEquals("1", content(target));
        tree("aside", "of an earlier attempt");
        Folders.replace(tree("second", "2"), target, folder.resolve("aside"));
        assertEquals("2", content(target));
        assertEquals("1", content(folder.resolve("aside")));
    }

    @Test
    void bringsBackWhatWasThereIfTheNewCannotTakeItsPlace() throws IOException {
        Path target = tree("target", "1");
        assertThrows(
                IOException.class, () -> Folders.replace(folder.resolve("missing"), target, folder.resolve("aside")));
        assertEquals("1", content(target));
        assertTrue(Files.notExists(folder.resolve("aside")));
    }
}
