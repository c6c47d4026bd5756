package org.luthier.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @TempDir
    Path folder;

    @Test
    void tellsOfAFullDisk() throws Exception {
        Path cache = folder.resolve("javacpp");
        assertEquals(Optional.empty(), NativeLibraries.shortage(cache, 500L << 20));
        String empty = NativeLibraries.shortage(cache, 27L << 20).orElseThrow();
        assertTrue(
                empty.contains(cache.toString()) && empty.contains("27 MB are free, and about 500 MB more are needed"),
                empty);
        assertTrue(empty.contains("LUTHIER_CACHE"), empty);

        Path library = Files.createDirectories(cache.resolve("nd4j.jar/org")).resolve("libnd4j.so");
        try (RandomAccessFile holes = new RandomAccessFile(library.toFile(), "rw")) {
            holes.setLength(490L << 20);
        }
        assertTrue(NativeLibraries.shortage(cache, 9L << 20).isPresent());
        assertEquals(Optional.empty(), NativeLibraries.shortage(cache, 10L << 20), "what is there needs no room");
        try (RandomAccessFile holes = new RandomAccessFile(library.toFile(), "rw")) {
            holes.setLength(600L << 20);
        }
        assertEquals(Optional.empty(), NativeLibraries.shortage(cache, 0), "all of them are there");
    }
}
