package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;

class Sha256SumsTest {
    @TempDir
    Path temporary;

    @Test
    void theFirstFileThatDiffersIsNamed() throws IOException {
        T5xFolder folder = T5xFolder.oneOfEachKind(temporary.resolve("folder"));
        folder.write();
        Path list = temporary.resolve("SHA256SUMS");
        try (Checkpoint checkpoint = new T5xFormat().open(folder.path)) {
            Files.writeString(list, lines(checkpoint.files()));
            assertEquals(Optional.empty(), Sha256Sums.read(list).difference(checkpoint));
            assertTrue(Sha256Sums.read(list).concerns(checkpoint));
            Files.writeString(list, "0".repeat(64) + "  converted.safetensors\n");
            assertFalse(Sha256Sums.read(list).concerns(checkpoint));
            Files.writeString(list, lines(checkpoint.files()));
        }
        Files.write(folder.path.resolve("target.u/0"), T5xFolder.little(3, 4));
        assertDifference(folder, list, "'target.u/0' has the sha256 ");

        Files.delete(folder.path.resolve("target.k/.zarray"));
        folder.target.remove("k");
        folder.write();
        assertDifference(folder, list, "'checkpoint' has the sha256 ");
        assertTrue(difference(folder, list).endsWith(" (and 3 more files differ)"));

        String listed = Files.readString(list);
        Files.writeString(
                list, listed.lines().filter(line -> line.contains("target.k")).collect(Collectors.joining("\n")));
        assertDifference(folder, list, "'checkpoint' is not among the published files");
        Files.writeString(list, "0".repeat(64) + " *absent\n" + listed);
        assertDifference(folder, list, "'absent' is missing");
    }

    @Test
    void aListOfAnotherKindIsRefused() throws IOException {
        String line = "0".repeat(64) + "  a\n";
        for (String text : new String[] {"x", line + line, line.substring(1), "\\" + line, "\n"}) {
            Path list = Files.writeString(temporary.resolve("SHA256SUMS"), text);
            assertThrows(LuthierException.class, () -> Sha256Sums.read(list), text);
        }
        assertThrows(LuthierException.class, () -> Sha256Sums.read(temporary.resolve("none")));
    }

    private static String lines(Map<String, String> files) {
        return files.entrySet().stream()
                .map(file -> file.getValue() + "  " + file.getKey() + "\n")
                .collect(Collectors.joining());
    }

    private static void assertDifference(T5xFolder folder, Path list, String expected) {
        String difference = difference(folder, list);
        assertTrue(difference.startsWith(expected), difference);
    }

    private static String difference(T5xFolder folder, Path list) {
        try (Checkpoint checkpoint = new T5xFormat().open(folder.path)) {
            return Sha256Sums.read(list).difference(checkpoint).orElseThrow();
        }
    }
}
