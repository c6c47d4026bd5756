package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemPackagesTest {
    @TempDir
    Path folder;

    private Path jar(String name, String... entries) throws IOException {
        Path jar = folder.resolve(name);
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String entry : entries) {
                zip.putNextEntry(new ZipEntry(entry));
            }
        }
        return jar;
    }

    @Test
    void packagesHaveTheVersionOfTheirJar() throws Exception {
        String classPath = String.join(
                File.pathSeparator,
                jar("nd4j-api-1.0.0-M2.1.jar", "org/nd4j/A.class", "org/nd4j/b/B.class", "org/nd4j/data.bin", "C.class")
                        .toString(),
                jar("ffmpeg-8.0.1-1.5.13.jar", "org/bytedeco/ffmpeg/F.class", "META-INF/versions/9/org/x/X.class")
                        .toString(),
                jar("secret-1.0.jar", "org/secret/S.class").toString());
        assertEquals(
                "org.bytedeco.ffmpeg;version=\"8.0.1\",org.nd4j;version=\"1.0.0\",org.nd4j.b;version=\"1.0.0\"",
                SystemPackages.of(classPath, folder));
    }

    @Test
    void theAnswerIsRememberedUntilAJarChanges() throws Exception {
        Path jar = jar("javacpp-1.5.13.jar", "org/bytedeco/A.class");
        String first = SystemPackages.of(jar.toString(), folder);
        Path memory;
        try (Stream<Path> files = Files.list(folder)) {
            memory = files.filter(file -> file.toString().endsWith(".txt"))
                    .findFirst()
                    .orElseThrow();
        }
        Files.writeString(memory, Files.readString(memory).replace("org.bytedeco;", "org.remembered;"));
        assertTrue(SystemPackages.of(jar.toString(), folder).contains("org.remembered"));
        jar("javacpp-1.5.13.jar", "org/bytedeco/A.class", "org/bytedeco/more/B.class");
        assertEquals(first + ",org.bytedeco.more;version=\"1.5.13\"", SystemPackages.of(jar.toString(), folder));
    }
}
