package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeaturesTest {
    @TempDir
    Path install;

    @BeforeEach
    void folders() throws IOException {
        Files.createDirectories(install.resolve("features"));
        Files.createDirectories(install.resolve("bundles"));
        Files.writeString(install.resolve("bundles/one-1.0.jar"), "");
        Files.writeString(install.resolve("bundles/two-2.0-SNAPSHOT.jar"), "");
    }

    private void feature(String bundles) throws IOException {
        Files.writeString(
                install.resolve("features/f.json"),
                "{\"feature-resource-version\": \"1.0\", \"id\": \"g:f:1\", // a comment\n\"bundles\": [" + bundles
                        + "]}");
    }

    @Test
    void jarsComeInTheOrderOfTheFile() throws Exception {
        feature("{\"id\": \"g:two:2.0-SNAPSHOT\"}, {\"id\": \"g:one:1.0\"}");
        assertEquals(
                List.of(install.resolve("bundles/two-2.0-SNAPSHOT.jar"), install.resolve("bundles/one-1.0.jar")),
                Features.jars(install, List.of("f")));
    }

    @Test
    void whatIsWrongIsNamed() throws Exception {
        feature("{\"id\": \"g:three:3.0\"}");
        refused("three-3.0.jar");
        feature("\"g:one:1.0\"");
        refused("object");
        feature("{");
        refused("f.json");
        Files.delete(install.resolve("features/f.json"));
        refused("f.json");
    }

    private void refused(String part) {
        LaunchException e = assertThrows(LaunchException.class, () -> Features.jars(install, List.of("f")));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}
